"""Judged queries, and how well an answer serves them.

judged/topics.yaml says which items serve a need and how well (3 is what people came for, 2 serves
them as well, 1 is near it); judged/<class>.tsv says which need a typed text has, and in what
region where it names one. Every second query is set aside: who works on the ranking does not look
at it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

import yaml

JUDGED = Path(__file__).parent / "judged"
CLASSES = (
    *("official", "everyday", "synonym", "pinyin", "initials"),
    *("typo", "homophone", "traditional", "region", "no_answer"),
)
NO_ANSWER = "no_answer"
DEPTH = 10
SERVES = 2  # from this grade on an item counts as what was looked for


@dataclass(frozen=True)
class Judged:
    """One judged query.

    Args:
        grades: title to grade, of all titles that are in the index.
        region: 6 digits; an item counts only where it is of use there. Empty: anywhere.
        aside: of the half that nobody looks at while working on the ranking.
    """

    text: str
    kind: str
    grades: dict[str, int] = field(default_factory=dict)
    region: str = ""
    aside: bool = False

    @property
    def answerable(self) -> bool:
        return self.kind != NO_ANSWER


@dataclass(frozen=True)
class Item:
    """One item that was found, or that there is: its title and its 12-digit region."""

    title: str
    region: str


@dataclass(frozen=True)
class Served:
    """How well one query was served.

    Args:
        found: the first titles, in order.
        told: nothing was found and nothing was shown.
    """

    judged: Judged
    found: list[str]
    reciprocal_rank: float
    ndcg: float
    recall: float
    told: bool


def load(items: list[Item]) -> list[Judged]:
    """All judged queries that the items at hand can answer, and those that none can."""
    topics = yaml.safe_load((JUDGED / "topics.yaml").read_text())
    judged: list[Judged] = []
    for kind in CLASSES:
        lines = (JUDGED / f"{kind}.tsv").read_text().splitlines()
        for number, line in enumerate(lines):
            text, topic, region = (*line.split("\t"), "", "")[:3]
            near = {item.title for item in items if of_use(item.region, region)}
            grades = _grades(topics[topic], near) if topic else {}
            if topic and 3 not in grades.values():
                continue
            judged.append(Judged(text, kind, grades, region, aside=bool(number % 2)))
    return judged


def of_use(place: str, region: str) -> bool:
    """Whether an item of a place serves somebody in a region: there, inside it, or above it."""
    short, asked = (_significant(code) for code in (place, region))
    return short.startswith(asked) or asked.startswith(short)


def _significant(code: str) -> str:
    while code.endswith("00"):
        code = code[:-2]
    return code


def _grades(topic: dict[int, list[str]], titles: set[str]) -> dict[str, int]:
    grades: dict[str, int] = {}
    for grade in sorted(topic, reverse=True):
        for name in topic[grade]:
            named = {t for t in titles if name[1:] in t} if name[0] == "~" else {name} & titles
            for title in named:
                grades.setdefault(title, grade)
    return grades


def judge(judged: Judged, found: list[Item], shown: int) -> Served:
    """How well the items found serve a query.

    Args:
        found: the first items of the answer, best first.
        shown: how many things the whole answer has, in all groups.
    """
    gains: list[int] = []
    seen: set[str] = set()
    for item in found[:DEPTH]:
        serves = of_use(item.region, judged.region) and item.title not in seen
        gains.append(judged.grades.get(item.title, 0) if serves else 0)
        seen.add(item.title)
    relevant = sum(grade >= SERVES for grade in judged.grades.values())
    first = next((place for place, gain in enumerate(gains, 1) if gain >= SERVES), 0)
    ideal = _dcg(sorted(judged.grades.values(), reverse=True)[:DEPTH])
    return Served(
        judged=judged,
        found=[item.title for item in found[:DEPTH]],
        reciprocal_rank=1 / first if first else 0.0,
        ndcg=_dcg(gains) / ideal if ideal else 0.0,
        recall=sum(gain >= SERVES for gain in gains[:3]) / min(3, relevant) if relevant else 0.0,
        told=not shown,
    )


def _dcg(gains: list[int]) -> float:
    return sum((2**gain - 1) / math.log2(place + 1) for place, gain in enumerate(gains, 1))


def figures(served: list[Served]) -> dict[str, float]:
    """Means over answerable queries; for those without an answer, how many are told so."""
    answerable = [one for one in served if one.judged.answerable]
    hopeless = [one for one in served if not one.judged.answerable]
    told: dict[str, float] = {}
    if answerable:
        told = {
            "mrr": mean(one.reciprocal_rank for one in answerable),
            "ndcg": mean(one.ndcg for one in answerable),
            "recall": mean(one.recall for one in answerable),
            "zero": mean(not one.found for one in answerable),
        }
    if hopeless:
        told["told"] = mean(one.told for one in hopeless)
    return {name: round(value, 4) for name, value in told.items()}
