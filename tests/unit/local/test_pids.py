import dataclasses
import json
import os
import signal
import subprocess
import sys

import pytest

from infra.local import pids

# Waits for a signal; the alarm ends it where no test does.
SLEEP = [
    *(sys.executable, "-c"),
    "import signal; print('up', flush=True); signal.alarm(600); signal.pause()",
]


def begin(**variables):
    process = subprocess.Popen(
        SLEEP, stdout=subprocess.PIPE, env={**os.environ, **variables}, start_new_session=True
    )
    assert process.stdout.readline() == b"up\n"
    return process


@pytest.fixture
def sleeper():
    process = begin()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_process_is_recalled_by_name_while_it_runs_and_not_after(tmp_path, sleeper):
    pids.remember(tmp_path, "worker", sleeper.pid)
    assert pids.recall(tmp_path, "worker").pid == sleeper.pid

    sleeper.kill()
    sleeper.wait()
    assert pids.recall(tmp_path, "worker") is None


def test_a_process_that_has_ended_but_was_not_waited_for_does_not_run(sleeper):
    identity = pids.identify(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)

    assert not identity.alive()


def test_a_stale_pid_file_never_kills_a_stranger(tmp_path, sleeper):
    pids.remember(tmp_path, "worker", sleeper.pid)
    row = json.loads((tmp_path / "worker.json").read_text())
    (tmp_path / "worker.json").write_text(json.dumps({**row, "started": row["started"] - 1}))

    assert pids.recall(tmp_path, "worker") is None
    assert pids.sweep(tmp_path, "no such run") == []
    assert sleeper.poll() is None
    assert list(tmp_path.iterdir()) == []


def test_a_pid_file_from_before_the_last_boot_names_nobody(tmp_path, sleeper):
    pids.remember(tmp_path, "worker", sleeper.pid)
    row = json.loads((tmp_path / "worker.json").read_text())
    (tmp_path / "worker.json").write_text(json.dumps({**row, "boot": "an earlier one"}))

    assert pids.recall(tmp_path, "worker") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x", "started": 1, "boot": ""}'])
def test_a_broken_pid_file_names_nobody(tmp_path, text):
    (tmp_path / "worker.json").write_text(text)

    assert pids.recall(tmp_path, "worker") is None


def test_a_signal_goes_to_the_very_process_only(sleeper):
    identity = pids.identify(sleeper.pid)
    stranger = dataclasses.replace(identity, started=identity.started + 1)

    assert not stranger.signal(signal.SIGKILL)
    assert sleeper.poll() is None
    assert identity.signal(signal.SIGTERM)
    assert sleeper.wait(10) == -signal.SIGTERM


def test_what_an_earlier_run_left_is_killed_by_its_mark_and_nothing_else(tmp_path):
    ours = begin(**{pids.MARK: str(tmp_path)})
    theirs = begin(**{pids.MARK: f"{tmp_path}-other"})
    try:
        killed = pids.sweep(tmp_path, str(tmp_path))

        assert [identity.pid for identity in killed] == [ours.pid]
        assert ours.wait(10) == -signal.SIGKILL
        assert theirs.poll() is None
    finally:
        for process in (ours, theirs):
            process.kill()
            process.wait()
            process.stdout.close()


def test_a_sweep_spares_the_one_who_sweeps(tmp_path):
    pids.remember(tmp_path, "supervisor", os.getpid())

    assert pids.sweep(tmp_path, "no such run") == []
