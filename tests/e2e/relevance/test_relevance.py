"""How well people are served who type what they know, measured by queries judged beforehand."""

import json
from pathlib import Path

import pytest

from tests.e2e.relevance import judging, report
from tests.e2e.relevance.asking import REAL
from tests.e2e.relevance.judging import Item, Judged

FLOOR = json.loads((Path(__file__).parent / "floor.json").read_text())
RECALL, NDCG, WORST, ZERO, TOLD = 0.90, 0.85, 0.80, 0.01, 0.80


def test_at_least_thirty_queries_of_every_class_are_judged_and_half_of_them_set_aside():
    for kind in judging.CLASSES:
        lines = (judging.JUDGED / f"{kind}.tsv").read_text().splitlines()
        assert len(lines) == len({line.split("\t")[0] for line in lines}) >= 30


def test_the_figures_are_above_what_is_promised(served):
    for half in (False, True):
        told = report.by_class(one for one in served if one.judged.aside is half)
        assert told["all"]["recall"] >= RECALL
        assert told["all"]["ndcg"] >= NDCG
        assert told["all"]["zero"] < ZERO
        assert told["no_answer"]["told"] >= TOLD


def test_no_class_is_served_much_worse_than_the_others(served):
    told = report.by_class(served)
    weak = {
        (kind, name): row[name]
        for kind, row in told.items()
        for name in ("recall", "ndcg")
        if name in row and row[name] < WORST
    }
    assert not weak


def test_nothing_falls_below_the_floor(served, tmp_path):
    """The floor is what was reached; a change that falls below it says so, and why."""
    (tmp_path / "relevance.html").write_text(report.page(served))
    reached = report.by_class(served)
    floor = FLOOR["with_real_items" if REAL.exists() else "sample_alone"]
    fallen = {
        (kind, name): (reached[kind][name], least)
        for kind, row in floor.items()
        for name, least in row.items()
        if (reached[kind][name] > least if name == "zero" else reached[kind][name] < least)
    }
    assert not fallen


def test_the_report_names_the_queries_served_worst_and_none_that_are_set_aside(served):
    page = report.page(served)
    shown = page.split("<h2>")[-1]
    worst = min(
        (s for s in served if s.judged.answerable and not s.judged.aside), key=lambda s: s.ndcg
    )
    assert worst.judged.text in shown
    aside = {s.judged.text for s in served if s.judged.aside}
    assert not any(f"<td>{text}<td>" in shown for text in aside)


JUDGED = Judged("证", "official", {"甲": 3, "乙": 2, "丙": 1}, region="530100")


def judged(*titles, region="530102000000", shown=1):
    return judging.judge(JUDGED, [Item(title, region) for title in titles], shown)


def test_the_ideal_order_scores_one_and_a_worse_one_less():
    assert (judged("甲", "乙", "丙").ndcg, judged("甲", "乙").recall) == (1.0, 1.0)
    assert judged("丙", "乙", "甲").ndcg < judged("乙", "甲", "丙").ndcg < 1
    assert judged("丁", "甲").reciprocal_rank == 0.5
    assert judged("丁", "戊", "己", "甲", "乙").recall == 0


def test_an_item_counts_once_and_only_where_it_is_of_use():
    assert judged("甲", "甲", "乙").ndcg < judged("甲", "乙").ndcg
    assert judged("甲", region="530300000000").ndcg == 0
    assert judged("甲", region="530000000000").ndcg > 0


@pytest.mark.parametrize(("shown", "told"), [(0, True), (3, False)])
def test_who_asks_for_what_nobody_offers_is_told_so_by_an_empty_answer(shown, told):
    hopeless = Judged("天气预报", judging.NO_ANSWER)
    one = judging.judge(hopeless, [], shown)
    assert judging.figures([one]) == {"told": float(told)}
