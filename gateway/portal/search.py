"""The search page: the box, the answer of all departments, and help where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from gateway.onestop.asked import HITS_IN_PAGE, NAMES, QueryHasResidentId, read_given
from gateway.onestop.text import fold, squeeze
from gateway.portal.labels import DEPARTMENTS, KINDS
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
    from gateway.onestop.regions import Region
    from gateway.onestop.search import Group, Hit
    from gateway.onestop.sources import Source

EXAMPLES = ("食品经营许可", "住房公积金提取", "昆明 停水", "开公司", "身份证", "云南省人民政府网站")


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
            answer = await self._onestop.answer(asked)
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
        )

    def _answered(self, answer: Answer) -> Response:
        asked = answer.asked
        return page(
            "answer.html",
            answer=answer,
            asked=asked,
            typed=asked.text,
            told="",
            regions=self._choices(asked.region),
            chosen=asked.region,
            region_name=self._onestop.regions.name_of,
            troubles=[text for source in answer.sources if (text := _trouble(source))],
            words=_words(answer),
            direct=_direct(answer),
            links=Links(asked),
            kinds=KINDS,
            nothing=not any(group.total for group in answer.groups),
        )

    def _choices(self, chosen: str) -> list[Region]:
        """The province and its prefectures, and what is chosen, were it a county."""
        known = self._onestop.regions.by_code.get(chosen)
        more = [known] if known and known not in self._regions else []
        return [*self._regions, *more]


class Links:
    """Addresses of other parts of the same answer."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def all(self) -> str:
        """Every group again."""
        return self._to({})

    def kind(self, kind: str) -> str:
        """One group alone."""
        return self._to({"kind": kind})

    def next(self, group: Group) -> str:
        """The next page of a group."""
        token = self._asked.next_page_token(group.next_offset or HITS_IN_PAGE)
        return self._to({"kind": group.kind, "page_token": token})

    def anywhere(self) -> str:
        """The same in every region."""
        return f"/?{urlencode({'q': self._asked.text})}"

    def other(self, text: str) -> str:
        """Another text in the same region."""
        return self._to({"q": text})

    def _to(self, more: dict[str, str]) -> str:
        region = {"region": self._asked.region} if self._asked.region else {}
        return f"/?{urlencode({'q': self._asked.text} | region | more)}"


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


def _direct(answer: Answer) -> Hit | None:
    """The one hit that is exactly what was typed."""
    if answer.asked.offset:
        return None
    for group in answer.groups:
        for hit in group.hits[:1]:
            if answer.question.subject_code or _is_name(hit, answer):
                return hit
    return None


def _is_name(hit: Hit, answer: Answer) -> bool:
    return squeeze(fold(hit.card["title"])) in (answer.question.exact, answer.question.whole)
