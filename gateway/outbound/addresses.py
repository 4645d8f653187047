"""Which addresses the platform sends requests to."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.refusals import AddressRefused
from services.common.errors import Violation
from services.common.settings import SettingMissing

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address
    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

VARIABLE: Final = "ZHENGTONG_OUTBOUND_ALLOW"
USUAL_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", re.ASCII)


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


# The registries of special addresses (IANA), written out: what ipaddress calls global changes with
# the version of Python. Of IPv6 only 2000::/3 is given out at all: that leaves out loopback, local
# and multicast addresses, and IPv4 in its IPv6 forms (mapped, compatible, NAT64).
_PUBLIC_6: Final = ipaddress.ip_network("2000::/3")
_SPECIAL: Final = _networks(
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
)
# A name opens these when it stands in the setting. The rest, where clouds answer machines with
# their secrets (169.254.169.254, 100.100.100.200), is opened by the address only.
_INSIDE: Final = _networks(
    *("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"),
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is open besides ports 80 and 443 of the public network.

    Args:
        networks: addresses that are open, at every port.
        hosts: names and ports; 0: 80 and 443. Such a name may be one of the inside.
    """

    networks: tuple[Network, ...] = field(default=())
    hosts: frozenset[tuple[str, int]] = field(default=frozenset())

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Allowed:
        """What ZHENGTONG_OUTBOUND_ALLOW opens: `10.1.0.0/16,login.example.test:8443`.

        Raises:
            SettingMissing: a part of it is neither a network nor `host` or `host:port`.
        """
        networks: list[Network] = []
        hosts: set[tuple[str, int]] = set()
        for part in filter(None, (one.strip() for one in env.get(VARIABLE, "").split(","))):
            try:
                if "/" in part:
                    networks.append(ipaddress.ip_network(part))
                else:
                    hosts.add(_host_and_port(part))
            except ValueError:
                told = f"{VARIABLE}: {part!r} is neither a network (10.1.0.0/16) nor host[:port]"
                raise SettingMissing(told) from None
        return cls(tuple(networks), frozenset(hosts))

    def opens(self, address: Address) -> bool:
        """Whether an address is open at every port."""
        return any(address in network for network in self.networks)

    def names(self, host: str, port: int) -> bool:
        """Whether a host is open by its name, at this port."""
        usual = port in USUAL_PORTS.values()
        return (host, port) in self.hosts or (usual and (host, 0) in self.hosts)


def target(url: httpx.URL) -> tuple[str, int]:
    """The host and port that a request goes to.

    Raises:
        AddressRefused: it is no http or https, names nobody, or carries a password.
    """
    if url.scheme not in USUAL_PORTS:
        raise _refused("只接受 http 或 https 地址。")
    if url.userinfo:
        raise _refused("地址中不得含有用户名或密码。")
    host = plain_host(url.raw_host.decode("ascii"))
    if not host:
        raise _refused("地址缺少主机名。")
    return host, url.port or USUAL_PORTS[url.scheme]


def judge(host: str, port: int, address: str, allowed: Allowed) -> None:
    """Let an address pass that the platform may send a request to.

    Args:
        host: the name it was asked for by.

    Raises:
        AddressRefused: it is none of the public network, or another port, and nothing opens it.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise _refused("地址无法识别。") from None
    if allowed.opens(found):
        return
    named = allowed.names(host, port)
    if port not in USUAL_PORTS.values() and not named:
        raise _refused("只允许访问 80 和 443 端口。")
    if not is_public(found) and not (named and any(found in network for network in _INSIDE)):
        raise _refused("该地址不在公共网络上，不予访问。")


def is_public(address: Address) -> bool:
    """Whether an address belongs to somebody on the public network."""
    if address.version == 6 and address not in _PUBLIC_6:
        return False
    return not any(address in network for network in _SPECIAL)


def plain_host(text: str) -> str:
    """A host as it is compared: no capitals, no brackets, no dot at the end."""
    return text.lower().strip("[]").removesuffix(".")


def _host_and_port(text: str) -> tuple[str, int]:
    found = _HOST.fullmatch(text.lower())
    if not found or int(found[2] or 1) not in range(1, 65536):
        raise ValueError(text)
    return plain_host(found[1]), int(found[2] or 0)


def _refused(told: str) -> AddressRefused:
    return AddressRefused(told, Violation("url", told))
