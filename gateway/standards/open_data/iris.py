"""The IRIs of what an export tells of: each leads to a page of this platform.

Fragments, not paths: the address before them is a page that people can open.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import quote, urlsplit

from rdflib import Namespace, URIRef

CV = Namespace("http://data.europa.eu/m8g/")
CPSV = Namespace("http://purl.org/vocab/cpsv#")
ADMS = Namespace("http://www.w3.org/ns/adms#")
ELI = Namespace("http://data.europa.eu/eli/ontology#")
LOCN = Namespace("http://www.w3.org/ns/locn#")
TIME = Namespace("http://www.w3.org/2006/time#")
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
_AUTHORITY = Namespace("http://publications.europa.eu/resource/authority/")
CHINESE = _AUTHORITY["language/ZHO"]
YUAN = _AUTHORITY["currency/CNY"]

PAGE = "/open-data"
_IN_AN_IRI = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class Iris:
    """Makes IRIs.

    Args:
        origin: the address of the platform, as https://host.
    """

    origin: str

    def item(self, item_id: str, part: str) -> URIRef:
        """An item (`service`), or a part of it, which is told by its kind and place."""
        return URIRef(f"{self.origin}/items/{quote(item_id, safe='')}#{quote(part, safe='')}")

    def shared(self, kind: str, key: str) -> URIRef:
        """What several items have in common: a body, a region, what a code stands for."""
        return URIRef(f"{self.origin}{PAGE}#{kind}-{quote(key, safe='')}")

    def named(self, kind: str, *names: str) -> URIRef:
        """What has a name but no code; the same name gives the same IRI."""
        told = "\0".join(names).encode()
        return self.shared(kind, blake2b(told, digest_size=12).hexdigest())

    def page(self, path: str, token: str = "") -> URIRef:
        """A page of this export."""
        asked = f"?page_token={quote(token, safe='')}" if token else ""
        return URIRef(f"{self.origin}{path}{asked}")


def outward(url: str) -> URIRef | None:
    """An address that an item names; None: it is none that could stand in a graph."""
    try:
        parts = urlsplit(url)
        fit = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    return URIRef(quote(url, safe=_IN_AN_IRI)) if fit else None
