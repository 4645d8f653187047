"""The search page: the box, the answer of all departments, and help where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from gateway.limits import client_address
from gateway.onestop import live
from gateway.onestop.asked import HITS_IN_PAGE, NAMES, QueryHasResidentId, read_given
from gateway.onestop.search import DEEPEST
from gateway.onestop.sources import OK, UNAVAILABLE
from gateway.onestop.text import fold, squeeze
from gateway.portal.labels import DEPARTMENTS, FACETS, KINDS, facet_value
from gateway.portal.pages import page
from gateway.portal.writing import micros
from services.common.errors import Invalid
from services.common.identifiers import RegionLevel, region_level

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.onestop.answers import Answer
    from gateway.onestop.asked import Asked
    from gateway.onestop.engine import OneStop
    from gateway.onestop.found import Group
    from gateway.onestop.question import Question
    from gateway.onestop.regions import Region
    from gateway.onestop.sources import Source
    from gateway.onestop.window import Hit

EXAMPLES = ("食品经营许可", "住房公积金提取", "昆明 停水", "开公司", "身份证", "云南省人民政府网站")


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition of the answer, and the address of the answer without it."""

    name: str
    without: str


@dataclass(frozen=True, slots=True)
class Guide:
    """What can be asked about one group, and a question to try."""

    name: str
    says: str
    asked: dict[str, str]


GUIDES = (
    Guide(
        "办事",
        "办事指南：条件、材料、流程、时限、收费、依据，以及咨询和投诉电话。",
        {"q": "营业执照"},
    ),
    Guide(
        "信用",
        "企业和其他组织的登记状态、行政许可、行政处罚。输入统一社会信用代码，直接看实时信息。",
        {"q": "有限公司", "kind": "credit"},
    ),
    Guide(
        "便民",
        "停水、停电、停气公告，供水、供电、供气等单位的营业网点和服务电话。",
        {"q": "昆明 供水", "kind": "utility"},
    ),
    Guide(
        "网站",
        "政府网站名录：主办单位、网址，已关停网站的功能迁到了哪里。",
        {"q": "人民政府", "kind": "website"},
    ),
)


class SearchPage:
    """`/`."""

    def __init__(self, onestop: OneStop) -> None:
        self._onestop = onestop
        codes = onestop.regions.by_code
        self._regions = [
            region
            for code, region in codes.items()
            if region_level(code) in (RegionLevel.PROVINCE, RegionLevel.PREFECTURE)
        ]

    async def __call__(self, request: Request) -> Response:
        """The page: the box alone, or with the answer to what was typed."""
        # Unlike the API's, a page's address may carry what others have added to it.
        given = {
            name: request.query_params[name] for name in NAMES if request.query_params.get(name)
        }
        chosen = given.get("region", "")
        if "q" not in given:
            return self._home(chosen)
        try:
            asked = read_given(given)
            answer = await self._onestop.answer(asked, client_address(request.scope))
        except Invalid as refusal:
            typed = "" if isinstance(refusal, QueryHasResidentId) else given["q"][:200]
            told = "；".join(violation.description for violation in refusal.violations)
            return self._home(chosen, status=400, typed=typed, told=told or str(refusal))
        return self._answered(answer)

    def _home(self, chosen: str, *, status: int = 200, typed: str = "", told: str = "") -> Response:
        return page(
            "home.html",
            status,
            regions=self._choices(chosen),
            chosen=chosen,
            typed=typed,
            told=told,
            examples=EXAMPLES,
            guides=GUIDES,
        )

    def _answered(self, answer: Answer) -> Response:
        asked = answer.asked
        direct = _direct(answer)
        links = Links(asked, answer.question)
        return page(
            "answer.html",
            answer=answer,
            asked=asked,
            typed=asked.text,
            told="",
            regions=self._choices(asked.region),
            chosen=asked.region,
            region_name=self._onestop.regions.name_of,
            chips=self._chips(answer, links),
            narrower=self._narrower(answer),
            shown_facets=_facets(answer),
            behind=_Behind(answer),
            troubles=[text for source in answer.sources if (text := _trouble(source))],
            words=_words(answer),
            direct=direct,
            dossier=_dossier_of(answer, direct),
            live=_is_live(direct, answer),
            many_regions=_many_regions(answer),
            place=Place.of(answer),
            links=links,
            kinds=KINDS,
            examples=EXAMPLES,
            nothing=not any(group.total for group in answer.groups),
        )

    def _chips(self, answer: Answer, links: Links) -> list[Chip]:
        """What the answer was narrowed to, each with the address of the same without it."""
        asked = answer.asked
        region = answer.question.region.code if answer.question.region else asked.region
        chips = []
        if region:
            chips.append(Chip(self._onestop.regions.name_of(region), links.without_region()))
        chips += [
            Chip(f"{FACETS[name]}：{facet_value(name, value)}", links.without(name))
            for name, value in asked.filters
        ]
        return chips

    def _narrower(self, answer: Answer) -> list[dict[str, Any]]:
        """Regions to narrow the answer to, with how many things each has."""
        counted = [f for group in answer.groups for f in group.facets if f.name == "region"]
        name_of = self._onestop.regions.name_of
        return [
            {"code": code, "name": name_of(code), "total": total}
            for facet in counted
            for code, total in facet.values
        ]

    def _choices(self, chosen: str) -> list[Region]:
        """The province and its prefectures, and what is chosen, were it a county."""
        known = self._onestop.regions.by_code.get(chosen)
        more = [known] if known and known not in self._regions else []
        return [*self._regions, *more]


@dataclass(frozen=True, slots=True)
class Place:
    """Which page of a group is shown, and of how many; of the overview, which has none, the first.

    Args:
        page: from 1.
    """

    page: int = 1
    pages: int = 1

    @classmethod
    def of(cls, answer: Answer) -> Place:
        """The place of an answer."""
        asked = answer.asked
        if not asked.kind:
            return cls()
        reachable = min(max((group.total for group in answer.groups), default=0), DEEPEST)
        return cls(asked.offset // asked.page_size + 1, ceil(reachable / asked.page_size))


class Links:
    """Addresses of other parts of the same answer."""

    def __init__(self, asked: Asked, question: Question) -> None:
        self._asked = asked
        self._question = question

    def all(self) -> str:
        """Every group again."""
        return self._to({})

    def kind(self, kind: str) -> str:
        """One group alone."""
        return self._to({"kind": kind})

    def next(self, group: Group) -> str:
        """The next page of a group."""
        return self._page(group.kind, group.next_offset or HITS_IN_PAGE)

    def previous(self, group: Group) -> str:
        """The page before this one."""
        offset = self._asked.offset - self._asked.page_size
        return self._page(group.kind, offset)

    def family(self, card: dict[str, Any]) -> str:
        """The same item in all regions."""
        return self._to({"kind": card["kind"], "family": card["family"]})

    def region(self, code: str) -> str:
        """The same in a narrower region."""
        return self._narrowed({"region": code})

    def filter(self, name: str, value: str) -> str:
        """The same with one more condition."""
        return self._narrowed({name: value})

    def without(self, name: str) -> str:
        """The same without a condition."""
        return self._narrowed({name: ""})

    def without_region(self) -> str:
        """The same in every region."""
        typed = self._question.left if self._question.region else self._asked.text
        return self._narrowed({"q": typed, "region": ""})

    def _narrowed(self, changed: dict[str, str]) -> str:
        asked = self._asked
        given = {"q": asked.text, "region": asked.region, "kind": asked.kind}
        given |= dict(asked.filters) | changed
        if changed.get("region") and self._question.region:
            given["q"] = self._question.left  # the region in the text gives way to the one chosen
        return f"/?{urlencode({name: value for name, value in given.items() if value})}"

    def anywhere(self) -> str:
        """The same in every region."""
        return self.everywhere(self._asked.text)

    def everywhere(self, text: str) -> str:
        """Another text in every region."""
        return f"/?{urlencode({'q': text})}"

    def other(self, text: str) -> str:
        """Another text in the same region."""
        return self._to({"q": text})

    def _page(self, kind: str, offset: int) -> str:
        size = self._asked.page_size
        sized = {} if size == HITS_IN_PAGE else {"page_size": str(size)}
        token = {"page_token": self._asked.next_page_token(offset)} if offset > 0 else {}
        return self._to({"kind": kind} | sized | token)

    def _to(self, more: dict[str, str]) -> str:
        asked = self._asked
        region = {"region": asked.region} if asked.region else {}
        kept = (
            dict(asked.filters) if more.get("kind") == asked.kind and "family" not in more else {}
        )
        if "page_token" in more and asked.family:
            kept["family"] = asked.family
        return f"/?{urlencode({'q': asked.text} | region | kept | more)}"


class _Behind:
    """Says of a group that its data are not fresh, and since when."""

    def __init__(self, answer: Answer) -> None:
        self._sources = {source.department: source for source in answer.sources}

    def __call__(self, group: Group) -> str:
        departments = {hit.card["id"].partition("/")[0] for hit in group.hits}
        known = [self._sources[name] for name in sorted(departments) if name in self._sources]
        return next((f"数据截至{micros(s.as_of)}" for s in known if s.status != OK and s.as_of), "")


def _facets(answer: Answer) -> list[Any]:
    """The facets that would narrow the answer: with more than one value, and not chosen yet."""
    chosen = dict(answer.asked.filters)
    return [
        facet
        for group in answer.groups
        for facet in group.facets
        if facet.name in FACETS and facet.name not in chosen and len(facet.values) > 1
    ]


def _trouble(source: Source) -> str:
    """A sentence about a department whose data are not fresh; empty where they are."""
    name = DEPARTMENTS.get(source.department, source.department)
    until = f"，数据截至{micros(source.as_of)}" if source.as_of else "，尚无数据"
    match source.status:
        case "unavailable":
            return f"{name}暂不可用{until}。"
        case "stale":
            return f"{name}的数据更新滞后{until}。"
        case _:
            return ""


def _words(answer: Answer) -> list[str]:
    """What to mark in titles, longest first."""
    question = answer.question
    words = {question.exact, *(word for words in question.alternatives for word in words)}
    return sorted(words, key=len, reverse=True)


def _dossier_of(answer: Answer, direct: Hit | None) -> str:
    """The address of what all departments show of one subject; empty: none is meant."""
    department, _, code = direct.card["id"].partition("/") if direct else ("", "", "")
    if department != live.DEPARTMENT:
        code = answer.question.subject_code or ""
    return f"/dossier/{code}" if code else ""


def _direct(answer: Answer) -> Hit | None:
    """The one hit that is exactly what was typed."""
    if answer.asked.offset:
        return None
    for group in answer.groups:
        for hit in group.hits[:1]:
            if answer.question.subject_code or _is_name(hit, answer):
                return hit
    return None


def _is_live(direct: Hit | None, answer: Answer) -> bool:
    """Whether the direct hit was asked of its department just now."""
    if not direct or not answer.question.subject_code or direct.card["kind"] != "credit":
        return False
    return all(s.status != UNAVAILABLE for s in answer.sources if s.department == "credit")


def _many_regions(answer: Answer) -> bool:
    """Whether the items found are those of several regions, though none was asked for."""
    if answer.asked.region or answer.question.region:
        return False
    return any(answer.elsewhere.values())


def _is_name(hit: Hit, answer: Answer) -> bool:
    return squeeze(fold(hit.card["title"])) in (answer.question.exact, answer.question.whole)
