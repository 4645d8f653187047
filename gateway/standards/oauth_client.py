"""authlib's client on httpx, without its word on every start that it would rather have httpx2."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    from authlib.deprecate import AuthlibDeprecationWarning

    # Imported above first: it makes its own warnings be shown always.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError

__all__ = ["AsyncOAuth2Client", "OAuthError"]
