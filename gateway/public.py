"""Under which address people reach the platform: it decides over TLS, cookies and origins."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from services.common.settings import SettingMissing

VARIABLE: Final = "ZHENGTONG_PUBLIC_URL"
_IN_A_HOST: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-:")
_USUAL_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """The address that stands in people's browsers.

    Args:
        origin: as browsers send it in `Origin`; empty while the platform serves its own machine.
    """

    origin: str = ""

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by TLS only."""
        return self.origin.startswith("https://")

    @classmethod
    def read(cls, text: str) -> PublicAddress:
        """The address that the setting names; an empty one names none.

        Plain http is for one's own machine: over a network a session would go in the clear.

        Raises:
            SettingMissing: it is no https address of a host, nor an http one of this machine.
        """
        if not text:
            return cls()
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        # Names of other scripts as punycode; urlsplit drops line breaks without a word.
        fit = text.isprintable() and not set(host) - _IN_A_HOST
        if not host or not fit or parts.path.strip("/") or parts.query or parts.fragment:
            raise SettingMissing(f"{VARIABLE}: {text!r} is not an address such as https://host")
        if "@" in parts.netloc or parts.scheme not in _USUAL_PORTS:
            raise SettingMissing(f"{VARIABLE}: {text!r} is not an address such as https://host")
        if parts.scheme == "http" and not is_this_machine(host):
            raise SettingMissing(f"{VARIABLE}: {text!r} must begin with https://")
        return cls(_origin(parts.scheme, host, port))


def _origin(scheme: str, host: str, port: int | None) -> str:
    """As browsers write it: no port where it is the usual one."""
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + (f":{port}" if port not in (None, _USUAL_PORTS[scheme]) else "")


def is_this_machine(host: str) -> bool:
    """Whether a host is a loopback address, or the name of one."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
