"""Review before publication over gRPC on a real database: every publishing call, every decision."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pymongo.errors import PyMongoError
from zhengtong.review.v1 import review_pb2, review_service_pb2

from services.common import review
from services.common.access import NATIONWIDE, Caller
from services.common.review import store
from services.common.review.store import Submissions
from services.common.transaction import Unit
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.integration.house import made_keys, serving
from tests.publications import (
    ANOTHER,
    DEPARTMENT,
    ITEM,
    KUNMING,
    PUBLICATIONS,
    QUJING,
    Publication,
    file,
    officer,
    reviewer,
)
from tests.unit.credit.rows import PERSON, row


def to_csv(rows):
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()


def to_json(rows):
    return json.dumps([values | {"BZ": "两\n行"} for values in rows]).encode()


SERVICE = "zhengtong.review.v1.ReviewService"
CATALOGUE = "zhengtong.catalogue.v1.CatalogueService"
PUBLISH = Publication(f"{CATALOGUE}.PublishItem", {"item": ITEM})
AUDIT = "zhengtong.audit.v1.AuditService"
AUDITOR = Caller("auditor", "account", roles=("auditor",))
EDITOR = officer("author", "item_editor")
PENDING = review_pb2.SUBMISSION_STATE_PENDING
APPROVED = review_pb2.SUBMISSION_STATE_APPROVED
REFUSED = "FAILED_PRECONDITION"


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    return made_keys(tmp_path_factory.mktemp("keys"))


class Desk:
    """The catalogue, with the calls of the review in short."""

    def __init__(self, house):
        self.house = house
        self.call, self.refused, self.told = house.call, house.refused, house.told

    def submit(self, caller=EDITOR, **changes):
        fields = {name: changes.pop(name) for name in ("request_id", "version") if name in changes}
        request = Publication(PUBLISH.method, {"item": ITEM | changes}).request(**fields)
        return self.call(PUBLISH.method, caller, request).submission

    def approve(self, submission, caller=None, **fields):
        return self._decide("Approve", submission, caller, fields)

    def reject(self, submission, caller=None, **fields):
        return self._decide("Reject", submission, caller, {"opinion": "涉密"} | fields)

    def _decide(self, verb, submission, caller, fields):
        which = {"submission_id": submission.submission_id} | fields
        return self.call(f"{SERVICE}.{verb}Submission", caller or reviewer(), **which).submission

    def not_approved(self, submission, caller=None, **fields):
        which = {"submission_id": submission.submission_id} | fields
        return self.refused(f"{SERVICE}.ApproveSubmission", caller or reviewer(), **which)

    def get(self, submission, caller=EDITOR):
        which = {"submission_id": submission.submission_id}
        return self.call(f"{SERVICE}.GetSubmission", caller, **which)

    def list(self, caller, **fields):
        return self.call(f"{SERVICE}.ListSubmissions", caller, **fields)

    def items(self):
        return list(self.call(f"{CATALOGUE}.ListItems", SYSTEM).items)


@pytest.fixture
def desk(database, keys_dir):
    with serving("catalogue", database, keys_dir) as house:
        yield Desk(house)


@pytest.mark.rule("P-25")
@pytest.mark.parametrize("publication", PUBLICATIONS, ids=lambda one: one.method)
def test_what_an_officer_publishes_is_public_once_another_officer_approves(
    database, keys_dir, publication
):
    with serving(publication.department, database, keys_dir) as house:
        for before in publication.before:
            house.call(before.method, SYSTEM, before.request())
        told = house.told()
        answer = house.call(publication.method, publication.author(), publication.request())
        assert house.told() == told
        assert {field.name for field, _ in answer.ListFields()} <= {"submission", "report"}
        # A decision brings its subject with it.
        assert answer.submission.subject_count in (1, 2)
        assert answer.submission.state == PENDING
        assert answer.submission.title
        approve = {"submission_id": answer.submission.submission_id, "opinion": "不涉密"}
        approved = house.call(
            f"{SERVICE}.ApproveSubmission", publication.reviewer(), **approve
        ).submission
        assert (approved.state, approved.reviewer) == (APPROVED, "reviewer")
        assert house.told() > told


@pytest.mark.rule("P-25")
@pytest.mark.parametrize("publication", PUBLICATIONS, ids=lambda one: one.method)
def test_what_a_departmental_system_publishes_is_public_at_once(database, keys_dir, publication):
    with serving(publication.department, database, keys_dir) as house:
        for before in publication.before:
            house.call(before.method, SYSTEM, before.request())
        told = house.told()
        answer = house.call(publication.method, SYSTEM, publication.request())
        assert not answer.HasField("submission")
        assert house.told() > told


@pytest.mark.rule("P-25")
@pytest.mark.rule("I-23")
def test_a_revision_that_is_to_begin_later_waits_for_a_reviewer_first(desk):
    desk.call(PUBLISH.method, SYSTEM, PUBLISH.request())
    submission = desk.submit(plan_effective_date="2027-01-01", task_name="食品经营许可（新）")
    assert submission.title == "食品经营许可（新）（自 2027-01-01 起）"
    asked = {"item_id": ITEM["local_task_code"]}
    got = desk.call(f"{CATALOGUE}.GetItem", SYSTEM, **asked)
    assert not got.HasField("scheduled")
    assert desk.approve(submission).state == APPROVED
    got = desk.call(f"{CATALOGUE}.GetItem", SYSTEM, **asked)
    assert (got.item.task_name, got.scheduled.task_name) == (
        ITEM["task_name"],
        "食品经营许可（新）",
    )


def test_a_submission_says_what_by_whom_and_when(desk):
    submission = desk.submit()
    assert submission.title == "食品经营许可"
    assert list(submission.subjects) == ["T-1"]
    assert (submission.author, submission.author_department) == ("author", DEPARTMENT)
    assert submission.submit_time.ToDatetime(NOW.tzinfo) == NOW
    assert (submission.call, submission.version) == (PUBLISH.method, 1)
    got = desk.get(submission, reviewer())
    assert got.submission == submission
    assert json.loads(got.content)["item"]["task_name"] == "食品经营许可"


@pytest.mark.rule("P-13")
def test_the_audit_names_author_and_reviewer_of_what_was_approved(desk):
    submission = desk.submit(request_id="r1")
    approved = desk.approve(submission, opinion="不涉密", request_id="r2")
    assert (approved.opinion, approved.version) == ("不涉密", 2)
    rows = list(desk.house.database["audit"].find().sort("_id", 1))
    by_request = {row["request_id"]: row for row in rows}
    assert len(rows) == 2
    assert by_request["r1"]["subjects"] == [submission.submission_id]
    done = by_request["r2"]
    assert (done["principal"], done["approved_by"]) == ("author", "reviewer")
    assert done["call"] == PUBLISH.method
    assert set(done["subjects"]) == {"T-1", submission.submission_id}
    for principal in ("author", "reviewer"):
        listed = desk.call(f"{AUDIT}.ListAuditRecords", AUDITOR, principal=principal).records
        found = {one.request_id: (one.principal, one.approved_by) for one in listed}
        assert found.pop("r2") == ("author", "reviewer")
        assert found == ({"r1": ("author", "")} if principal == "author" else {})


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"task_name": ""}, ("INVALID_ARGUMENT", "ITEM_INVALID")),
        ({"dept_code": ANOTHER}, ("PERMISSION_DENIED", "OUT_OF_REACH")),
        ({"version": 3}, ("ABORTED", "STALE")),
        ({"request_id": "r 1"}, ("INVALID_ARGUMENT", "REQUEST_ID_INVALID")),
    ],
    ids=str,
)
def test_what_could_never_be_done_is_refused_at_once_and_not_kept(desk, changes, refusal):
    fields = {name: changes[name] for name in ("version", "request_id") if name in changes}
    item = ITEM | {name: changes[name] for name in changes if name not in fields}
    request = Publication(PUBLISH.method, {"item": item}).request(**fields)
    assert desk.refused(PUBLISH.method, EDITOR, request) == refusal
    assert not desk.list(EDITOR).submissions


def test_what_is_public_already_needs_nobodys_opinion(desk):
    desk.call(PUBLISH.method, SYSTEM, PUBLISH.request())
    answer = desk.call(PUBLISH.method, EDITOR, PUBLISH.request())
    assert not answer.HasField("submission")
    assert answer.item.version == 1


def test_a_request_id_submits_once(desk):
    first = desk.submit(request_id="r1")
    desk.approve(first)
    assert desk.submit(request_id="r1") == first
    assert len(desk.list(EDITOR).submissions) == 1


def test_an_import_shows_its_report_before_it_is_approved(desk):
    rows = [ITEM, ITEM | {"local_task_code": "T-2"}, ITEM | {"dept_code": ANOTHER}]
    imports = Publication(f"{CATALOGUE}.ImportItems", {"file": file(*rows), "shape": "standard"})
    answer = desk.call(imports.method, EDITOR, imports.request())
    assert (answer.report.created, answer.report.rejected) == (2, 1)
    assert answer.submission.title == "食品经营许可 等 2 项"
    content = json.loads(desk.get(answer.submission).content)
    assert [row["values"]["dept_code"] for row in content["rows"]] == [
        DEPARTMENT,
        DEPARTMENT,
        ANOTHER,
    ]
    assert desk.items() == []
    desk.approve(answer.submission)
    assert len(desk.items()) == 2


@pytest.mark.rule("P-26")
def test_neither_the_author_nor_another_departments_reviewer_approves(desk):
    both = officer("author", "item_editor", "publication_reviewer")
    submission = desk.submit(both)
    assert desk.not_approved(submission, both) == (REFUSED, "REVIEW_BY_AUTHOR")
    for other in (reviewer(department=ANOTHER), reviewer(region=QUJING)):
        assert desk.not_approved(submission, other) == ("PERMISSION_DENIED", "OUT_OF_REACH")
    missing = ("PERMISSION_DENIED", "PERMISSION_MISSING")
    assert desk.not_approved(submission, officer("other", "item_editor")) == missing
    assert desk.items() == []
    lead = replace(reviewer(department=ANOTHER, region=NATIONWIDE), leads=True)
    assert desk.approve(submission, lead).state == APPROVED


@pytest.mark.rule("P-27")
def test_a_rejection_tells_the_author_why_and_makes_nothing_public(desk):
    submission = desk.submit()
    rejected = desk.reject(submission, opinion="涉及工作秘密")
    assert desk.get(submission).submission == rejected
    assert (rejected.opinion, rejected.reviewer) == ("涉及工作秘密", "reviewer")
    assert desk.not_approved(submission) == (REFUSED, "SUBMISSION_DECIDED")
    assert desk.items() == []
    assert desk.told() == 0


def test_an_author_takes_a_submission_back(desk):
    submission = desk.submit()
    which = {"submission_id": submission.submission_id}
    other = desk.refused(f"{SERVICE}.WithdrawSubmission", officer("x", "item_editor"), **which)
    assert other == ("PERMISSION_DENIED", "OUT_OF_REACH")
    taken = desk.call(f"{SERVICE}.WithdrawSubmission", EDITOR, **which).submission
    assert taken.state == review_pb2.SUBMISSION_STATE_WITHDRAWN
    assert desk.not_approved(submission) == (REFUSED, "SUBMISSION_DECIDED")


@pytest.mark.rule("P-28")
@pytest.mark.parametrize("seen", [0, 1])
def test_what_has_changed_since_is_refused_and_waits_on(desk, seen):
    desk.submit(SYSTEM)
    submission = desk.submit(promise_day=3, version=seen)
    desk.submit(SYSTEM, promise_day=5)
    assert desk.not_approved(submission) == (REFUSED, "SUBMISSION_OUTDATED")
    assert desk.get(submission).submission == submission
    assert desk.items()[0].promise_day == 5
    desk.reject(submission)


def test_two_decisions_about_one_new_subject_are_approved_one_after_the_other(database, keys_dir):
    permit = next(one for one in PUBLICATIONS if one.method.endswith("DisclosePermit"))
    with serving("credit", database, keys_dir) as house:
        submitted = []
        for number in ("1", "2"):
            request = permit.request()
            request.permit.document_number = number
            answer = house.call(permit.method, permit.author(), request)
            submitted.append(answer.submission.submission_id)
        for submission_id in submitted:
            which = {"submission_id": submission_id}
            house.call(f"{SERVICE}.ApproveSubmission", reviewer(), **which)
        assert house.told() == 3


@pytest.mark.rule("K-2")
@pytest.mark.rule("K-3")
@pytest.mark.parametrize("write", [to_csv, to_json])
def test_a_file_that_waits_holds_nothing_about_natural_persons(database, keys_dir, write):
    shape = "permits_2018"
    own = {"XK_XKJGDM": DEPARTMENT, "XK_FR_ZJHM": PERSON}
    alien = row(shape, XK_XDR_TYPE="自然人", XK_XDR_ZJHM=PERSON, **own)
    content = write([row(shape, **own), alien, row(shape, XK_WSH="99号", **own)])
    officers = officer("author", "credit_officer")
    with serving("credit", database, keys_dir) as house:
        answer = house.call(
            "zhengtong.credit.v1.CreditService.ImportRecords", officers, file={"data": content}
        )
        assert (answer.report.created, answer.report.rejected) == (2, 1)
        stored = house.database[store.REQUESTS].find_one()["request"]
        assert PERSON.encode() not in stored
        assert "自然人".encode() not in stored
        which = {"submission_id": answer.submission.submission_id}
        house.call(f"{SERVICE}.ApproveSubmission", reviewer(), **which)
        assert house.database["permits"].count_documents({}) == 2


@pytest.mark.rule("P-28")
def test_what_the_call_itself_refuses_by_now_is_refused_with_its_reason_and_waits_on(desk):
    desk.submit(SYSTEM)
    submission = desk.submit(promise_day=3)
    desk.submit(SYSTEM, dept_code=ANOTHER)
    assert desk.not_approved(submission) == ("PERMISSION_DENIED", "OUT_OF_REACH")
    assert desk.get(submission).submission.state == PENDING


def test_of_reviewers_at_the_same_moment_one_decides(desk):
    submission = desk.submit()
    approve = f"{SERVICE}.ApproveSubmission"
    request = review_service_pb2.ApproveSubmissionRequest(submission_id=submission.submission_id)

    def outcome(number):
        try:
            desk.call(approve, reviewer(f"reviewer-{number}"), request)
        except Exception as error:  # noqa: BLE001
            return error.code().name
        return "OK"

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(outcome, range(6)))
    assert outcomes == [REFUSED] * 5 + ["OK"]
    assert desk.told() == 1
    assert desk.items()[0].version == 1


def test_an_approval_is_whole_or_not_at_all(desk, monkeypatch):
    submission = desk.submit()
    settle = Submissions.settle

    def broken(self, settled):
        settle(self, settled)
        raise PyMongoError("the process is killed here")

    with monkeypatch.context() as patch:
        patch.setattr(Submissions, "settle", broken)
        assert desk.not_approved(submission)[0] == "INTERNAL"
    assert desk.told() == 0
    assert desk.items() == []
    assert desk.get(submission).submission == submission
    assert desk.approve(submission, request_id="r9") == desk.approve(submission, request_id="r9")
    assert desk.told() == 1


@pytest.mark.rule("P-28")
def test_an_approval_that_is_killed_left_no_trace_and_can_be_made_again(
    desk, database, mongodb_uri, keys_dir
):
    submission = desk.submit()
    child = Path(__file__).with_name("review_child.py")
    named = [mongodb_uri, database.name, str(keys_dir), submission.submission_id]
    done = subprocess.run(
        [sys.executable, str(child), *named],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert desk.get(submission).submission == submission
    assert (desk.told(), desk.items()) == (0, [])
    database.client.admin.command({"killAllSessions": []})  # or else its locks wait for a minute
    assert desk.approve(submission).state == APPROVED
    assert desk.told() == 1


def test_lists_hold_what_somebody_may_see_page_by_page(desk):
    for number in range(3):
        desk.submit(local_task_code=f"T-{number}")
    desk.submit(officer("colleague", "item_editor"), local_task_code="T-9")
    desk.submit(officer("far", "item_editor", department=ANOTHER), dept_code=ANOTHER)
    assert len(desk.list(EDITOR).submissions) == 3
    assert len(desk.list(reviewer()).submissions) == 4
    assert len(desk.list(reviewer(region=QUJING)).submissions) == 0
    assert len(desk.list(reviewer(department=ANOTHER)).submissions) == 1
    everything = replace(reviewer(region=NATIONWIDE), leads=True)
    assert len(desk.list(everything).submissions) == 5
    first = desk.list(everything, page_size=3)
    rest = desk.list(everything, page_size=3, page_token=first.next_page_token)
    ids = [one.submission_id for page in (first, rest) for one in page.submissions]
    assert len(set(ids)) == 5
    desk.reject(desk.list(EDITOR).submissions[0])
    assert len(desk.list(reviewer(), state=PENDING).submissions) == 3
    assert len(desk.list(EDITOR, state=PENDING).submissions) == 2


@pytest.mark.rule("P-29")
def test_the_request_is_kept_while_it_waits_and_90_days_more_and_the_record_for_good(desk):
    waiting, decided = desk.submit(), desk.submit(local_task_code="T-2")
    desk.reject(decided)
    requests = desk.house.database[store.REQUESTS]
    assert "expire_time" not in requests.find_one({"_id": waiting.submission_id})
    kept = requests.find_one({"_id": decided.submission_id})
    assert kept["expire_time"] == NOW + timedelta(days=90)
    assert requests.index_information()["kept"]["expireAfterSeconds"] == 0
    requests.delete_one({"_id": decided.submission_id})  # as MongoDB does by its clock
    got = desk.get(decided, reviewer())
    assert (got.content, got.submission.opinion) == ("", "涉密")


@pytest.mark.parametrize(
    "scope",
    [
        review.Scope(author="a"),
        review.Scope(department=DEPARTMENT, region=KUNMING),
        review.Scope(region=KUNMING),
    ],
    ids=["author", "department", "region"],
)
@pytest.mark.parametrize("state", [None, review.State.PENDING])
def test_every_list_walks_an_index_in_order(database, scope, state):
    store.ensure(database)
    plans = []

    class Explained:
        def find(self, wanted, shown, **options):
            plans.append(database[store.COLLECTION].find(wanted).sort("place", -1).explain())
            return database[store.COLLECTION].find(wanted, shown, **options)

    submissions = Submissions(Unit(database, None, NOW))
    submissions._submissions = Explained()
    submissions.page(scope, state=state, after="2", size=10)
    stages = str(plans[0]["queryPlanner"]["winningPlan"])
    assert "IXSCAN" in stages
    assert "SORT" not in stages
