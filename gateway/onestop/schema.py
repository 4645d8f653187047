"""The documents of the index: what is searched, what is stored, and how one becomes the other.

Every document is one of two things: the latest state of a subject (its card, or the mark that it
was removed), or a source's position. Both are written in the same commit, so the index by itself
says how far it has come.
"""

from __future__ import annotations

from binascii import crc32
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import orjson
import tantivy

from gateway.onestop import facets, pinyin, text
from gateway.onestop.cards import Card, Change, State
from gateway.onestop.families import (
    NOWHERE,
    Member,
    Standing,
    alone,
    body_number,
    document_number,
    member,
    place_number,
)
from gateway.onestop.weights import WEIGHTS
from services.common.identifiers import RegionLevel, region_level

# Raised with every change of the schema or of what goes into a field: an index of another layout
# is built anew instead of being read wrongly.
LAYOUT = "6"
LONGEST_PREFIX = 12
LONGEST_CALLED = 24
# What a thing says is kept in fields of its part: members of families, which are many and alike,
# and single things. A search of one part passes over none of the other's postings.
FAMILIES, SINGLES = PARTS = ("families", "singles")
# The stage of what one does first, and of what comes later: a change, an extension, an end.
FIRST, LATER = "first", "later"
# What tells a member of a family and its place in it, beside the index.
NUMBERS = ("number", "place_number", "body_number", "copy_number", "standing_number")
_FAMILY = b'"family":'
_TITLE_WEIGHT = 3  # a word of the title counts as if the card said it three times
_ALIAS_WEIGHT = 2
_ORDER_WEIGHT = 2e-5  # less than a year of freshness
_LEVEL_WEIGHT = {RegionLevel[name.upper()]: one for name, one in WEIGHTS.levels.items()}
# 依职权 (GB/T 39046-2020 A.1): nobody applies for these; they come after what one can apply for.
_ON_AUTHORITY = {"02", "03", "04", "06"}


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    for name in ("source", "copy", "state", "place", "name", "family", "part"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("alias", "lexicon", "called", "stage", "table"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("kind", fast=True, tokenizer_name="raw", index_option="basic")
    for name in ("scope", "covered", "starts", "codes"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="basic")
    for part in PARTS:
        builder.add_text_field(f"{part}_text", tokenizer_name="whitespace", index_option="freq")
        for name in ("grams", "syllables", "initials"):
            builder.add_text_field(
                f"{part}_{name}", tokenizer_name="whitespace", index_option="position"
            )
    builder.add_integer_field("due", fast=True, indexed=True)
    builder.add_text_field("facet", fast=True, tokenizer_name="raw", index_option="basic")
    for name in (*NUMBERS, "kind_number", "title_number", "title_pairs", "use_number", "use"):
        builder.add_integer_field(name, fast=True)
    builder.add_float_field("weight", fast=True)
    builder.add_bytes_field("hit", stored=True)
    builder.add_bytes_field("rest", stored=True)
    return builder.build()


SCHEMA = _schema()


@dataclass(frozen=True, slots=True)
class Position:
    """How far the copy of one source has come.

    Args:
        copy: names one filling of the copy; documents of another filling do not belong to it.
        sequence: the last position of the log that is in the copy.
        filling: the snapshot has not been read to its end.
    """

    source: str
    epoch: str
    sequence: int
    copy: str
    filling: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """The latest state of a subject as the index holds it."""

    source: str
    copy: str
    change: Change


def document_id(source: str, subject: str) -> str:
    """The id of a subject's document; a position's has no subject."""
    return f"{source}/{subject}"


def kind_number(kind: str) -> int:
    """A group as a number; numbers are what can be read beside the index."""
    return crc32(kind.encode())


def stored_bytes(document: tantivy.Document, field: str) -> bytes:
    """A stored field; empty where the document has none."""
    value = document.get_first(field)
    return value if isinstance(value, bytes) else b""


def position_document(position: Position) -> tantivy.Document:
    """The document that says how far a source's copy has come."""
    return tantivy.Document.from_dict(
        {
            "id": document_id(position.source, ""),
            "state": "position",
            "rest": orjson.dumps(asdict(position)),
        },
        SCHEMA,
    )


def read_position(document: tantivy.Document) -> Position:
    """A position from its document."""
    return Position(**orjson.loads(stored_bytes(document, "rest")))


def is_later(squeezed: str) -> bool:
    """Whether a text names a step that comes after the first: 变更, 延续, 注销."""
    return any(word in squeezed for word in WEIGHTS.later)


def family_key(source: str, card: Card) -> str:
    """What the members of a family share in the index; empty where the thing stands alone."""
    return f"{source}/{card.family}" if card.family else ""


def member_of(stored: Stored, card: Card) -> Member:
    """The member of its family that a document is."""
    identity = document_id(stored.source, stored.change.subject)
    return member(identity, card.region_code, card.department)


def subject_document(
    stored: Stored, now: int, standing: Standing | None = None
) -> tantivy.Document:
    """The document of a subject; only what is shown now can be found by what it says.

    Args:
        now: microseconds since 1970.
        standing: among its family; None: it stands alone.
    """
    change, card = stored.change, stored.change.card
    state, due = card.state(now) if card else (State.REMOVED, None)
    fields: dict[str, Any] = {
        "id": document_id(stored.source, change.subject),
        "source": stored.source,
        "copy": stored.copy,
        "state": state.value,
        "rest": orjson.dumps(_rest(stored)),
    }
    if due is not None:
        fields["due"] = due
    if card:
        fields["hit"] = orjson.dumps(_hit(stored.source, change, card))
    if card and state is State.SHOWN and card.is_row:
        fields |= _in_table(stored.source, card)
    elif card and state is State.SHOWN:
        fields |= _searched(card, fields["id"], change.as_of)
        fields |= _in_family(stored, card, standing)
    return tantivy.Document.from_dict(fields, SCHEMA)


def _hit(source: str, change: Change, card: Card) -> dict[str, Any]:
    return {
        "id": document_id(source, change.subject),
        "kind": card.kind,
        "title": card.title,
        "summary": card.summary,
        "department": card.department,
        "region": card.region_code,
        "url": card.url,
        "as_of": change.as_of,
        "version": change.version,
        "aliases": card.aliases,
        "facets": dict(card.facets),
        "family": family_key(source, card),  # the last of all, see family_of
    }


def family_of(hit: bytes) -> str:
    """The key of the family of a stored hit; the rest of it is not read.

    Quotes within the key stand behind a backslash, so nothing in it looks like its beginning.
    """
    return str(orjson.loads(hit[hit.rindex(_FAMILY) + len(_FAMILY) : -1]))


def _in_table(source: str, card: Card) -> dict[str, Any]:
    """What is read as a whole and never found: synonyms, how much things are used."""
    return {
        "table": card.kind,
        "use_number": document_number(document_id(source, card.title)),
        "use": int(dict(card.facets).get("use", 0)),
    }


def _in_family(stored: Stored, card: Card, standing: Standing | None) -> dict[str, Any]:
    standing = standing or alone(member_of(stored, card))
    identity = document_id(stored.source, stored.change.subject)
    fields = {
        "scope": " ".join(standing.scopes),
        "covered": " ".join(standing.covered),
        "number": document_number(identity),
        "place_number": place_number(card.region_code),
        "body_number": body_number(card.department),
        "copy_number": document_number(stored.copy),
        "standing_number": standing.number,
        "use_number": document_number(family_key(stored.source, card) or identity),
    }
    if key := family_key(stored.source, card):
        fields["family"] = key
    return fields


def _rest(stored: Stored) -> dict[str, Any]:
    change, card = stored.change, stored.change.card
    rest: dict[str, Any] = {
        "source": stored.source,
        "copy": stored.copy,
        "subject": change.subject,
        "version": change.version,
        "as_of": change.as_of,
    }
    if card:
        rest |= {
            "codes": card.codes,
            "visible_from": card.visible_from,
            "visible_until": card.visible_until,
        }
    return rest


def read_subject(document: tantivy.Document) -> Stored:
    """A subject's latest state from its document."""
    rest = orjson.loads(stored_bytes(document, "rest"))
    raw = stored_bytes(document, "hit")
    return Stored(
        source=rest["source"],
        copy=rest["copy"],
        change=Change(
            rest["subject"],
            rest["version"],
            rest["as_of"],
            _card(orjson.loads(raw), rest) if raw else None,
        ),
    )


def _card(hit: dict[str, Any], rest: dict[str, Any]) -> Card:
    return Card(
        kind=hit["kind"],
        title=hit["title"],
        summary=hit["summary"],
        department=hit["department"],
        region_code=hit["region"],
        url=hit["url"],
        aliases=tuple(hit["aliases"]),
        codes=tuple(rest["codes"]),
        facets=tuple(sorted(hit["facets"].items())),
        visible_from=rest["visible_from"],
        visible_until=rest["visible_until"],
        family=hit["family"].partition("/")[2],
    )


def _searched(card: Card, identity: str, as_of: str) -> dict[str, Any]:
    named = _named(card.title, card.aliases)
    part = FAMILIES if card.family else SINGLES
    return {
        **named.fields,
        **{f"{part}_{name}": value for name, value in named.said.items()},
        "part": [part, f"{part}/{card.kind}"],
        "kind": card.kind,
        "kind_number": kind_number(card.kind),
        "title_number": document_number(named.fields["name"]) if card.family else 0,
        "place": card.region_code or NOWHERE,
        "codes": " ".join(text.squeeze(text.fold(code)) for code in card.codes),
        f"{part}_text": f"{named.words} {_said(card.summary)} {_said(card.department)}",
        # Companies and notices have names of their own, which nobody needs help to find.
        "called": named.called if card.family or card.aliases else [],
        "facet": _facets(card),
        "weight": _weight(card, identity, as_of),
    }


@lru_cache(maxsize=4096)
def _said(sentence: str) -> str:
    return " ".join(text.searched_words(text.fold(sentence)))


@dataclass(frozen=True, slots=True)
class _Named:
    """What a thing's names bring into its document.

    Args:
        said: the names in pieces, for the fields of a part.
        words: of the title and the other names, each as often as it counts.
        called: each name and the official one.
    """

    fields: dict[str, Any]
    said: dict[str, list[str]]
    words: str
    called: list[str]


# Reading a name costs more than all else of a document, and a snapshot tells a region's items one
# after another: those of the next region have the same names.
@lru_cache(maxsize=8192)
def _named(title: str, aliases: tuple[str, ...]) -> _Named:
    folded = [text.fold(name) for name in (title, *aliases)]
    names = [text.squeeze(name) for name in folded]
    title_words = text.searched_words(folded[0])
    alias_words = text.searched_words(" ".join(folded[1:]))
    read = [pinyin.syllables(name) for name in folded]
    fields = {
        "title_pairs": text.pairs_as_bits(names[0]),
        "name": names[0],
        "alias": names[1:],
        "starts": [" ".join(_prefixes(name)) for name in names],
        "lexicon": sorted({word for word in title_words + alias_words if len(word) > 1}),
        "stage": LATER if is_later(names[0]) else FIRST,
    }
    said = {
        "grams": [" ".join(text.bigrams(name)) for name in names],
        "syllables": [" ".join(one) for one in read],
        "initials": [" ".join(text.bigrams(pinyin.initials(one))) for one in read],
    }
    words = " ".join(title_words * _TITLE_WEIGHT + alias_words * _ALIAS_WEIGHT)
    called = [f"{name}\t{names[0]}" for name in names if 2 <= len(name) <= LONGEST_CALLED]
    return _Named(fields, said, words, called)


def _facets(card: Card) -> list[str]:
    """Each value that an answer may be narrowed by as one word, and the body by name."""
    narrowing = [(name, values) for name, values in card.facets if name in facets.NAMES]
    named = [(name, value) for name, values in narrowing for value in values.split(",")]
    if card.department:
        named.append(("department", card.department))
    return [facets.word(name, value) for name, value in named]


def _prefixes(name: str) -> list[str]:
    return [name[:size] for size in range(1, min(LONGEST_PREFIX, len(name)) + 1)]


def _weight(card: Card, identity: str, as_of: str) -> float:
    """A few parts of a thousand: the level that decides, how new it is, an order among equals.

    The order among equals comes from the id, so that an index built anew answers alike.
    """
    level = region_level(card.region_code)
    weight = _LEVEL_WEIGHT.get(level, 0.0) if level else 0.0
    if dict(card.facets).get("task_type") in _ON_AUTHORITY:
        weight = 0.0
    order = crc32(identity.encode()) / 2**32 * _ORDER_WEIGHT
    return weight + WEIGHTS.freshness * _newness(as_of) + order


def _newness(as_of: str) -> float:
    """Years since 2000 as a share of a century: later is more, whenever it is looked at."""
    return (int(as_of[:4]) - 2000) / 100 if as_of else 0.0
