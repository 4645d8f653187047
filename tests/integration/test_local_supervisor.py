"""The supervisor with small stand-ins for the platform's processes."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.local import pids
from infra.local.background import read_status
from infra.local.layout import Layout

# The supervisor under test runs as it does in life: in a process of its own, with one thread.
DRIVER = """
import json, os, sys
from pathlib import Path
from infra.local.layout import Layout
from infra.local.plan import Process
from infra.local.progress import Progress
from infra.local.supervisor import Supervisor

layout = Layout(Path(sys.argv[1]))
layout.make()
parent = os.getppid() if sys.argv[3:] else None
processes = [Process(**row) for row in json.loads(sys.argv[2])]
with Supervisor(layout, Progress(), os.environ, parent=parent) as supervisor:
    supervisor.start(processes)
    supervisor.announce("ready")
    supervisor.run_until(lambda: False)
"""
# Waits for a signal; the alarm ends it where no test does.
WAIT = "signal.alarm(600); signal.pause()"
STAY = f"import signal; print('up', flush=True); {WAIT}"
FALL = "import time; print(time.monotonic(), flush=True); raise SystemExit(3)"
STUBBORN = "import signal; signal.signal(15, signal.SIG_IGN);" + STAY
# Starts a process that knows nothing of the supervisor, and goes on.
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STAY!r}]);" + STAY


def python(code):
    return [sys.executable, "-c", code]


def telling(name):
    """Writes down when it was told to stop, and stops."""
    return python(
        "import signal, sys\n"
        "def stop(*_):\n"
        f"    open('stopped', 'a').write('{name} '); sys.exit(0)\n"
        "signal.signal(15, stop)\n"
        "print('up', flush=True)\n"
        f"{WAIT}"
    )


class Run:
    """A supervisor in a process of its own."""

    def __init__(self, folder: Path, *processes: dict, follow: bool = False):
        self.layout = Layout(folder)
        self.mark = str(folder)
        words = [json.dumps(processes)] + ["follow"] * follow
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(folder), *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def rows(self):
        return {row["name"]: row for row in read_status(self.layout)["processes"]}

    def log(self, name):
        file = self.layout.logs / f"{name}.log"
        return file.read_text().splitlines() if file.exists() else []

    def left(self):
        return list(pids.marked(self.mark))

    def stop(self):
        self.process.terminate()
        return self.finish()

    def finish(self):
        words, _ = self.process.communicate(timeout=30)
        return words


def wait(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


@pytest.fixture
def run(tmp_path):
    runs = []

    def begin(*processes, **options):
        runs.append(Run(tmp_path, *processes, **options))
        return runs[-1]

    yield begin
    for each in runs:
        each.process.kill()
        each.process.communicate()
    pids.sweep(tmp_path / "pids", str(tmp_path))


def test_a_killed_process_comes_back_under_a_new_pid(run):
    supervised = run({"name": "worker", "command": python(STAY)})
    wait(lambda: supervised.log("worker") == ["up"])
    first = pids.recall(supervised.layout.pids, "worker")

    first.signal(signal.SIGKILL)

    wait(lambda: supervised.log("worker") == ["up", "up"])
    second = wait(lambda: pids.recall(supervised.layout.pids, "worker"))
    assert second != first
    assert supervised.rows()["worker"]["restarts"] == 1
    assert "被信号 9 结束" in supervised.stop()


def test_a_process_that_falls_again_and_again_is_started_after_growing_pauses(run):
    supervised = run({"name": "worker", "command": python(FALL)})
    wait(lambda: len(supervised.log("worker")) >= 5)
    times = [float(line) for line in supervised.log("worker")]

    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert pauses[0] >= 0.2
    assert pauses[1] >= 0.4
    assert pauses[2] >= 0.8
    assert pauses[3] >= 1.6
    assert "退出码 3" in supervised.stop()


def test_a_command_that_does_not_exist_does_not_take_the_others_down(run, tmp_path):
    script = tmp_path / "tool"
    script.write_text("#!/bin/sh\nexec sleep 600\n")
    script.chmod(0o755)
    supervised = run(
        {"name": "other", "command": python(STAY)}, {"name": "tool", "command": [str(script)]}
    )
    tool = wait(lambda: pids.recall(supervised.layout.pids, "tool"))
    script.unlink()
    tool.signal(signal.SIGKILL)
    wait(lambda: supervised.rows().get("tool", {"restarts": 0})["restarts"] >= 2)

    assert supervised.log("other") == ["up"]
    script.write_text("#!/bin/sh\nexec sleep 600\n")
    script.chmod(0o755)
    wait(lambda: pids.recall(supervised.layout.pids, "tool"))
    assert "无法启动" in supervised.stop()


def test_a_stop_goes_from_the_highest_stage_to_the_lowest_and_leaves_nobody(run, tmp_path):
    names = {"mongo": 0, "servicer": 1, "gateway": 3}
    supervised = run(
        *({"name": name, "command": telling(name), "stage": stage} for name, stage in names.items())
    )
    wait(lambda: all(supervised.log(name) == ["up"] for name in names))

    supervised.stop()

    assert supervised.process.returncode == 0
    assert (tmp_path / "stopped").read_text().split() == ["gateway", "servicer", "mongo"]
    assert supervised.left() == []
    assert list((tmp_path / "pids").iterdir()) == []


def test_who_does_not_stop_when_told_is_killed(run):
    supervised = run({"name": "worker", "command": python(STUBBORN), "patience": 0.5})
    wait(lambda: supervised.log("worker") == ["up"])

    assert "没有按时停下" in supervised.stop()
    assert supervised.left() == []


def test_who_is_only_just_starting_and_did_not_hear_is_told_again(run):
    code = (
        "import signal\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [15]); print('up', flush=True)\n"
        "signal.sigwait([15])\n"  # taken, and nothing done about it
        f"signal.pthread_sigmask(signal.SIG_UNBLOCK, [15]); {WAIT}"
    )
    supervised = run({"name": "rabbit", "command": python(code), "says": "never said"})
    wait(lambda: supervised.log("rabbit") == ["up"])

    begun = time.monotonic()
    said = supervised.stop()

    assert supervised.process.returncode == 0, said
    assert "没有按时停下" not in said
    assert time.monotonic() - begun < 10
    assert supervised.left() == []


def test_a_suspended_process_is_woken_to_hear_that_it_must_stop(run, tmp_path):
    supervised = run({"name": "relay", "command": telling("relay")})
    wait(lambda: supervised.log("relay") == ["up"])
    pids.recall(supervised.layout.pids, "relay").signal(signal.SIGSTOP)

    assert "没有按时停下" not in supervised.stop()
    assert (tmp_path / "stopped").read_text() == "relay "


def test_what_a_killed_process_had_started_is_ended_before_it_comes_back(run):
    supervised = run({"name": "gateway", "command": python(PARENT)})
    wait(lambda: supervised.log("gateway") == ["up", "up"])
    before = {each.pid for each in supervised.left()}
    pids.recall(supervised.layout.pids, "gateway").signal(signal.SIGKILL)

    wait(lambda: supervised.log("gateway") == ["up"] * 4)

    after = {each.pid for each in supervised.left()}
    assert len(before) == len(after) == 2
    assert not before & after


def test_a_process_is_ready_when_its_log_says_so_and_anew_after_each_start(run, tmp_path):
    code = (
        "import signal\n"
        "open('go').close()\n"  # a pipe: until the test opens the other end
        f"print('ready worker', flush=True); {WAIT}"
    )
    os.mkfifo(tmp_path / "go")
    supervised = run({"name": "worker", "command": python(code), "says": "ready worker"})
    wait(lambda: supervised.rows().get("worker", {}).get("state") == "starting")
    (tmp_path / "go").write_text("")
    wait(lambda: supervised.rows()["worker"]["state"] == "ready")

    pids.recall(supervised.layout.pids, "worker").signal(signal.SIGKILL)
    wait(lambda: supervised.rows()["worker"]["restarts"] == 1)
    wait(lambda: supervised.rows()["worker"]["state"] == "starting")
    (tmp_path / "go").write_text("")
    wait(lambda: supervised.rows()["worker"]["state"] == "ready")
    assert supervised.rows()["worker"]["restarts"] == 1


def test_nothing_outlives_a_killed_supervisor(run):
    supervised = run(
        {"name": "worker", "command": python(STAY)},
        {"name": "relay", "command": python(STUBBORN)},
    )
    wait(lambda: supervised.log("worker") == supervised.log("relay") == ["up"])

    supervised.process.kill()

    wait(lambda: not supervised.left())
    assert supervised.log("worker") == supervised.log("relay") == ["up"], "none was started again"


def test_what_a_killed_supervisor_could_not_take_along_is_swept_at_the_next_start(run, tmp_path):
    supervised = run({"name": "gateway", "command": python(PARENT)})
    wait(lambda: supervised.log("gateway") == ["up", "up"])
    supervised.process.kill()
    wait(lambda: len(supervised.left()) == 1)

    killed = pids.sweep(tmp_path / "pids", str(tmp_path))

    assert len(killed) == 1
    wait(lambda: supervised.left() == [])


def test_a_supervisor_of_a_test_run_that_was_killed_stops_by_itself(tmp_path):
    supervised = Run(tmp_path, {"name": "worker", "command": python(STAY)})
    wait(lambda: supervised.log("worker") == ["up"])
    supervised.stop()

    # A shell in between that ends at once: its child is given another parent.
    arguments = json.dumps([{"name": "worker", "command": python(STAY)}])
    between = "import subprocess, sys; subprocess.Popen(sys.argv[1:]); input()"
    shell = subprocess.Popen(
        [sys.executable, "-c", between, sys.executable, "-c", DRIVER, tmp_path, arguments, "x"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
    )
    wait(lambda: supervised.log("worker") == ["up", "up"])
    shell.kill()
    shell.communicate()

    wait(lambda: pids.recall(supervised.layout.pids, "supervisor") is None)
    wait(lambda: not supervised.left())
    assert supervised.log("worker") == ["up", "up"], "none was started again"


def test_a_supervisor_is_small(run):
    supervised = run({"name": "worker", "command": python(STAY)})
    wait(lambda: supervised.log("worker") == ["up"])
    rollup = Path(f"/proc/{supervised.process.pid}/smaps_rollup").read_text()
    kilobytes = next(int(line.split()[1]) for line in rollup.splitlines() if "Pss:" in line)

    assert kilobytes < 25 * 1024
