"""What the worker hears, and what it counts for it."""

import importlib
from datetime import UTC, datetime

import pytest
from zhengtong.catalogue.v1 import catalogue_events_pb2 as catalogue
from zhengtong.credit.v1 import credit_events_pb2 as credit
from zhengtong.utilities.v1 import utilities_events_pb2 as utilities

from services.common.delivery import Event
from services.common.delivery.subscriptions import subscriptions
from services.websites.worker import Worker
from tests.fake_websites import FakeWebsites

NEWLY_PUBLIC = ("Published", "Registered", "Disclosed", "Announced")
LATE = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # half past midnight in Asia/Shanghai

pytestmark = pytest.mark.rule("W-7")


@pytest.mark.parametrize(
    ("fact", "department", "kind", "count"),
    [
        (catalogue.ItemPublished(), "catalogue", "item", 1),
        (catalogue.ImportPublished(kind="item", count=12), "catalogue", "item", 12),
        (catalogue.LifeEventPublished(), "catalogue", "life_event", 1),
        (catalogue.BasicItemPublished(), "catalogue", "basic_item", 1),
        (catalogue.QuestionnairePublished(), "catalogue", "questionnaire", 1),
        (credit.SubjectRegistered(), "credit", "subject", 1),
        (credit.PermitDisclosed(), "credit", "permit", 1),
        (credit.PenaltyDisclosed(), "credit", "penalty", 1),
        (credit.ImportPublished(kind="permit", count=3), "credit", "permit", 3),
        (utilities.InstitutionPublished(), "utilities", "institution", 1),
        (utilities.OutageAnnounced(), "utilities", "outage", 1),
        (utilities.ImportPublished(kind="outage", count=7), "utilities", "outage", 7),
    ],
)
def test_a_fact_counts_for_its_department_and_kind_on_its_legal_day(fact, department, kind, count):
    store = FakeWebsites()
    (method,) = {one.method for one in subscriptions(Worker) if one.fact is type(fact)}
    getattr(Worker(), method)(event(department, fact), store)
    assert store.counts == {("2026-11-23", department, kind): count}


def test_every_fact_of_others_that_makes_something_public_is_heard():
    told = {
        message.full_name
        for department in ("catalogue", "credit", "utilities")
        for name, message in facts_of(department).items()
        if name.endswith(NEWLY_PUBLIC)
    }
    assert {one.type for one in subscriptions(Worker)} == told


def facts_of(department):
    module = importlib.import_module(f"zhengtong.{department}.v1.{department}_events_pb2")
    return module.DESCRIPTOR.message_types_by_name


def event(department, fact):
    return Event(
        id="e1",
        source=f"/{department}",
        type=fact.DESCRIPTOR.full_name,
        subject="s1",
        time=LATE,
        traceparent="",
        epoch="1",
        sequence=1,
        version=1,
        fact=fact,
    )
