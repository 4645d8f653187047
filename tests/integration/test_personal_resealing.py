"""Sealing anew on a real MongoDB: complete, resumable, and never over what others wrote."""

import base64
import os
import signal
import subprocess
import sys

import pytest

from services.common.personal import keys
from services.common.personal.resealing import SealedField, reseal
from services.common.personal.vault import KeyUnknown, NotOpened, Place, Vault

FIELDS = [SealedField("number", match="number_match"), SealedField("phone")]


def line(name, byte):
    return f"{name}:{base64.b64encode(bytes([byte]) * 32).decode()}"


def vault_of(*lines):
    return Vault(keys.read(keys.FILE, list(lines)))


OLD_LINES = (line("2026", 1), line("match", 8))
NEW_LINES = (line("2027", 2), line("2026", 1), line("match", 9), line("match", 8))
OLD, NEW = vault_of(*OLD_LINES), vault_of(*NEW_LINES)
ONLY_NEW = vault_of(line("2027", 2), line("match", 9))


def place(record, field):
    return Place("persons", field, record)


def person(vault, at, **others):
    record = f"p{at:04}"
    return {
        "_id": record,
        "number": vault.seal(number(at), place=place(record, "number")),
        "number_match": vault.match(number(at)),
        "phone": vault.seal(f"138{at:08}", place=place(record, "phone")),
        "version": 1,
        **others,
    }


def number(at):
    return f"53010219850101{at:04}"


@pytest.fixture
def persons(database):
    collection = database["persons"]
    collection.insert_many([person(OLD, at) for at in range(50)])
    return collection


def shown(vault, persons):
    """Everything in the collection, opened."""
    return {
        record["_id"]: tuple(
            vault.open(record[name], place=place(record["_id"], name))
            for name in ("number", "phone")
        )
        for record in persons.find()
    }


EVERYONE = {f"p{at:04}": (number(at), f"138{at:08}") for at in range(50)}


@pytest.mark.rule("P-21")
@pytest.mark.rule("P-22")
def test_after_a_walk_the_old_keys_are_needed_no_more(persons):
    done = reseal(persons, FIELDS, NEW, batch=7)

    assert (done.records, done.values, done.resealed) == (50, 100, 100)
    assert (done.missed, done.unopened, done.finished, done.clean) == (0, 0, True, False)
    assert shown(ONLY_NEW, persons) == EVERYONE
    for at in range(50):
        found = persons.find_one({"number_match": ONLY_NEW.match(number(at))})
        assert found["_id"] == f"p{at:04}"
    with pytest.raises(KeyUnknown):
        shown(OLD, persons)


def test_a_second_walk_writes_nothing_and_says_so(persons):
    reseal(persons, FIELDS, NEW)
    before = list(persons.find())

    again = reseal(persons, FIELDS, NEW)

    assert again.clean
    assert list(persons.find()) == before


def test_with_the_newest_key_alone_changed_matches_are_left_as_they_are(persons):
    newer = vault_of(line("2027", 2), *OLD_LINES)
    reseal(persons, FIELDS, newer)
    assert persons.find_one({"number_match": OLD.match(number(3))})["_id"] == "p0003"


def test_with_the_match_key_alone_changed_matches_are_made_anew_and_seals_stay(persons):
    before = {record["_id"]: record["number"] for record in persons.find()}
    newer = vault_of(line("2026", 1), line("match", 9), line("match", 8))

    done = reseal(persons, FIELDS, newer)

    assert done.resealed == 50
    assert {record["_id"]: record["number"] for record in persons.find()} == before
    assert persons.find_one({"number_match": newer.match(number(3))})["_id"] == "p0003"


def test_during_the_walk_old_and_new_records_are_found_by_their_number(persons):
    reseal(persons, FIELDS, NEW, limit=20)
    for at in (3, 40):
        found = persons.find_one({"number_match": {"$in": list(NEW.matches(number(at)))}})
        assert found["_id"] == f"p{at:04}"
    assert shown(NEW, persons) == EVERYONE


def test_a_walk_has_bounds_and_goes_on_where_it_ended(persons):
    first = reseal(persons, FIELDS, NEW, limit=20, batch=8)
    assert (first.records, first.finished, first.after) == (20, False, "p0019")

    second = reseal(persons, FIELDS, NEW, after=first.after)

    assert (second.records, second.resealed, second.finished) == (30, 60, True)
    assert shown(ONLY_NEW, persons) == EVERYONE


def test_a_batch_of_nothing_is_refused(persons):
    with pytest.raises(ValueError, match="a batch of 0 records"):
        reseal(persons, FIELDS, NEW, batch=0)


def test_the_walk_reads_by_the_index_of_ids_and_nothing_but_what_it_needs(persons, database):
    database.command("profile", 2)
    reseal(persons, FIELDS, NEW, batch=10)
    database.command("profile", 0)
    asked = list(database["system.profile"].find({"op": "query", "ns": persons.full_name}))
    assert len(asked) == 6
    assert {one["planSummary"] for one in asked} == {"IXSCAN { _id: 1 }"}
    assert max(one["docsExamined"] for one in asked) == 10


KILLED = """
import sys
from pymongo import MongoClient
from services.common.personal import keys, resealing
from services.common.personal.vault import Vault
from tests.integration.test_personal_resealing import FIELDS

collection = MongoClient(sys.argv[1])[sys.argv[2]]["persons"]
vault = Vault.from_env()
done = None
while True:
    done = resealing.reseal(collection, FIELDS, vault, limit=10, after=done and done.after)
    print(done.after, flush=True)
    sys.stdin.readline()
"""


def test_killed_in_the_middle_it_is_begun_anew_and_everything_opens_at_every_moment(
    persons, database, mongodb_uri
):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, mongodb_uri, database.name],
        env={**os.environ, keys.VALUE: " ".join(NEW_LINES)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "p0009\n"
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "p0019\n"
        process.send_signal(signal.SIGKILL)

    assert shown(NEW, persons) == EVERYONE
    done = reseal(persons, FIELDS, NEW)
    assert (done.records, done.resealed, done.finished) == (50, 60, True)
    assert shown(ONLY_NEW, persons) == EVERYONE


class Interrupted(Vault):
    """A vault in front of which somebody else writes, once."""

    __slots__ = ("meanwhile",)

    def seal(self, text, *, place):
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return super().seal(text, place=place)


def interrupted(meanwhile):
    vault = Interrupted(keys.read(keys.FILE, list(NEW_LINES)))
    vault.meanwhile = meanwhile
    return vault


def test_what_somebody_else_writes_at_the_same_moment_is_not_lost(persons):
    moved = {
        **person(OLD, 0),
        "number": OLD.seal("53010219990101002X", place=place("p0000", "number")),
    }
    moved["number_match"] = OLD.match("53010219990101002X")

    done = reseal(
        persons, FIELDS, interrupted(lambda: persons.replace_one({"_id": "p0000"}, moved))
    )

    assert (done.resealed, done.missed, done.clean) == (98, 2, False)
    expected = {**EVERYONE, "p0000": ("53010219990101002X", "13800000000")}
    assert shown(NEW, persons) == expected
    again = reseal(persons, FIELDS, NEW)
    assert (again.resealed, again.missed) == (2, 0)
    assert shown(ONLY_NEW, persons) == expected


def test_what_is_erased_at_the_same_moment_does_not_come_back(persons):
    erase = {"$unset": {"number": "", "number_match": ""}}
    done = reseal(persons, FIELDS, interrupted(lambda: persons.update_one({"_id": "p0000"}, erase)))
    assert done.missed == 1
    assert persons.find_one({"_id": "p0000"}).keys() == {"_id", "phone", "version"}


def test_other_fields_that_change_at_the_same_moment_keep_their_change(persons):
    change = {"$set": {"version": 2, "name": "张三"}}
    done = reseal(
        persons, FIELDS, interrupted(lambda: persons.update_one({"_id": "p0000"}, change))
    )
    assert done.missed == 0
    assert persons.find_one({"_id": "p0000"})["name"] == "张三"


def test_one_that_does_not_open_is_told_by_its_id_and_holds_nothing_up(persons):
    swapped = persons.find_one({"_id": "p0001"})["number"]
    persons.update_one({"_id": "p0002"}, {"$set": {"number": swapped}})
    persons.insert_one({"_id": "p0099", "number": "530102198501010099"})
    persons.insert_one({"_id": "p0100", "version": 1})

    done = reseal(persons, FIELDS, NEW)

    assert (done.records, done.resealed, done.unopened) == (52, 99, 2)
    assert done.unopened_ids == ("p0002", "p0099")
    assert not reseal(persons, FIELDS, NEW).clean
    with pytest.raises(NotOpened):
        NEW.open(persons.find_one({"_id": "p0002"})["number"], place=place("p0002", "number"))


def run(database, mongodb_uri, *words):
    return subprocess.run(
        [sys.executable, "-m", "services.common.personal.resealing", database.name, *words],
        env={**os.environ, "MONGODB_URI": mongodb_uri, keys.VALUE: " ".join(NEW_LINES)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_succeeds_once_nothing_is_left(persons, database, mongodb_uri):
    words = ("persons", "number=number_match", "phone")

    first, second = (run(database, mongodb_uri, *words) for _ in range(2))

    assert (first.returncode, second.returncode) == (1, 0)
    assert "50 条记录，100 个密文，重新加密 100，" in first.stdout
    assert "重新加密 0，他人同时改动 0，无法解密 0。" in second.stdout
    assert first.stderr == second.stderr == ""
    assert shown(ONLY_NEW, persons) == EVERYONE


def test_the_command_says_that_a_field_it_was_told_holds_nothing(persons, database, mongodb_uri):
    mistyped = run(database, mongodb_uri, "persons", "numbr")
    assert mistyped.returncode == 1
    assert "没有找到密文" in mistyped.stderr
    assert run(database, mongodb_uri).returncode == 2
