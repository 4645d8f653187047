"""The contracts against those of the last release: what would break a caller is found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from infra.contracts import DESCRIPTORS

PROTOS = Path(__file__).resolve().parents[2] / "protos"
IMAGE = PROTOS / "image.binpb"
BUF = Path(sys.executable).with_name("buf")
ITEM = "zhengtong/catalogue/v1/catalogue.proto"
FACTS = "zhengtong/catalogue/v1/catalogue_events.proto"


@pytest.fixture
def copy(tmp_path):
    """The contracts as they are, to be changed."""
    copied = tmp_path / "protos"
    shutil.copytree(PROTOS, copied, ignore=shutil.ignore_patterns("gen", "examples"))
    return copied


def test_the_contracts_as_they_are_break_nothing():
    assert broken(PROTOS) == ""


def test_nothing_that_was_released_is_gone():
    """WIRE_JSON compares what is on both sides; this looks for what left."""
    released, current = declared(IMAGE), declared(DESCRIPTORS)
    assert len(released) > 100
    assert {name: current.get(name) for name in released} == released


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        (ITEM, "string task_name = 10;", "string task_name = 9;", '"task_name"'),
        (ITEM, "string task_name = 10;", "string name = 10;", '"task_name"'),
        (ITEM, "string task_name = 10;", "int64 task_name = 10;", '"task_name"'),
        (ITEM, "string task_name = 10;", "repeated string task_name = 10;", '"task_name"'),
        (ITEM, "  string task_name = 10;\n", "", '"task_name"'),
        (ITEM, "ITEM_STATE_WITHDRAWN = 2;", "ITEM_STATE_TAKEN_BACK = 2;", "ITEM_STATE_WITHDRAWN"),
        (FACTS, "int32 count = 2;", "string count = 2;", '"count"'),
    ],
    ids=["renumbered", "renamed", "retyped", "repeated", "removed", "enum renamed", "fact retyped"],
)
def test_a_change_that_breaks_a_caller_is_found(copy, file, before, after, said):
    change(copy / file, before, after)
    assert said in broken(copy)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("string task_name = 10;", "string task_name = 10;\n  // Added.\n  string added = 999;"),
        ("string task_name = 10;", 'reserved 10;\n  reserved "task_name";'),
    ],
    ids=["added", "reserved"],
)
def test_a_change_that_breaks_nobody_passes(copy, before, after):
    change(copy / ITEM, before, after)
    assert broken(copy) == ""


def test_a_contract_without_a_comment_is_found(copy):
    change(copy / ITEM, "message Fee {", "message Uncommented {}\n\nmessage Fee {")
    assert '"Fee" should have a non-empty comment' in buf(copy, "lint")


def declared(image):
    """Each message and call of ours by its full name, a call with its types and its routes."""
    found = {}
    for file in FileDescriptorSet.FromString(image.read_bytes()).file:
        if not file.name.startswith("zhengtong/"):
            continue
        found |= {f"{file.package}.{message.name}": "message" for message in file.message_type}
        for service in file.service:
            for method in service.method:
                rule = method.options.Extensions[annotations_pb2.http].SerializeToString()
                types = (method.input_type, method.output_type, method.server_streaming)
                found[f"{file.package}.{service.name}.{method.name}"] = (*types, rule)
    return found


def change(file, before, after):
    text = file.read_text("utf-8")
    assert text.count(before) == 1
    file.write_text(text.replace(before, after), "utf-8")


def broken(folder):
    """What `make lint` says of contracts that no longer fit those of the last release."""
    return buf(folder, "breaking", "--path", "zhengtong", "--against", "image.binpb")


def buf(folder, *arguments):
    done = subprocess.run(
        [BUF, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    assert (done.returncode == 0) == (done.stdout == "")
    return done.stdout
