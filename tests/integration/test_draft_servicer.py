"""Drafts over gRPC on a real database: who sees one, what it lacks, and when it goes."""

from dataclasses import replace

import pytest
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue.store.draft_documents import DRAFTS
from services.common.access import NATIONWIDE, Caller
from services.common.paging import page_token
from services.common.permissions import transferable
from tests.callers import SYSTEM
from tests.integration.house import made_keys, serving
from tests.publications import ANOTHER, DEPARTMENT, ITEM, KUNMING, QUJING, officer, reviewer

CATALOGUE = "zhengtong.catalogue.v1.CatalogueService"
REVIEW = "zhengtong.review.v1.ReviewService"
EDITOR = officer("author", "item_editor")
COLLEAGUE = officer("colleague", "item_editor")
NOT_FOUND = ("NOT_FOUND", "DRAFT_NOT_FOUND")
OUT = ("PERMISSION_DENIED", "OUT_OF_REACH")
UNKNOWN = "0" * 32
BEGUN = {"task_name": "食品经营", "dept_code": DEPARTMENT, "region_code": KUNMING}
STRANGERS = {
    "an editor of another department": officer("x", "item_editor", department=ANOTHER),
    "an editor of the department elsewhere": officer("x", "item_editor", region=QUJING),
    "a publisher of another region": officer("x", "list_publisher", region=QUJING),
    "an editor of no department": officer("x", "item_editor", department=""),
    "a system of another department": Caller(
        "x", "client", department=ANOTHER, region=NATIONWIDE, rights=transferable("client")
    ),
}


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    return made_keys(tmp_path_factory.mktemp("keys"))


class Desk:
    """The catalogue, with the calls of drafts in short."""

    def __init__(self, house):
        self.house = house
        self.database = house.database

    def call(self, name, caller=EDITOR, **fields):
        return self.house.call(f"{CATALOGUE}.{name}", caller, **fields)

    def refused(self, name, caller=EDITOR, **fields):
        return self.house.refused(f"{CATALOGUE}.{name}", caller, **fields)

    def begin(self, caller=EDITOR, **changes):
        return self.call("SaveDraft", caller, item=BEGUN | changes).draft

    def ids(self, caller=EDITOR, **asked):
        return [one.draft_id for one in self.call("ListDrafts", caller, **asked).drafts]

    def there(self, draft):
        return draft.draft_id in self.ids(SYSTEM)

    def decide(self, verb, submission, **fields):
        which = {"submission_id": submission.submission_id} | fields
        return self.house.call(f"{REVIEW}.{verb}Submission", reviewer(), **which).submission


@pytest.fixture
def desk(database, keys_dir):
    with serving("catalogue", database, keys_dir) as house:
        yield Desk(house)


@pytest.mark.rule("I-19")
def test_a_draft_is_begun_got_saved_again_listed_and_discarded(desk):
    begun = desk.call("SaveDraft", item=BEGUN)
    assert (begun.draft.version, begun.draft.item.task_name) == (1, "食品经营")
    assert {one.field: one.description for one in begun.faults} == {
        "task_type": "不能为空",
        "dept_name": "不能为空",
    }
    assert [one.rule for one in begun.findings] == ["Q-8", "Q-17"]
    draft_id = begun.draft.draft_id
    assert desk.call("GetDraft", COLLEAGUE, draft_id=draft_id) == pb.GetDraftResponse(
        draft=begun.draft, faults=begun.faults, findings=begun.findings
    )
    again = {"draft_id": draft_id, "item": ITEM, "expected_version": 1}
    saved = desk.call("SaveDraft", COLLEAGUE, **again)
    assert (saved.draft.version, list(saved.faults)) == (2, [])
    assert desk.refused("SaveDraft", **again) == ("ABORTED", "STALE")
    (outline,) = desk.call("ListDrafts").drafts
    assert (outline.draft_id, outline.task_name, outline.version) == (draft_id, "食品经营许可", 2)
    assert outline.expire_time == saved.draft.expire_time
    desk.call("DiscardDraft", draft_id=draft_id, version=2)
    assert desk.ids() == []
    assert desk.refused("DiscardDraft", draft_id=draft_id) == NOT_FOUND


@pytest.mark.rule("I-18")
@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_no_stranger_learns_of_a_draft_or_changes_it_by_any_call(desk, stranger):
    draft = desk.begin()
    own = BEGUN | {"dept_code": stranger.department or ANOTHER, "region_code": stranger.region}
    own["region_code"] = QUJING if stranger.region == NATIONWIDE else stranger.region
    attacks = (
        ("GetDraft", {}),
        ("DiscardDraft", {}),
        ("DiscardDraft", {"version": 7}),
        ("SaveDraft", {"item": BEGUN}),
        ("SaveDraft", {"item": BEGUN, "expected_version": 1}),
        ("SaveDraft", {"item": own, "expected_version": 1}),
        ("SaveDraft", {"item": own, "expected_version": 7}),
        ("PublishItem", {"item": ITEM | {"local_task_code": "X-1"} | _whose(own)}),
        ("PublishItem", {"item": ITEM | {"local_task_code": "X-1"} | _whose(own), "version": 7}),
    )
    for name, fields in attacks:
        for draft_id in (draft.draft_id, UNKNOWN):
            told = desk.refused(name, stranger, draft_id=draft_id, **fields)
            assert told == NOT_FOUND, (name, fields, draft_id)
    for asked in ({}, {"dept_code": DEPARTMENT}, {"page_token": page_token("drafts/", ["9"])}):
        assert desk.ids(stranger, **asked) == []
    assert desk.call("GetDraft", draft_id=draft.draft_id).draft == draft
    assert desk.house.told() == 0


@pytest.mark.rule("I-18")
def test_nobody_begins_a_draft_of_another_body_or_gives_theirs_away(desk):
    draft = desk.begin()
    for taken in ({"dept_code": ANOTHER}, {"region_code": QUJING}):
        assert desk.refused("SaveDraft", item=BEGUN | taken) == OUT
        moved = {"draft_id": draft.draft_id, "item": BEGUN | taken, "expected_version": 1}
        assert desk.refused("SaveDraft", **moved) == OUT
    leader = officer("leader", "list_publisher")
    moved = {"draft_id": draft.draft_id, "item": BEGUN | {"dept_code": ANOTHER}}
    desk.call("SaveDraft", leader, expected_version=1, **moved)
    assert desk.ids() == []
    assert desk.refused("GetDraft", draft_id=draft.draft_id) == NOT_FOUND


@pytest.mark.rule("I-18")
def test_a_draft_goes_with_the_publication_of_its_item_by_a_system(desk):
    draft, other = desk.begin(), desk.begin()
    published = desk.call("PublishItem", SYSTEM, item=ITEM, draft_id=draft.draft_id)
    assert published.item.item_id == "T-1"
    assert desk.ids() == [other.draft_id]
    row = list(desk.database["audit"].find().sort("_id", -1))
    assert [f"draft/{draft.draft_id}", "T-1"] in [
        sorted(one["subjects"], reverse=True) for one in row
    ]


@pytest.mark.rule("I-18")
def test_a_publication_that_is_refused_leaves_the_draft_and_publishes_nothing(desk):
    draft = desk.begin()
    wrong = ITEM | {"materials": [{"name": "其他材料"}]}
    for fields in ({"item": wrong}, {"item": ITEM, "version": 7}):
        desk.refused("PublishItem", SYSTEM, draft_id=draft.draft_id, **fields)
        assert desk.there(draft)
    assert desk.refused("PublishItem", SYSTEM, item=ITEM, draft_id=UNKNOWN) == NOT_FOUND
    assert desk.house.told() == 0


@pytest.mark.rule("I-18")
def test_a_draft_stays_while_a_reviewer_is_waited_for_and_goes_with_the_approval(desk):
    draft = desk.begin()
    submission = desk.call("PublishItem", item=ITEM, draft_id=draft.draft_id).submission
    assert submission.submission_id
    assert desk.there(draft)
    desk.decide("Approve", submission)
    assert not desk.there(draft)
    assert desk.call("GetItem", item_id="T-1").item.version == 1


@pytest.mark.rule("I-18")
def test_a_draft_stays_where_the_reviewer_says_no(desk):
    draft = desk.begin()
    submission = desk.call("PublishItem", item=ITEM, draft_id=draft.draft_id).submission
    desk.decide("Reject", submission, opinion="依据有误")
    assert desk.there(draft)


@pytest.mark.rule("I-18")
@pytest.mark.parametrize(("draft_version", "stays"), [(1, True), (2, False), (0, False)])
def test_what_was_written_since_the_submission_is_not_lost(desk, draft_version, stays):
    draft = desk.begin()
    made_of = {"draft_id": draft.draft_id, "draft_version": draft_version}
    submission = desk.call("PublishItem", item=ITEM, **made_of).submission
    desk.call("SaveDraft", draft_id=draft.draft_id, item=ITEM, expected_version=1)
    desk.decide("Approve", submission)
    assert desk.there(draft) == stays
    assert desk.call("GetItem", item_id="T-1").item.version == 1


@pytest.mark.rule("I-18")
def test_a_draft_that_was_discarded_meanwhile_holds_up_no_approval(desk):
    draft = desk.begin()
    submission = desk.call("PublishItem", item=ITEM, draft_id=draft.draft_id).submission
    desk.call("DiscardDraft", draft_id=draft.draft_id)
    desk.decide("Approve", submission)
    assert desk.call("GetItem", item_id="T-1").item.version == 1


@pytest.mark.rule("I-18")
def test_what_a_draft_says_stands_nowhere_but_in_the_draft(desk):
    secret = {"item": BEGUN | {"task_name": "尚未公开的名称"}, "request_id": "r1"}
    draft = desk.call("SaveDraft", **secret).draft
    second = secret | {"request_id": "r2", "draft_id": draft.draft_id, "expected_version": 1}
    desk.call("SaveDraft", **second)
    desk.call("GetDraft", draft_id=draft.draft_id)
    holding = {
        name
        for name in desk.database.list_collection_names()
        for one in desk.database[name].find()
        if "尚未公开的名称" in str(one) or "尚未公开的名称".encode() in _bytes_of(one)
    }
    assert holding == {DRAFTS}
    assert desk.house.told() == 0
    assert desk.call("ListItems").items == []
    subjects = [row["subjects"] for row in desk.database["audit"].find()]
    assert subjects == [[f"draft/{draft.draft_id}"]] * 2


def test_a_save_under_one_request_id_is_made_once(desk):
    first = desk.call("SaveDraft", item=BEGUN, request_id="r1")
    again = desk.call("SaveDraft", item=BEGUN, request_id="r1")
    assert desk.ids() == [first.draft.draft_id]
    assert not again.draft.HasField("item")
    first.draft.ClearField("item")
    assert again == first
    reused = desk.refused("SaveDraft", item=BEGUN | {"task_name": "另"}, request_id="r1")
    assert reused == ("FAILED_PRECONDITION", "REQUEST_ID_REUSED")


@pytest.mark.rule("I-19")
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"item": {}},
        {"item": BEGUN | {"dept_code": "1"}},
        {"item": BEGUN | {"region_code": "昆明"}},
        {"item": BEGUN | {"task_name": " "}},
        {"item": BEGUN, "expected_version": 1},
        {"item": BEGUN | {"limit_explain": "限" * 100_000}},
    ],
    ids=str,
)
def test_what_can_be_no_draft_is_refused_whoever_asks(desk, fields):
    refusal = desk.refused("SaveDraft", SYSTEM, **fields)
    assert refusal == ("INVALID_ARGUMENT", "DRAFT_INVALID")
    assert desk.ids(SYSTEM) == []


@pytest.mark.rule("I-19")
def test_who_saves_again_says_which_version_they_have_read(desk):
    draft = desk.begin()
    refusal = desk.refused("SaveDraft", item=BEGUN, draft_id=draft.draft_id)
    assert refusal == ("INVALID_ARGUMENT", "DRAFT_INVALID")
    assert desk.refused("SaveDraft", item=BEGUN, draft_id=UNKNOWN) == NOT_FOUND
    assert desk.call("GetDraft", draft_id=draft.draft_id).draft == draft


def test_pages_follow_one_another_and_their_tokens_are_for_one_question(desk):
    drafts = [desk.begin(task_name=f"第 {number} 份").draft_id for number in range(5)]
    first = desk.call("ListDrafts", page_size=2)
    second = desk.call("ListDrafts", page_size=2, page_token=first.next_page_token)
    third = desk.call("ListDrafts", page_size=2, page_token=second.next_page_token)
    shown = [one.draft_id for page in (first, second, third) for one in page.drafts]
    assert sorted(shown) == sorted(drafts)
    assert third.next_page_token == ""
    other = {"dept_code": DEPARTMENT, "page_token": first.next_page_token}
    assert desk.refused("ListDrafts", **other) == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")


@pytest.mark.parametrize("position", [[5], ["\x00"], ["\U0010ffff"], [""]])
def test_a_forged_token_shows_nobody_elses(desk, position):
    draft = desk.begin()
    token = page_token("drafts/", position)
    assert set(desk.ids(page_token=token)) <= {draft.draft_id}
    assert desk.ids(STRANGERS["an editor of another department"], page_token=token) == []


def test_the_ids_of_drafts_are_long_and_none_is_like_another(desk):
    ids = {desk.begin().draft_id for _ in range(20)}
    assert len(ids) == 20
    assert all(len(one) == 32 for one in ids)
    assert len({one[:4] for one in ids}) > 15


def test_a_reviewer_sees_no_drafts(desk):
    draft = desk.begin()
    for name in ("GetDraft", "ListDrafts", "DiscardDraft"):
        fields = {} if name == "ListDrafts" else {"draft_id": draft.draft_id}
        told = desk.refused(name, reviewer(), **fields)
        assert told == ("PERMISSION_DENIED", "PERMISSION_MISSING")


def test_an_editor_of_no_region_sees_none(desk):
    desk.begin()
    assert desk.ids(replace(EDITOR, region="")) == []


def _whose(own):
    return {name: own[name] for name in ("dept_code", "region_code")}


def _bytes_of(document):
    return b"".join(bytes(value) for value in document.values() if isinstance(value, bytes))
