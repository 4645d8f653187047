"""Requests of the platform to addresses that somebody else named: to the public network only.

Who may name an address (of an identity provider, a webhook, a link) could name one inside, and see
through the platform's eyes what no outsider may see. So a name is resolved here, once; every
address it has is judged; and the connection goes to an address that was judged, whatever the name
means a moment later. TLS still checks the certificate against the name.
"""

from gateway.outbound.addresses import Allowed
from gateway.outbound.transport import Bounds, Outbound, client

__all__ = ["Allowed", "Bounds", "Outbound", "client"]
