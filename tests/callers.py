"""Callers that tests speak as."""

from services.common.access import NATIONWIDE, Caller
from services.common.permissions import transferable

SYSTEM = Caller("system", "client", region=NATIONWIDE, leads=True, rights=transferable("client"))
"""A departmental system that may make every change a client can be allowed, everywhere."""
