"""Packages: whole ones verify, and any change to one is found; by us and by the script in docs."""

import importlib.util
import json
import subprocess
import sys
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from infra.local.stack import REPOSITORY
from services.common import audit
from services.common.audit import heads, packages
from services.common.audit.merkle import EMPTY, Growing, leaf_hash
from services.common.audit.packages import PackageUnreadable
from services.common.audit.records import canonical
from services.common.callers import Caller
from tests.conftest import NOW

SCRIPT = REPOSITORY / "docs" / "verify_audit.py"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


def stand_alone():
    spec = importlib.util.spec_from_file_location("verify_audit", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fault_of = stand_alone().fault_of


def record(number):
    row = audit.row(
        caller=Caller("window-3", "operator", purpose="核对“材料”\n第二行"),
        call="zhengtong.catalogue.v1.CatalogueService.GetItem",
        subjects=[f"事项-{number}", "\u2028\x7f"],
        request_id="",
        traceparent="",
        now=NOW + timedelta(milliseconds=number),
        act="look",
    )
    return canonical(row)


def head_for(records, *, department="catalogue", key=KEY):
    growing = Growing()
    for one in records:
        growing.add(leaf_hash(one))
    return heads.sign(key, department, growing.size, growing.root(), NOW)


def package(path, records, head=None):
    lines = [packages.head_line(head or head_for(records)).encode(), *records]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / "package.jsonl"


@pytest.mark.parametrize("count", [0, 1, 2, 7, 64, 257])
def test_a_package_as_it_was_exported_verifies(file, count):
    package(file, [record(number) for number in range(count)])
    assert packages.check(file, trusted=PUBLIC) == packages.Faults((), count)
    assert fault_of(file, PUBLIC.hex()) == ""


def test_no_record_has_an_end_of_line_in_it():
    assert b"\n" not in record(1)
    assert b"\r" not in record(1)


def test_every_single_byte_of_every_record_of_a_small_package_counts(file):
    records = [record(number) for number in range(3)]
    package(file, records)
    whole = file.read_bytes()
    begin = whole.index(b"\n") + 1
    for place in range(begin, len(whole) - 1):
        for mask in (0x01, 0x20, 0x80, whole[place] ^ 0x0A or 0xFF):
            changed = bytearray(whole)
            changed[place] ^= mask
            file.write_bytes(changed)
            assert packages.check(file).texts, (place, mask)
            assert fault_of(file), (place, mask)


@given(st.integers(1, 40), st.data())
def test_any_byte_of_any_record_changed_gone_or_added_is_found(tmp_path_factory, count, data):
    file = package(tmp_path_factory.mktemp("p") / "p.jsonl", [record(n) for n in range(count)])
    whole = file.read_bytes()
    begin = whole.index(b"\n") + 1
    place = data.draw(st.integers(begin, len(whole) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != whole[place]))
    for changed in (
        whole[:place] + bytes([byte]) + whole[place + 1 :],
        whole[:place] + whole[place + 1 :],
        whole[:place] + bytes([byte]) + whole[place:],
    ):
        file.write_bytes(changed)
        assert packages.check(file).texts
        assert fault_of(file)


@pytest.mark.parametrize(
    "changed",
    [
        lambda records: records[:-1],
        lambda records: [*records, records[-1]],
        lambda records: [records[1], records[0], *records[2:]],
        lambda records: [*records[:2], records[3], *records[3:]],
        lambda records: [],
        lambda records: [*records, b""],
    ],
)
def test_records_left_out_repeated_or_in_another_order_are_found(file, changed):
    records = [record(number) for number in range(6)]
    package(file, changed(records), head_for(records))
    assert packages.check(file).texts
    assert fault_of(file)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("department", "credit"),
        ("tree_size", 4),
        ("root_hash", EMPTY.hex()),
        ("signed_time", "2026-11-23T02:00:00.001Z"),
        ("signature", "00" * 64),
        ("signature", "00"),
        ("public_key", "11" * 32),
    ],
)
def test_whatever_is_changed_in_the_head_is_found(file, name, value):
    records = [record(number) for number in range(5)]
    said = json.loads(packages.head_line(head_for(records))) | {name: value}
    package(file, records)
    rest = file.read_bytes().partition(b"\n")[2]
    file.write_bytes(json.dumps(said).encode() + b"\n" + rest)
    assert packages.check(file).texts
    assert fault_of(file)


def test_a_package_made_anew_with_another_key_is_found_by_the_key_one_trusts(file):
    records = [record(number) for number in range(5)]
    package(file, records, head_for(records, key=Ed25519PrivateKey.generate()))
    assert packages.check(file).texts == ()
    assert packages.check(file, trusted=PUBLIC).texts
    assert fault_of(file, PUBLIC.hex())


def test_a_package_continues_an_older_head_or_says_what_does_not(file):
    records = [record(number) for number in range(9)]
    package(file, records)
    for size in (0, 1, 5, 8, 9):
        assert packages.check(file, since=head_for(records[:size])).texts == ()
    another = [*records[:3], record(99), *records[4:]]
    for old in (
        head_for(another[:5]),
        head_for([*records, record(10)]),
        head_for(records[:5], department="credit"),
    ):
        assert packages.check(file, since=old).texts
    unsigned = head_for(records[:5])
    forged = heads.Head("catalogue", 5, unsigned.root, unsigned.time, PUBLIC, b"\0" * 64)
    assert packages.check(file, since=forged).texts


@pytest.mark.parametrize("raw", [b"", b"\n", b"[]\n", b"{}\n", b'{"format":"x"}\n', b"\xff\n"])
def test_what_is_no_package_is_said_to_be_none(file, raw):
    file.write_bytes(raw)
    with pytest.raises(PackageUnreadable):
        packages.head_of(file)


def test_the_stand_alone_check_runs_by_itself_and_is_short(file):
    package(file, [record(number) for number in range(5)])
    assert ran(file) == (0, "")
    assert ran(file, PUBLIC.hex()) == (0, "")
    file.write_bytes(file.read_bytes().replace(b"window-3", b"window-4", 1))
    code, said = ran(file)
    assert code == 1
    assert said.startswith("NOT VALID: ")
    lines = [line for line in SCRIPT.read_text().splitlines() if line.strip()]
    assert len(lines) <= 50


def ran(*arguments):
    """With nothing of ours to import."""
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT, *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr
