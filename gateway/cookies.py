"""Cookies: made in one way only, and read with doubt.

Pages know people by cookies; the API never looks at one, so that no other site's page can use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import Scope

    from gateway.safety import Header

LONGEST_VALUE: Final = 3800
"""Browsers keep 4096 bytes with the name; an agent's token names up to fifty permissions."""
_VALUE: Final = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cookie:
    """One kind of cookie.

    Args:
        same_site: Lax comes along when somebody follows a link from elsewhere; Strict never does.
    """

    name: str
    same_site: str


SESSION: Final = Cookie("zt_session", "Lax")
"""Who is signed in."""
REFRESH: Final = Cookie("zt_refresh", "Strict")
"""What a session is prolonged with."""
VISIT: Final = Cookie("zt_visit", "Lax")
"""A random word for one who has not signed in yet; forms are bound to it (gateway/csrf.py)."""
OUTSIDE: Final = Cookie("zt_outside", "Lax")
"""A sign-in with an outside provider that is under way; it has to come back from there."""


class Cookies:
    """Makes and reads the cookies of this platform.

    Over TLS a name begins with `__Host-`: browsers then take the cookie from this very host alone,
    by TLS, for all paths. No neighbour under the same domain can plant one.

    Args:
        secure: browsers reach the platform by TLS only (gateway/public.py).
    """

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure

    def name(self, cookie: Cookie) -> str:
        """What the cookie is called in browsers."""
        return f"__Host-{cookie.name}" if self._secure else cookie.name

    def put(self, cookie: Cookie, value: str, *, seconds: int | None = None) -> Header:
        """The header that gives a cookie to a browser.

        Args:
            value: letters, digits and `._~-` only: what tokens are made of.
            seconds: how long it is kept; None: until the browser is closed.

        Raises:
            ValueError: the value is none that a cookie of ours may have.
        """
        if len(value) > LONGEST_VALUE or not _VALUE.fullmatch(value):
            raise ValueError(f"no value for the cookie {cookie.name}")
        return self._header(cookie, value, seconds)

    def drop(self, cookie: Cookie) -> Header:
        """The header that takes a cookie from a browser."""
        return self._header(cookie, "", 0)

    def read(self, scope: Scope, cookie: Cookie) -> str:
        """What a request brought; empty where there is none, or where it is in doubt.

        It is in doubt where the name stands there twice with two values (one of them is somebody
        else's), and where the value is none that `put` would give.
        """
        name = self.name(cookie).encode()
        found = {
            value.strip(b" \t")
            for pair in _pairs(scope)
            for key, equals, value in [pair.partition(b"=")]
            if equals and key.strip(b" \t") == name
        }
        if len(found) != 1:
            return ""
        value = found.pop().decode("latin-1")
        return value if len(value) <= LONGEST_VALUE and _VALUE.fullmatch(value) else ""

    def _header(self, cookie: Cookie, value: str, seconds: int | None) -> Header:
        parts = [f"{self.name(cookie)}={value}", "Path=/", "HttpOnly"]
        parts += ["Secure"] if self._secure else []
        parts += [f"SameSite={cookie.same_site}"]
        parts += [] if seconds is None else [f"Max-Age={seconds}"]
        return b"set-cookie", "; ".join(parts).encode("ascii")


def _pairs(scope: Scope) -> list[bytes]:
    lines = (value for name, value in scope["headers"] if name == b"cookie")
    return b";".join(lines).split(b";")
