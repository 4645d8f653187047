"""The users of the two servers as data: passwords, and who may do what."""

import base64
import hashlib
import json
import re
import stat

import pytest

from infra.local import users
from services.common.settings import DEPARTMENTS, user_of

TOPOLOGY = json.loads(users.TOPOLOGY.read_text())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def everything(folder):
    return {path: path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_first_start_makes_a_password_for_every_user_that_only_the_owner_can_read(tmp_path):
    assert users.ensure_files(tmp_path / "secrets")

    made = everything(tmp_path / "secrets")
    assert {mode(path) for path in made} == {0o600}
    assert mode(tmp_path / "secrets") == mode(tmp_path / "secrets" / "departments") == 0o700
    passwords = [text for path, text in made.items() if path.name != "definitions.json"]
    assert len(passwords) == len(set(passwords)) == 2 * len(DEPARTMENTS) + 3
    assert {len(word) for word in passwords} == {64}  # 256 bits


def test_the_departments_folder_holds_their_passwords_and_no_others(tmp_path):
    users.ensure_files(tmp_path)
    names = {path.name for path in (tmp_path / "departments").iterdir()}
    assert names == {f"{name}.{server}" for name in DEPARTMENTS for server in users.SERVERS}


def test_a_second_start_keeps_every_password(tmp_path):
    users.ensure_files(tmp_path)
    before = everything(tmp_path)
    assert not users.ensure_files(tmp_path)
    after = everything(tmp_path)
    for path, text in before.items():
        assert path.name == "definitions.json" or after[path] == text


def test_nothing_is_made_for_a_server_that_somebody_else_runs(tmp_path):
    users.ensure_files(tmp_path, [users.AMQP])
    assert list(tmp_path.rglob("*.mongo")) == []
    assert not users.key_file(tmp_path).exists()


def test_the_definitions_hold_hashes_of_the_passwords_and_never_one_itself(tmp_path):
    users.ensure_files(tmp_path)
    text = users.definitions_file(tmp_path).read_text()
    for row in json.loads(text)["users"]:
        owner = row["name"].removeprefix("zt_")
        word = users.password(tmp_path, owner, users.AMQP)
        assert word not in text
        hashed = base64.b64decode(row["password_hash"])
        assert hashed == hashed[:4] + hashlib.sha256(hashed[:4] + word.encode()).digest()
    assert "guest" not in text


@pytest.mark.parametrize("department", DEPARTMENTS)
def test_a_department_configures_and_writes_what_is_its_own_and_nothing_else(department):
    may = users.rights(TOPOLOGY, department)
    own = {f"{department}.events", f"{department}.retry"}
    own |= {row["name"] for row in TOPOLOGY["queues"] if row["department"] == department}
    there = {row["name"] for kind in ("queues", "exchanges") for row in TOPOLOGY[kind]}
    for right in ("configure", "write"):
        assert {name for name in there if re.search(may[right], name)} == own
        assert not re.search(may[right], "amq.default")


@pytest.mark.parametrize("department", DEPARTMENTS)
def test_a_department_reads_its_own_queues_and_the_exchanges_that_they_are_bound_to(department):
    own = {row["name"] for row in TOPOLOGY["queues"] if row["department"] == department}
    heard = {row["exchange"] for row in TOPOLOGY["bindings"] if row["queue"] in own}
    there = {row["name"] for kind in ("queues", "exchanges") for row in TOPOLOGY[kind]}
    may = users.rights(TOPOLOGY, department)["read"]
    wanted = own | heard | {f"{department}.retry"}
    assert {name for name in there if re.search(may, name)} == wanted


@pytest.mark.parametrize(
    "name",
    [
        "evt-a-x--credit.y--websites.z",
        "evt-a-x--websites.y--credit.z",
        "redacted-a--websites--credit",
        "xredacted-a--websites",
        "websites.eventsx",
        "websitesxevents",
    ],
)
def test_no_name_can_be_made_that_passes_for_one_of_another_department(name):
    for right in users.rights(TOPOLOGY, "websites").values():
        assert not re.search(right, name)


def test_the_queue_of_a_handler_that_is_gone_can_still_be_removed():
    may = users.rights(TOPOLOGY, "websites")
    gone = "evt-catalogue-zhengtong.catalogue.v1.ItemPublished--websites.a_handler_that_was"
    assert re.search(may["configure"], gone)


def test_the_script_for_another_mongodb_makes_each_department_and_no_administrator(
    tmp_path, capsys
):
    assert users.main(["mongosh", str(tmp_path)]) == 0
    script = capsys.readouterr().out
    for name in DEPARTMENTS:
        assert f'createUser({{user: "{user_of(name)}"' in script
        assert f'"roles": [{{"role": "readWrite", "db": "zt_{name}"}}]' in script
    assert users.ADMIN not in script


def test_what_another_rabbitmq_imports_has_each_department_and_no_administrator(tmp_path, capsys):
    assert users.main(["definitions", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    everyone = {user_of(name) for name in DEPARTMENTS}
    assert {row["name"] for row in told["users"]} == everyone
    assert {row["user"] for row in told["permissions"]} == everyone
    assert len(told["queues"]) == len(TOPOLOGY["queues"])
    assert list(tmp_path.rglob("*.mongo")) == []


def test_a_mongodb_that_does_not_answer_is_told_by_the_exit_code(tmp_path, capsys):
    users.ensure_files(tmp_path)
    assert users.main(["mongo", "127.0.0.1:1", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert "refused" in told.err
    assert told.out == ""
