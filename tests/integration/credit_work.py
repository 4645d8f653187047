"""Work with a store of credit, as its tests say it: a kind of record and what is changed."""

from services.common.rows import Report, Row
from services.credit import usecases
from services.credit.domain import Penalty, Permit, Subject, record_of
from tests.callers import SYSTEM
from tests.unit.credit.rows import VALUES

SHAPES = {Subject: "subjects", Permit: "permits_2018", Penalty: "penalties_2018"}


def made(kind, **changes):
    return record_of(kind, VALUES[kind]() | {n: v for n, v in changes.items() if known(kind, n)})


def known(kind, name):
    """A licence has no 公示截止期, so tests of both kinds may say one."""
    return kind is Penalty or name != "publish_until_date"


def publish(record, store, seen=0):
    publishes = usecases.register if isinstance(record, Subject) else usecases.disclose
    return publishes(record, seen=seen, caller=SYSTEM, store=store)


def publishing(kind, seen=0, **changes):
    return lambda store: publish(made(kind, **changes), store, seen)


def getting(kind, record_id):
    return lambda store: store.get(kind, record_id)


def withdrawing(kind, record_id, reason="决定已被撤销", seen=0):
    return lambda store: usecases.withdraw(
        kind, record_id, reason, seen=seen, caller=SYSTEM, store=store
    )


def listing(kind, subject_code="", after=None, size=20):
    def ids(store):
        found = store.page(kind, subject_code=subject_code, after=after, size=size)
        return [listed.record.record_id for listed in found]

    return ids


def importing(kind, *values):
    def run(store):
        report = Report(SHAPES[kind])
        rows = [Row(number, one) for number, one in enumerate(values, 1)]
        usecases.import_records(rows, report, caller=SYSTEM, store=store)
        return report

    return run
