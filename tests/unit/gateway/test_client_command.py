"""`zhengtong client make --key-file`: a key is shown once, so the file has to be there before."""

import pytest
from typer.testing import CliRunner
from zhengtong.identity.v1 import identity_service_pb2 as pb

from gateway.cli import access
from gateway.cli.saying import WRONG_USE

WORDS = ["make", "--name", "系统", "--department", "d", "--region", "r", "--all-rights"]


@pytest.fixture
def asked(monkeypatch):
    """What identity was asked; its answer is always the same."""
    calls = []

    def ask(method, request):
        calls.append(method)
        return pb.MakeClientResponse(key="zt_c1_secret")

    monkeypatch.setattr(access, "_ask", ask)
    return calls


def make(path):
    return CliRunner().invoke(access.clients, [*WORDS, "--key-file", str(path)])


def test_the_key_is_in_a_file_that_only_its_owner_reads(tmp_path, asked):
    path = tmp_path / "api.key"
    assert make(path).exit_code == 0
    assert path.read_text() == "zt_c1_secret\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["api.key"]


def test_no_client_is_made_where_the_file_cannot_be_written(tmp_path, asked):
    done = make(tmp_path / "nowhere" / "api.key")
    assert done.exit_code == WRONG_USE
    assert "无法写入" in done.stderr
    assert asked == []


def test_a_refusal_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "api.key"
    path.write_text("old")

    def refuse(method, request):
        raise SystemExit(1)

    monkeypatch.setattr(access, "_ask", refuse)
    assert make(path).exit_code == 1
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["api.key"]
