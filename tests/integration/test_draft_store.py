"""One suite for the store of drafts, fake and MongoDB; then what only MongoDB has."""

from datetime import timedelta

import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandListener

from services.catalogue import store as mongo_store
from services.catalogue import usecases
from services.catalogue.domain import drafts as domain
from services.catalogue.domain.drafts import KEPT, DraftNotFound, DraftsFull
from services.catalogue.store import MongoDrafts
from services.catalogue.store.draft_documents import DRAFTS
from services.catalogue.usecases import Scope
from services.common.access import OutOfReach
from services.common.errors import Stale
from services.common.transaction import Unit
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_drafts import FakeDrafts
from tests.publications import ANOTHER, DEPARTMENT, KUNMING, QUJING, WUHUA, officer

EDITOR = officer("author", "item_editor")
LEADER = officer("leader", "list_publisher")
FIELDS = {"task_name": "取水许可", "dept_code": DEPARTMENT, "region_code": KUNMING}


@pytest.fixture(params=["fake", "mongo"])
def keeping(request):
    """Runs work with a store: one transaction on MongoDB, one object in memory."""
    if request.param == "fake":
        fake = FakeDrafts(NOW)

        def run(work, *, now=NOW):
            fake.now = now
            return work(fake)

        return run
    database, committed = request.getfixturevalue("database"), request.getfixturevalue("committed")
    mongo_store.ensure(database)
    return lambda work, *, now=NOW: committed(lambda unit: work(MongoDrafts(unit)), now=now)


def content(**changes):
    return domain.content_of(FIELDS | changes)


def save(drafts, draft_id="", *, expected=0, new_id="d1", caller=SYSTEM, now=NOW, **changes):
    return usecases.save_draft(
        draft_id,
        content(**changes),
        expected=expected,
        new_id=new_id,
        now=now,
        caller=caller,
        drafts=drafts,
    )


def get(drafts, draft_id="d1", caller=SYSTEM):
    return usecases.get_draft(draft_id, caller=caller, drafts=drafts)


def listed(drafts, caller=SYSTEM, *, dept_code="", before="", size=10):
    found = usecases.list_drafts(
        dept_code=dept_code, before=before, size=size, caller=caller, drafts=drafts
    )
    return [draft.draft_id for draft in found]


def discard(drafts, draft_id="d1", *, seen=0, caller=SYSTEM):
    return usecases.discard_draft(draft_id, seen=seen, caller=caller, drafts=drafts)


@pytest.mark.rule("I-19")
def test_what_was_saved_is_got_as_it_was_written_wrong_or_not(keeping):
    values = {"promise_day": -3, "materials": [{"page_num": 1}], "server_type": ["9"], "fees": []}
    saved = keeping(lambda drafts: save(drafts, **values))
    assert (saved.version, saved.create_time, saved.save_time) == (1, NOW, NOW)
    assert keeping(get) == saved
    assert saved.content.values == FIELDS | values


@pytest.mark.rule("I-19")
def test_a_second_save_is_over_the_version_that_was_read_and_loses_nothing(keeping):
    keeping(save)
    later = NOW + timedelta(hours=1)
    second = keeping(lambda drafts: save(drafts, "d1", expected=1, task_name="甲", now=later))
    assert (second.version, second.create_time, second.save_time) == (2, NOW, later)
    with pytest.raises(Stale):
        keeping(lambda drafts: save(drafts, "d1", expected=1, task_name="乙"))
    assert keeping(get) == second


def test_who_was_faster_in_the_same_moment_wins(keeping):
    first = keeping(save)
    second = domain.save(first, content(task_name="甲"), expected=1, now=NOW)
    keeping(lambda drafts: drafts.save(second))
    for late in (second, first):
        with pytest.raises(Stale):
            keeping(lambda drafts, late=late: drafts.save(late))
    with pytest.raises(Stale):
        keeping(lambda drafts: drafts.remove(first))
    assert keeping(get) == second


def test_a_discarded_draft_is_gone_and_a_stale_hand_removes_nothing(keeping):
    keeping(save)
    with pytest.raises(Stale):
        keeping(lambda drafts: discard(drafts, seen=2))
    assert keeping(lambda drafts: discard(drafts, seen=1)).draft_id == "d1"
    for gone in (get, discard, lambda drafts: save(drafts, "d1", expected=1)):
        with pytest.raises(DraftNotFound):
            keeping(gone)


@pytest.mark.parametrize("draft_id", ["", "nowhere", "\x00", "长" * 9999])
def test_an_unknown_draft_is_not_found(keeping, draft_id):
    with pytest.raises(DraftNotFound):
        keeping(lambda drafts: get(drafts, draft_id))


def test_a_draft_expires_180_days_after_its_last_save(keeping):
    keeping(save)
    saved_again = NOW + timedelta(days=100)
    keeping(lambda drafts: save(drafts, "d1", expected=1, now=saved_again), now=saved_again)
    end = saved_again + KEPT
    assert keeping(get, now=end - timedelta(seconds=1)).version == 2
    assert keeping(listed, now=end - timedelta(seconds=1)) == ["d1"]
    with pytest.raises(DraftNotFound):
        keeping(get, now=end)
    with pytest.raises(DraftNotFound):
        keeping(lambda drafts: save(drafts, "d1", expected=2), now=end)
    assert keeping(listed, now=end) == []
    assert keeping(lambda drafts: drafts.count(DEPARTMENT), now=end) == 0


@pytest.mark.rule("I-18")
def test_a_list_has_the_callers_own_the_last_begun_first_page_by_page(keeping):
    theirs = {"dept_code": ANOTHER, "region_code": QUJING}
    for minute, (draft_id, fields) in enumerate(
        {
            "own": {},
            "below": {"region_code": WUHUA},
            "elsewhere": {"region_code": QUJING},
            "theirs": theirs,
            "led": {"dept_code": ANOTHER},
        }.items()
    ):
        now = NOW + timedelta(minutes=minute)
        keeping(
            lambda drafts, new_id=draft_id, now=now, fields=fields: save(
                drafts, new_id=new_id, now=now, **fields
            ),
            now=now,
        )
    everything = ["led", "theirs", "elsewhere", "below", "own"]
    assert keeping(listed) == everything
    assert keeping(lambda drafts: listed(drafts, dept_code=ANOTHER)) == ["led", "theirs"]
    assert keeping(lambda drafts: listed(drafts, EDITOR)) == ["below", "own"]
    assert keeping(lambda drafts: listed(drafts, EDITOR, dept_code=ANOTHER)) == []
    assert keeping(lambda drafts: listed(drafts, LEADER)) == ["led", "below", "own"]
    assert keeping(lambda drafts: listed(drafts, LEADER, dept_code=DEPARTMENT)) == ["below", "own"]
    place = keeping(lambda drafts: get(drafts, "theirs")).place
    assert keeping(lambda drafts: listed(drafts, before=place, size=2)) == ["elsewhere", "below"]
    seen = keeping(lambda drafts: listed(drafts, EDITOR, size=200))
    for draft_id in everything:
        reached = keeping(lambda drafts, one=draft_id: _reached(drafts, one))
        assert reached == (draft_id in seen)


def _reached(drafts, draft_id):
    try:
        return bool(get(drafts, draft_id, EDITOR))
    except DraftNotFound:
        return False


@pytest.mark.rule("I-18")
def test_another_departments_draft_is_as_if_it_was_not_there(keeping):
    saved = keeping(lambda drafts: save(drafts, dept_code=ANOTHER))
    for attack in (
        lambda drafts: get(drafts, caller=EDITOR),
        lambda drafts: save(drafts, "d1", expected=1, caller=EDITOR),
        lambda drafts: save(drafts, "d1", expected=9, caller=EDITOR),
        lambda drafts: discard(drafts, caller=EDITOR),
        lambda drafts: discard(drafts, seen=9, caller=EDITOR),
    ):
        with pytest.raises(DraftNotFound):
            keeping(attack)
    assert keeping(get) == saved


@pytest.mark.rule("I-18")
def test_a_draft_is_given_to_another_body_by_who_answers_for_both(keeping):
    keeping(save)
    for stolen in ({"dept_code": ANOTHER}, {"region_code": QUJING}):
        with pytest.raises(OutOfReach):
            keeping(
                lambda drafts, fields=stolen: save(
                    drafts, "d1", expected=1, caller=EDITOR, **fields
                )
            )
        with pytest.raises(OutOfReach):
            keeping(lambda drafts, fields=stolen: save(drafts, caller=EDITOR, **fields))
    assert keeping(get).version == 1
    moved = keeping(lambda drafts: save(drafts, "d1", expected=1, caller=LEADER, dept_code=ANOTHER))
    assert moved.content.dept_code == ANOTHER
    assert keeping(lambda drafts: listed(drafts, EDITOR)) == []


def test_a_body_has_at_most_so_many_drafts_and_is_told_what_to_do(keeping, monkeypatch):
    monkeypatch.setattr("services.catalogue.usecases.drafts.MOST_OF_BODY", 2)
    for new_id in ("d1", "d2"):
        keeping(lambda drafts, new_id=new_id: save(drafts, new_id=new_id))
    keeping(lambda drafts: save(drafts, new_id="x", dept_code=ANOTHER))
    with pytest.raises(DraftsFull, match="请先发布或者删去不用的草稿"):
        keeping(lambda drafts: save(drafts, new_id="d3"))
    with pytest.raises(DraftsFull):
        keeping(lambda drafts: save(drafts, "x", expected=1))
    assert keeping(lambda drafts: save(drafts, "d1", expected=1)).version == 2
    keeping(lambda drafts: discard(drafts, "d2"))
    assert keeping(lambda drafts: save(drafts, new_id="d3")).version == 1


def test_the_bound_is_a_thousand(keeping):
    assert domain.MOST_OF_BODY == 1000

    def fill(drafts):
        for number in range(1000):
            drafts.save(domain.begin(f"n{number}", content(), now=NOW))

    keeping(fill)
    assert keeping(lambda drafts: drafts.count(DEPARTMENT)) == 1000
    with pytest.raises(DraftsFull, match="1000 份"):
        keeping(save)


def test_drafts_tell_no_facts_and_the_audit_names_them_without_what_they_say(database, committed):
    mongo_store.ensure(database)
    committed(lambda unit: save(MongoDrafts(unit), task_name="机密的名称"))
    committed(lambda unit: discard(MongoDrafts(unit)))
    assert database["events"].count_documents({}) == 0
    assert list(mongo_store.snapshot(database)) == []
    rows = list(database["audit"].find())
    assert [row["subjects"] for row in rows] == [["draft/d1"]] * 2
    assert "机密" not in str(rows)


def test_mongodb_removes_what_has_expired_by_itself(database):
    mongo_store.ensure(database)
    kept = database[DRAFTS].index_information()["kept"]
    assert (kept["key"], kept["expireAfterSeconds"]) == ([("expire_time", 1)], 0)


class Listening(CommandListener):
    """What is asked of the collection of drafts."""

    def __init__(self):
        self.asked = []

    def started(self, event):
        name, command = event.command_name, event.command
        if name in ("find", "aggregate") and command[name] == DRAFTS:
            told = (name, "filter", "sort", "limit", "pipeline")
            self.asked.append({one: command[one] for one in told if one in command})

    def succeeded(self, event): ...

    def failed(self, event): ...


def test_every_question_has_its_index(mongodb_uri, database, committed):
    mongo_store.ensure(database)

    def fill(unit):
        for number in range(120):
            body = DEPARTMENT if number % 3 else ANOTHER
            region = (KUNMING, WUHUA, QUJING)[number % 3]
            now = NOW + timedelta(seconds=number)
            draft = domain.begin(f"d{number}", content(dept_code=body, region_code=region), now=now)
            MongoDrafts(unit).save(draft)

    committed(fill)
    listening = Listening()
    with MongoClient(mongodb_uri, tz_aware=True, event_listeners=[listening]) as client:
        drafts = MongoDrafts(Unit(client[database.name], None, NOW))
        before = drafts.find("d100").place
        for scope in (
            Scope(),
            Scope(DEPARTMENT),
            Scope(DEPARTMENT, KUNMING),
            Scope("", KUNMING),
        ):
            for place in ("", before):
                assert len(drafts.page(scope, before=place, size=5)) == 5
        assert drafts.count(DEPARTMENT) == 80
    assert len(listening.asked) == 10
    for asked in listening.asked:
        cursor = {"cursor": {}} if "aggregate" in asked else {}
        explained = database.command("explain", asked | cursor, verbosity="executionStats")
        plan = explained["stages"][0]["$cursor"] if "stages" in explained else explained
        stages = str(plan["queryPlanner"]["winningPlan"])
        assert "COLLSCAN" not in stages, asked
        assert "'SORT'" not in stages, asked
        examined = plan["executionStats"]["totalDocsExamined"]
        assert examined <= (80 if cursor else plan["executionStats"]["nReturned"] + 1), asked
