"""Bad requests, made from the API's own document: every call, every field, every parameter."""

from __future__ import annotations

import base64
import binascii
import copy
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]
JSON = {"content-type": "application/json"}
OF_ACCOUNTS = tuple(
    f"/api/v1/{name}" for name in ("account", "audit", "clients", "mandates", "reviews", "sessions")
)
"""What is for people with roles, and for no system of a department."""
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE")

# By kind of value: what a field of that kind can never hold, as it stands in a JSON body.
NEVER: dict[str, tuple[bytes, ...]] = {
    "string": (
        b"5",
        b"null",
        b"[]",
        b"{}",
        b'"a\\u0000b"',
        b'"\\ud800"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
    ),
    "int32": (b'"5"', b"1.5", b"true", b"null", b"2147483648", b"-2147483649", b"NaN", b"1e400"),
    "int64": (b'"x"', b"1.5", b"null", b'"9223372036854775808"', b"9223372036854775808", b"NaN"),
    "double": (b'"1"', b"true", b"null", b"NaN", b"Infinity", b"1e400", b"-1e999"),
    "boolean": (b'"true"', b"1", b"null", b"[]"),
    "enum": (b'"NO_SUCH_VALUE"', b'""', b"1", b"null", b'"\\ud800"'),
    "date-time": (b'"yesterday"', b'"2026-13-01T00:00:00Z"', b'"2026-01-01"', b"5", b"null"),
}
# The same as text in an address.
NEVER_IN_TEXT: dict[str, tuple[bytes, ...]] = {
    "string": (b"a%00b", b"%1b", b"%ED%A0%80", b"%FF", b"%C0%AF", b"%0a"),
    "int32": (b"x", b"1.5", b"2147483648", b"%D9%A3", b"1e2", b"NaN", b"9" * 4000),
    "int64": (b"x", b"9223372036854775808", b"-9223372036854775809", b"NaN"),
    "double": (b"x", b"NaN", b"inf", b"1e400"),
    "boolean": (b"yes", b"1", b"True"),
    "enum": (b"NO_SUCH_VALUE", b"1", b"%ED%A0%80"),
    "date-time": (b"yesterday", b"5", b"2026-13-01T00:00:00Z"),
}
# What has the right kind and is still not what anybody means; a department has to judge it.
ODD: dict[str, tuple[Any, ...]] = {
    "string": (
        *("\ufffe\uffff", "\u202eabc\u202c", "\u200b\u200b", "\ue000", "😀" * 50, "x" * 100_000),
        *("9999-99-99", "2024-02-30", "10000-01-01", "0001-01-01", "9999-12-31"),
        *("-1", "1e400", "NaN", "٣٤٥", "０１", '{"$gt": ""}', "[1,[2", "a\tb\nc", "，", "%00"),
        *("javascript:alert(1)", "http://[::1", "http://a:99999999/", "http://xn--a/"),
    ),
    "int32": (-(2**31), 2**31 - 1, -1, 0),
    "int64": ("-9223372036854775808", "9223372036854775807", "-1"),
    "double": (1e308, -1e308, 5e-324, -0.0, 181, 91),
    "boolean": (True, False),
    "date-time": (
        *("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-23:59"),
        *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "1969-12-31T23:59:59Z"),
    ),
}
# One segment of a path that leads nowhere, or somewhere else than it looks.
SEGMENTS = (
    *("%00", "%2F", "..%2F..%2Fetc%2Fpasswd", "%2e%2e", "%5c", "%ED%A0%80", "%FF", "%C0%AE%C0%AE"),
    *(
        "%3A",
        "%3Awithdraw",
        "%25%32%46",
        "%0d%0aX-Injected:%201",
        "a%09b",
        "%E2%80%AE",
        ";",
        "%7B%7D",
    ),
    *(
        "%24gt",
        "%7B%22%24gt%22:%22%22%7D",
        "x" * 2000,
        "%F0%9F%92%A5",
        "%EF%BF%BF",
        "null",
        "-1",
        "*",
    ),
)

# Bodies that are no JSON object at all.
NO_OBJECT = {
    "cut off": b'{"a":',
    "a list": b"[]",
    "a text": b'"x"',
    "null": b"null",
    "two values": b"{}{}",
    "a comment": b"{} // x",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "a surrogate outside": b"\xed\xa0\x80",
    "bytes": bytes(range(256)),
    "100,000 lists": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000,
    "a number of a million digits": b'{"version":' + b"9" * 1_000_000 + b"}",
    "NaN": b"NaN",
    "single quotes": b"{'a': 1}",
}
# Bodies of more than a megabyte.
LARGE = (b'{"q": "' + b"a" * 1024 * 1024 + b'"}', b" " * (1024 * 1024 + 1), b"[" * 2_000_000)
# Files that are no good table.
FILES = {
    "nothing": b"",
    "no rows": b"[]",
    "not even text": bytes(range(256)) * 40,
    "a zip that is none": b"PK\x03\x04" + b"\x00" * 400,
    "UTF-16": "a,b\n1,2\n".encode("utf-16"),
    "GBK": "名称,代码\n某某,1\n".encode("gbk"),
    "NUL": b"a,b\n\x00,\x00\n",
    "an open quote": b'a,b\n"1,2\n' * 10,
    "one line of 4 MB": b"x" * 4_000_000,
    "100,000 columns": b",".join([b"a"] * 100_000) + b"\n1\n",
    "a surrogate": b'[{"name": "\\ud800"}]',
    "deep JSON": b"[" * 100_000,
    "NaN": b'[{"name": NaN, "version": 1e400}]',
    "rows of every kind": b'[null, 1, "x", [], {"a": {"b": [[]]}}]',
    "lines that are no objects": b'{"a": 1}\nnull\n[]\n{',
    "5,000 empty rows": json.dumps([{}] * 5000).encode(),
}


@dataclass(frozen=True)
class Call:
    """One operation of the document."""

    verb: str
    path: str
    told: dict[str, Any]
    document: dict[str, Any] = field(repr=False)

    @property
    def needs_token(self) -> bool:
        return bool(self.told.get("security"))

    @property
    def json(self) -> dict[str, Any] | None:
        """What the document says of a JSON body; None where the call takes none, or a file."""
        content = self.told.get("requestBody", {}).get("content", {}).get("application/json", {})
        return content if content.get("schema") else None

    @property
    def takes_file(self) -> bool:
        return "requestBody" in self.told and self.json is None

    def parameters(self, place: str) -> list[dict[str, Any]]:
        return [one for one in self.told.get("parameters", ()) if one["in"] == place]

    def is_list(self, parameter: dict[str, Any]) -> bool:
        """Whether a parameter may be given several times."""
        return resolved(parameter["schema"], self.document)["type"] == "array"

    def url(self, **variables: str) -> str:
        """The path with its variables as they come over the wire; `a` for those not given."""
        path = self.path
        for one in self.parameters("path"):
            path = path.replace(f"{{{one['name']}}}", variables.get(one["name"], "a"))
        return path

    def needed(self, but: str = "") -> str:
        """The beginning of a query string: what the call cannot do without, but for one name."""
        names = [p["name"] for p in self.parameters("query") if p["required"] and p["name"] != but]
        return "".join(f"{name}=x&" for name in names)

    def kind(self, schema: dict[str, Any]) -> str:
        """The kind of value that a schema describes, as the tables above have it."""
        schema = resolved(schema, self.document)
        schema = resolved(schema.get("items", schema), self.document)
        if "enum" in schema:
            return "enum"
        return schema.get("format") or {"integer": "int32", "number": "double"}.get(
            schema["type"], schema["type"]
        )

    def leaves(self) -> Iterator[tuple[Path, str]]:
        """Every field of the body that holds one value, and its kind."""
        assert self.json is not None
        for path, schema in _leaves(self.json["schema"], (), self.document):
            yield path, self.kind(schema)

    def body(self, path: Path, value: Any, *, among: dict[str, Any] | None = None) -> Any:
        """A body that holds `value` at `path`, alone or among what is there already."""
        tree = copy.deepcopy(among) if among else {}
        put(tree, path, value)
        return tree


def calls(document: dict[str, Any]) -> list[Call]:
    """Every operation of the document that is part of the API."""
    return [
        Call(verb.upper(), path, told, document)
        for path, item in document["paths"].items()
        for verb, told in item.items()
        if path.startswith("/api/")
    ]


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]


def _leaves(
    schema: dict[str, Any], path: Path, document: dict[str, Any]
) -> Iterator[tuple[Path, dict[str, Any]]]:
    schema = resolved(schema, document)
    if schema.get("type") == "array":
        yield from _leaves(schema["items"], (*path, 0), document)
    elif "properties" in schema:
        for name, inner in schema["properties"].items():
            yield from _leaves(inner, (*path, name), document)
    else:
        yield path, schema


def put(tree: Any, path: Path, value: Any) -> None:
    """Put `value` where `path` leads, making what is missing on the way."""
    head, *rest = path
    if not rest:
        _set(tree, head, value)
        return
    inner = tree.get(head) if isinstance(tree, dict) else (tree or [None])[0]
    if inner is None:
        inner = [] if isinstance(rest[0], int) else {}
        _set(tree, head, inner)
    put(inner, tuple(rest), value)


def _set(tree: Any, head: str | int, value: Any) -> None:
    if isinstance(tree, list):
        tree[:] = [value]
    else:
        tree[head] = value


def spelled(path: Path) -> str:
    """A path as refusals name it: `item.materials[0].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def raw(tree: Any, value: bytes) -> bytes:
    """A body in which the text HERE stands for `value`, as it is."""
    return json.dumps(tree).encode().replace(b'"HERE"', value)


def forged(token):
    """Tokens that look like `token`; the last ones even have the right check."""
    whole = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    yield from (
        token[:-1],
        token + "A",
        token[::-1],
        token * 40,
        "A" * 4000,
        "%",
        "====",
        "\x7f",
        "💥",
    )
    for position in (b"[]", b"{}", b"[[]]", b"[null]", b"[1e999]", b'["\\ud800"]', b'[{"$gt":""}]'):
        yield _written(whole[:4] + position)
    check, position = int.from_bytes(whole[:4], "big"), whole[4:]
    for text in ("$", "\x7f", "💥", "~", "0"):
        # The check is linear: of positions of one length it differs as they do.
        other = json.dumps([text * 9999], ensure_ascii=False).encode()[: len(position) - 2] + b'"]'
        right = check ^ binascii.crc32(position) ^ binascii.crc32(other)
        yield _written(right.to_bytes(4, "big") + other)


def _written(token):
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()
