"""Who decides about whose submission, and what must still be so when it is done."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from services.common import review
from services.common.access import NATIONWIDE, Caller, OutOfReach
from services.common.errors import Stale
from services.common.eventlog.outbox import Told
from services.common.review import State
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.publications import ANOTHER, KUNMING, QUJING, WUHUA, officer, reviewer

CALL = "zhengtong.catalogue.v1.CatalogueService.PublishItem"
AUTHOR = officer("author", "item_editor", region=WUHUA)
LATER = NOW + timedelta(hours=1)


@pytest.mark.rule("P-25")
@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        (AUTHOR, True),
        (replace(AUTHOR, department=""), True),
        (officer("lead", "list_publisher", "publication_reviewer"), True),
        (Caller("u1", "account", roles=("institution_user",), institution="X"), False),
        (Caller("p1", "account", roles=("person",)), False),
        (Caller("u2", "account", roles=("institution_user", "website_editor")), True),
        (SYSTEM, False),
        (Caller("cli", "service"), False),
    ],
    ids=lambda one: getattr(one, "principal", one),
)
def test_what_an_officer_publishes_waits_and_what_systems_and_institutions_do_does_not(
    caller, expected
):
    assert review.waits(caller, publishes=True) is expected
    assert review.waits(caller, publishes=False) is False


@pytest.mark.rule("P-26")
def test_the_author_is_never_the_reviewer():
    both = replace(AUTHOR, roles=("item_editor", "publication_reviewer"), leads=True)
    for decide in (review.approve, review.reject):
        with pytest.raises(review.ReviewByAuthor):
            decide(submission(both), both, "好", LATER)


@pytest.mark.rule("P-26")
@pytest.mark.parametrize(
    "other",
    [
        reviewer(department=ANOTHER),
        reviewer(region=QUJING),
        replace(reviewer(department=ANOTHER, region=QUJING), leads=True),
        replace(reviewer(), department=""),
    ],
)
def test_nobody_reviews_for_another_department_or_region(other):
    for decide in (review.approve, review.reject):
        with pytest.raises(OutOfReach):
            decide(submission(), other, "好", LATER)
    with pytest.raises(OutOfReach):
        review.check_seen_by(other, submission())


@pytest.mark.rule("P-26")
@pytest.mark.parametrize("who", [reviewer(), replace(reviewer(department=ANOTHER), leads=True)])
def test_a_review_is_recorded_with_reviewer_opinion_and_time(who):
    approved = review.approve(submission(), who, " 不涉密 ", LATER)
    assert (approved.state, approved.version) == (State.APPROVED, 2)
    said = (approved.reviewer, approved.opinion, approved.decide_time)
    assert said == ("reviewer", "不涉密", LATER)
    review.check_seen_by(who, approved)


@pytest.mark.rule("P-27")
def test_who_rejects_says_why_and_an_approval_without_words_says_that_it_agrees():
    assert review.approve(submission(), reviewer(), "", LATER).opinion == "同意公开"
    for nothing in ("", "  ", "字" * 501, "好\x00"):
        with pytest.raises(review.OpinionInvalid) as refusal:
            review.reject(submission(), reviewer(), nothing, LATER)
        assert refusal.value.violations[0].field == "opinion"
    rejected = review.reject(submission(), reviewer(), "涉及工作秘密\n请删去", LATER)
    assert (rejected.state, rejected.opinion) == (State.REJECTED, "涉及工作秘密\n请删去")


def test_what_is_decided_is_decided_once():
    approved = review.approve(submission(), reviewer(), "", LATER)
    for decide in (review.approve, review.reject):
        with pytest.raises(review.SubmissionDecided):
            decide(approved, reviewer(), "好", LATER)
    with pytest.raises(review.SubmissionDecided):
        review.withdraw(approved, AUTHOR, LATER)


def test_an_author_takes_back_the_own_submission_and_nobody_elses():
    assert review.withdraw(submission(), AUTHOR, LATER).state is State.WITHDRAWN
    with pytest.raises(OutOfReach):
        review.withdraw(submission(), reviewer(), LATER)


def test_who_has_seen_another_version_is_told():
    review.check_version(submission(), 0)
    review.check_version(submission(), 1)
    with pytest.raises(Stale):
        review.check_version(submission(), 2)


@pytest.mark.rule("P-28")
@pytest.mark.parametrize("told", [(), ("T-1", 2), ("T-2", 1)])
def test_what_comes_out_otherwise_than_it_was_submitted_is_refused(told):
    review.check_unchanged(submission(), [fact("T-1", 1)])
    with pytest.raises(review.SubmissionOutdated):
        review.check_unchanged(submission(), [fact(*told)] if told else [])


@pytest.mark.rule("P-28")
def test_what_others_have_made_public_in_the_same_words_needs_no_doing():
    two = review.submit(CALL, AUTHOR, [fact("T-1", 1), fact("T-2", 1)], now=NOW)
    review.check_unchanged(two, [fact("T-2", 1)])
    with pytest.raises(review.SubmissionOutdated):
        review.check_unchanged(two, [fact("T-2", 1), fact("T-3", 1)])


@pytest.mark.rule("P-28")
def test_an_import_is_held_to_each_of_its_things_and_not_to_the_name_of_its_batch():
    first = review.effect_of(imported("batch-1", ("T-1", 1), ("T-2", 3)))
    again = review.effect_of(imported("batch-2", ("T-1", 1), ("T-2", 3)))
    other = review.effect_of(imported("batch-2", ("T-1", 1), ("T-2", 4)))
    assert first.outline == again.outline != other.outline
    assert first == again
    assert (first.title, first.subjects, first.subject_count) == ("T-1 等 2 项", ("T-1", "T-2"), 2)


def test_a_title_says_what_the_card_says_and_subjects_are_counted_beyond_those_shown():
    facts = [fact(f"T-{number}", 1, title="食品经营许可") for number in range(30)]
    effect = review.effect_of(facts)
    assert effect.title == "食品经营许可 等 30 项"
    assert (len(effect.subjects), effect.subject_count) == (20, 30)
    assert review.effect_of([fact("m-1", 1)]).title == "m-1"


def test_reviewers_see_their_department_those_who_lead_their_region_and_others_their_own():
    seen = [review.scope_of(one) for one in (reviewer(), AUTHOR)]
    assert seen[0] == review.Scope(department=AUTHOR.department, region=KUNMING)
    assert seen[1] == review.Scope(author="author")
    lead = replace(reviewer(region=NATIONWIDE), leads=True)
    assert review.scope_of(lead) == review.Scope(region=NATIONWIDE)
    nowhere = replace(reviewer(), department="")
    assert review.scope_of(nowhere) == review.Scope(author="reviewer")


def test_an_author_sees_the_own_submission_and_other_authors_do_not():
    review.check_seen_by(AUTHOR, submission())
    with pytest.raises(OutOfReach):
        review.check_seen_by(officer("colleague", "item_editor"), submission())


def submission(author=AUTHOR):
    return review.submit(CALL, author, [fact("T-1", 1)], now=NOW)


def fact(subject, version, title=""):
    data = {"card": {"title": title}} if title else {}
    return Told("kind", subject, version, orjson.dumps(data), 1, (subject,))


def imported(batch, *records):
    said = [{"subject": subject, "version": str(version)} for subject, version in records]
    data = orjson.dumps({"records": said})
    subjects = tuple(subject for subject, _ in records)
    return [
        Told("bulk", batch, 1, data, 1, subjects, bulk=True),
        Told("count", batch, 2, b"{}", 2, (batch,)),
    ]
