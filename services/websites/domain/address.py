"""Addresses of web pages: which texts mean one address, and which mean none."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from services.common.errors import Invalid, Violation
from services.common.fields import FieldInvalid, text

LIMIT = 2000  # characters
_WHOLE = re.compile(r"(https?)://([^/?#\\]*)([^?#]*)(\?[^#]*)?(#.*)?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_LABEL = r"(?!-)[a-z0-9{}-]{{1,63}}(?<!-)"
_NAME = re.compile(r"(?:{0}\.)+(?![0-9]+$){0}".format(_LABEL.format("")))
# Servers of old answered to names with an underscore, though no registry gives one out.
_OLD_NAME = re.compile(r"(?:{0}\.)+(?![0-9]+$){0}".format(_LABEL.format("_")))
_LONGEST_NAME = 253
# What RFC 3986 lets stand in an address as it is; its `%` begins an escape.
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ODD = r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]"
_ESCAPE_OR_ODD = re.compile(rf"%[0-9A-Fa-f]{{2}}|%|{_ODD}")
_BARE = re.compile(_ODD)

_read_text = text(LIMIT).read


class AddressInvalid(Invalid):
    """The text is no whole http or https address."""

    reason = "ADDRESS_INVALID"


def normal_form(address: str) -> str:
    """The one text that stands for an old address and all its spellings: `//host/path?query`.

    Rule W-2: old addresses are one where every browser asks the same server for the same page.
    - http and https are one: sites turned to https without moving a page, and the printed links
      to them did not.
    - Scheme and host in lower case; a host in Chinese as punycode, without a final dot; without
      the scheme's own port. A user name or password is refused.
    - The path keeps its case and its final `/`; an empty one is `/`, a backslash is `/`, and `.`
      and `..` are resolved, as browsers do.
    - The query stays in order, because servers tell it apart; an empty one is dropped. So is the
      fragment, which no browser sends.
    - Escapes of letters, digits and `-._~` are undone, others in upper case; what may not stand
      bare (blanks, Chinese, `%` without two digits) is escaped as UTF-8.

    Raises:
        AddressInvalid
    """
    scheme, authority, path, query, _ = _whole(address)
    path = _ESCAPE_OR_ODD.sub(_escaped, path.replace("\\", "/"))
    query = _ESCAPE_OR_ODD.sub(_escaped, query) if query != "?" else ""
    path = _resolved(path) if "/." in path else path or "/"
    return f"//{_server(scheme.lower(), authority)}{path}{query}"


def host_of(address: str) -> str:
    """The host of an address, without its port. Raises: AddressInvalid."""
    scheme, authority, *_ = _whole(address)
    return _server(scheme.lower(), authority).partition(":")[0]


def destination(address: str) -> str:
    """A new address as it was given, fit for a Location header.

    Only what may not stand in one is escaped. Raises: AddressInvalid.
    """
    scheme, authority, path, query, fragment = _whole(address)
    server = _server(scheme.lower(), authority)
    shown = authority if authority.isascii() else server
    path = path.replace("\\", "/")
    found = f"{scheme}://{shown}" + _BARE.sub(_escaped, f"{path}{query}{fragment}")
    if len(found) > LIMIT:
        raise _invalid(f"网址不得超过 {LIMIT} 个字符，汉字按转义后计")
    return found


def clean(address: str) -> str:
    """The address without blanks around it. Raises: AddressInvalid."""
    try:
        return str(_read_text(address))
    except FieldInvalid as error:
        raise AddressInvalid(str(error), Violation("url", str(error))) from None


def host_name(name: str) -> str | None:
    """A domain name in lower case, in Chinese as punycode, or None."""
    found = _name_of(name)
    return found if found and _NAME.fullmatch(found) and _has_sound_labels(found) else None


def _whole(address: str) -> tuple[str, ...]:
    """Scheme, authority, path, query with its `?` and fragment with its `#`, as they were given."""
    whole = _WHOLE.fullmatch(clean(address))
    if whole is None:
        raise _invalid("应为 http:// 或 https:// 开头的完整网址")
    return whole.groups(default="")


@lru_cache(maxsize=4096)
def _server(scheme: str, authority: str) -> str:
    """Host, and port where it is not the scheme's own."""
    if "@" in authority:
        raise _invalid("网址中不得含有用户名或密码")
    name, _, port = authority.partition(":")
    host = _name_of(name)
    if not host or not (_is_old_name(host) or _is_ipv4(host)):
        raise _invalid("网址中的域名有误")
    if port and not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536):
        raise _invalid("网址中的端口应为 1 至 65535 的整数")
    number = port.lstrip("0")
    return host if number in ("", _DEFAULT_PORTS[scheme]) else f"{host}:{number}"


def _name_of(name: str) -> str:
    """The name in ASCII and lower case; empty where it cannot be written so."""
    try:
        ascii_name = name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    found = ascii_name.lower().removesuffix(".")
    return found if len(found) <= _LONGEST_NAME else ""


def _is_old_name(host: str) -> bool:
    return _OLD_NAME.fullmatch(host) is not None and _has_sound_labels(host)


def _has_sound_labels(host: str) -> bool:
    """Whether each label that claims to be punycode is."""
    try:
        for label in host.split("."):
            if label.startswith("xn--") and not label[4:].encode("ascii").decode("punycode"):
                return False
    except (ValueError, OverflowError):
        return False
    return True


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _escaped(found: re.Match[str]) -> str:
    part = found[0]
    if len(part) == 3:
        meant = chr(int(part[1:], 16))
        return meant if meant in _UNRESERVED else part.upper()
    return "".join(f"%{byte:02X}" for byte in part.encode())


def _resolved(path: str) -> str:
    """The path without `.` and `..` (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    parts = path.split("/")[1:]
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
    if parts[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _invalid(said: str) -> AddressInvalid:
    return AddressInvalid(said, Violation("url", said))
