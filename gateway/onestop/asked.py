"""The parameters of a query, read strictly: what is not understood is refused by its name."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus, unquote_to_bytes

from gateway.onestop import facets, text
from gateway.onestop.facets import FAMILY, LONGEST_VALUE
from gateway.onestop.search import DEEPEST, KNOWN_KINDS
from services.common.errors import Invalid, Violation
from services.common.identifiers import find_resident_ids, region_code
from services.common.paging import PageTokenInvalid, page_position, page_token

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

LONGEST_TEXT = 200
LARGEST_PAGE = 50
HITS_IN_OVERVIEW = 3
HITS_IN_PAGE = 10
NAMES = ("q", "region", "kind", "page_size", "page_token", FAMILY, *facets.NAMES)
_LONGEST_KIND = 40
_BLANKS = str.maketrans("\t\r\n", "   ")  # as texts copied from tables have them


class QueryInvalid(Invalid):
    """A parameter is missing, unknown or cannot be read."""

    reason = "QUERY_INVALID"


class QueryHasResidentId(Invalid):
    """The text holds a natural person's identity number, which is never searched for.

    Source: 个人信息保护法 13, 28; the number is repeated in no answer, log or trace.
    """

    reason = "QUERY_HAS_RESIDENT_ID"


@dataclass(frozen=True, slots=True)
class Asked:
    """One query.

    Args:
        text: without blanks around it.
        region: 12 digits, or empty.
        kind: a group, or empty for the first hits of each.
        filters: values of facets that a thing has to have; only with `kind`.
        family: all items of that family, one for each region; only with `kind`.
    """

    text: str
    region: str = ""
    kind: str = ""
    page_size: int = HITS_IN_OVERVIEW
    offset: int = 0
    filters: tuple[tuple[str, str], ...] = ()
    family: str = ""

    def next_page_token(self, offset: int) -> str:
        """The token for the page that begins at `offset`."""
        return page_token(self._question(), [offset])

    def starting(self, raw: str) -> Asked:
        """The same from where a page token says.

        Raises:
            QueryInvalid, PageTokenInvalid.
        """
        if not raw:
            return self
        if not self.kind:
            raise _invalid("page_token", "翻页须同时指定 kind。")
        position = page_position(self._question(), raw)
        offset = position[0] if position else 0
        if isinstance(offset, bool) or not isinstance(offset, int) or not 0 < offset < DEEPEST:
            told = "翻页标记无效，请从第一页重新查询。"
            raise PageTokenInvalid(told, Violation("page_token", told))
        return replace(self, offset=offset)

    def _question(self) -> str:
        narrowed = [facets.word(*one) for one in self.filters]
        return "\n".join(("onestop", self.text, self.region, self.kind, self.family, *narrowed))


def read(query_string: bytes) -> Asked:
    """The query in the part of an address after the question mark.

    Raises:
        QueryInvalid, QueryHasResidentId, PageTokenInvalid: with the name of the parameter.
    """
    return read_given(_parameters(query_string))


def read_given(given: Mapping[str, str]) -> Asked:
    """The query in decoded parameters; an empty one counts as absent.

    Raises:
        QueryInvalid, QueryHasResidentId, PageTokenInvalid: with the name of the parameter.
    """
    typed = read_text(given.get("q", ""))
    region = read_region(given.get("region", ""))
    kind = _read_kind(given.get("kind", ""))
    asked = Asked(
        text=typed,
        region=region,
        kind=kind,
        page_size=_read_size(given.get("page_size", ""), kind),
        filters=tuple(
            (name, _read_value(name, given[name], kind)) for name in facets.NAMES if given.get(name)
        ),
        family=_read_value(FAMILY, given.get(FAMILY, ""), kind),
    )
    return asked.starting(given.get("page_token", ""))


def read_beginning(query_string: bytes) -> str:
    """What somebody has typed so far, for suggestions.

    Raises:
        QueryInvalid, QueryHasResidentId.
    """
    return read_text(_parameters(query_string, ("q",)).get("q", ""))


def _parameters(query_string: bytes, names: Collection[str] = NAMES) -> dict[str, str]:
    given: dict[str, str] = {}
    try:
        # Browsers write %E9%A3%9F, people with curl write 食: both are UTF-8.
        whole = query_string.decode()
    except UnicodeDecodeError:
        raise _invalid("q", "请使用 UTF-8 编码。") from None
    for part in filter(None, whole.split("&")):
        name, _, raw = part.partition("=")
        if name not in names:
            raise _invalid(_printable(name), f"没有这个参数；可用的参数：{'、'.join(names)}。")
        if name in given:
            raise _invalid(name, "同一参数只能出现一次。")
        try:
            given[name] = unquote_to_bytes(raw.replace("+", " ")).decode()
        except UnicodeDecodeError:
            raise _invalid(name, "请使用 UTF-8 编码。") from None
    return given


def read_text(raw: str) -> str:
    """What is searched for.

    Raises:
        QueryInvalid, QueryHasResidentId.
    """
    typed = raw.translate(_BLANKS).strip()
    if not typed:
        raise _invalid("q", "请输入要查询的内容。")
    # First of all: whoever is refused for another reason sees the text again.
    if find_resident_ids(typed):
        told = "请不要输入公民身份号码：本平台不按身份证号查询，也不会保存您刚才的输入。"
        raise QueryHasResidentId(told, Violation("q", told))
    if len(typed) > LONGEST_TEXT:
        raise _invalid("q", f"查询内容请不要超过 {LONGEST_TEXT} 个字。")
    if not typed.isprintable() and any(_is_control(c) for c in typed):
        raise _invalid("q", "查询内容含有看不见的控制字符，请删去后重新输入。")
    if not text.squeeze(text.fold(typed)):
        raise _invalid("q", "查询内容里没有文字或数字，请输入事项、单位或企业的名称，或者代码。")
    return typed


def read_region(raw: str) -> str:
    """The region's 12 digits; empty for none.

    Raises:
        QueryInvalid.
    """
    code = region_code(raw) if raw else ""
    if code is None:
        raise _invalid("region", "行政区划代码应为 2、4、6、9 或 12 位数字，如 530100。")
    return code


def _read_kind(raw: str) -> str:
    if len(raw) > _LONGEST_KIND or not (
        (raw.isascii() and raw.replace("_", "").isalnum()) or not raw
    ):
        raise unknown_kind()
    return raw


def unknown_kind() -> QueryInvalid:
    """The refusal of a group that there is not."""
    return _invalid("kind", f"没有这个类别；可用的类别：{'、'.join(KNOWN_KINDS)}。")


def _read_size(raw: str, kind: str) -> int:
    if not raw:
        return HITS_IN_PAGE if kind else HITS_IN_OVERVIEW
    # Not more digits than the largest has: a number of a million digits takes minutes to read.
    if raw.isascii() and raw.isdecimal() and len(raw) <= 2 and 1 <= int(raw) <= LARGEST_PAGE:
        return int(raw)
    raise _invalid("page_size", f"每页条数应为 1 到 {LARGEST_PAGE} 的整数。")


def _read_value(name: str, raw: str, kind: str) -> str:
    if not raw:
        return ""
    if not kind:
        raise _invalid(name, f"使用 {name} 筛选须同时指定 kind。")
    if len(raw) > LONGEST_VALUE or any(_is_control(c) for c in raw) or find_resident_ids(raw):
        raise _invalid(name, f"{name} 的值无效。")
    return raw


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"}


def _printable(name: str) -> str:
    """A parameter's name as it may be told back: short, and nobody's number in it."""
    shown = "".join(c for c in unquote_plus(name) if c.isprintable())[:40]
    return "?" if find_resident_ids(shown) else shown or "?"


def _invalid(name: str, told: str) -> QueryInvalid:
    return QueryInvalid(told, Violation(name, told))
