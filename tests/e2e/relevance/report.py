"""The report: figures by class and half, and the queries that are served worst."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tests.e2e.relevance.judging import CLASSES, Served, figures

if TYPE_CHECKING:
    from collections.abc import Iterable

WORST = 60
_NAMES = {
    "official": "正式名称",
    "everyday": "日常说法",
    "synonym": "同义词",
    "pinyin": "拼音",
    "initials": "首字母",
    "typo": "错别字",
    "homophone": "同音字",
    "traditional": "繁体字",
    "region": "地区",
    "no_answer": "无人能答",
}
COLUMNS = {
    "mrr": "MRR@10",
    "ndcg": "nDCG@10",
    "recall": "recall@3",
    "zero": "零结果",
    "told": "明说无结果",
}
_STYLE = (
    "body{font:16px/1.5 sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #bbb;"
    "padding:.3rem .5rem;text-align:left;vertical-align:top}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
)


def by_class(served: Iterable[Served]) -> dict[str, dict[str, float]]:
    """Figures of each class and of all."""
    served = list(served)
    told = {kind: figures([s for s in served if s.judged.kind == kind]) for kind in CLASSES}
    return {kind: row for kind, row in told.items() if row} | {"all": figures(served)}


def page(served: list[Served]) -> str:
    """The report as a page of HTML."""
    halves = [[s for s in served if s.judged.aside is aside] for aside in (False, True)]
    return (
        "<!doctype html><html lang=zh-CN><meta charset=utf-8><title>一站式查询质量报告</title>"
        f"<style>{_STYLE}</style><h1>一站式查询质量报告</h1>"
        f"<h2>调优用的一半（{len(halves[0])} 条）</h2>{_table(halves[0])}"
        f"<h2>留出的一半（{len(halves[1])} 条）</h2>{_table(halves[1])}"
        f"<h2>答得最差的查询（调优用的一半）</h2>{_worst(halves[0])}</html>\n"
    )


def _table(served: list[Served]) -> str:
    head = "".join(f"<th>{name}" for name in ("类别", *COLUMNS.values()))
    rows = "".join(
        f"<tr><td>{_NAMES.get(kind, '全部')}"
        + "".join(f"<td class=n>{row[c]:.3f}" if c in row else "<td>" for c in COLUMNS)
        for kind, row in by_class(served).items()
    )
    return f"<table><tr>{head}{rows}</table>"


def _worst(served: list[Served]) -> str:
    answerable = [one for one in served if one.judged.answerable]
    worst = sorted(answerable, key=lambda one: (one.ndcg, one.recall))[:WORST]
    worst += [one for one in served if not one.judged.answerable and not one.told]
    rows = "".join(
        f"<tr><td>{escape(one.judged.text)}<td>{_NAMES[one.judged.kind]}"
        f"<td class=n>{one.ndcg:.2f}<td class=n>{one.recall:.2f}"
        f"<td>{escape('；'.join(one.found[:5])) or '（无）'}"
        f"<td>{escape('；'.join(t for t, g in one.judged.grades.items() if g == 3))}"
        for one in worst
    )
    return (
        f"<table><tr><th>查询<th>类别<th>nDCG<th>recall@3<th>查到的前五项<th>要找的{rows}</table>"
    )
