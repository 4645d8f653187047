"""What the small profile costs a laptop, how soon it is up again, and that it leaves nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.local import pids
from infra.local.stack import Stack
from tests.e2e.city import WITHIN, command, running, text, titles

MEGABYTE = 1024  # kilobytes
MEMORY_MEGABYTES = 900  # of all processes, MongoDB and RabbitMQ too
WARM_SECONDS = 15.0
STOP_SECONDS = 60.0
WRONG = 2


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """The folder of a first start with the sample, and what its processes held in memory."""
    folder = tmp_path_factory.mktemp("laptop") / "run"
    with running(Stack(folder, sample=True)) as city:
        for question in ("食品经营许可", "昆明 供水", "有限公司"):
            assert titles(city.query(question))
        memory = held(city)
    return folder, memory


def held(city):
    """Proportional set size in MB of every process of a stack, by name.

    Stacks of other tests that run meanwhile share the pages of programs: some tens of MB less.
    """
    supervisor = city.stack.pid("supervisor")
    every = {supervisor: "supervisor"} | {
        identity.pid: Path(f"/proc/{identity.pid}/comm").read_text().strip()
        for identity in pids.marked(str(city.stack.plan.layout.root))
    }
    for name in city.stack.names:
        every[city.stack.pid(name)] = name
    return {f"{name} {pid}": pss(pid) for pid, name in every.items()}


def pss(pid):
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / MEGABYTE


def test_with_the_sample_everything_together_fits_into_900_mb(used):
    _, memory = used
    for name, megabytes in sorted(memory.items(), key=lambda row: -row[1]):
        sys.stdout.write(f"{name}: {megabytes:.0f} MB\n")
    total = sum(memory.values())
    sys.stdout.write(f"all: {total:.0f} MB\n")
    assert len(memory) >= 8  # the supervisor and its seven
    assert min(memory.values()) > 0
    assert total <= MEMORY_MEGABYTES


def test_a_warm_start_is_green_soon_and_finds_everything_again(used):
    folder, _ = used
    begun = time.monotonic()
    with running(Stack(folder, sample=True)) as city:
        took = time.monotonic() - begun
        sys.stdout.write(f"warm start: {took:.1f} s\n")
        assert city.http.get("/readyz").status_code == 200
        assert titles(city.query("食品经营许可"))
        assert "第一次启动" not in "".join(last_run(city))
    assert took <= WARM_SECONDS * WITHIN


def last_run(city):
    """What the supervisor said since it was last stopped."""
    lines = text(city.stack.log("supervisor")).splitlines()
    stops = [number for number, line in enumerate(lines) if "已全部停止" in line]
    return lines[stops[-1] + 1 :] if stops else lines


@pytest.fixture
def foreground(tmp_path):
    """`python -m infra.local run` as a terminal has it: a process group of its own."""
    stack = Stack(tmp_path / "run")
    started = []

    def begin(*words, **variables):
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "infra.local", "run", *words],
                env=stack._environment | variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        )
        return started[-1]

    begin.stack = stack
    yield begin
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    pids.sweep(stack.plan.layout.pids, str(stack.plan.layout.root))
    stack.stop()


def test_ctrl_c_ends_all_that_was_started_and_says_so(foreground):
    process = foreground("--no-sample")
    said = until_said(process, foreground.stack.base_url)
    assert "全部就绪" in said
    mark = str(foreground.stack.plan.layout.root)
    assert len(list(pids.marked(mark))) >= 8

    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=STOP_SECONDS)

    assert process.returncode == 0
    assert "正在停止" in said
    assert "已全部停止" in said
    assert "没有按时停下" not in said
    assert list(pids.marked(mark)) == []


def test_ctrl_c_in_the_middle_of_the_start_ends_it_too(foreground):
    process = foreground("--no-sample")
    until_said(process, "等待就绪")
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=STOP_SECONDS)
    assert (process.returncode, "已全部停止" in said) == (0, True)
    assert "没有按时停下" not in said
    assert list(pids.marked(str(foreground.stack.plan.layout.root))) == []


def until_said(process, words):
    """What a process said up to the line with these words."""
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    pytest.fail(said)
    return said


@pytest.mark.parametrize(
    ("variable", "title"),
    [
        ("ZHENGTONG_MONGO_PORT", "MongoDB 端口"),
        ("ZHENGTONG_AMQP_PORT", "RabbitMQ 端口"),
        ("ZHENGTONG_GRPC_LISTEN", "部门服务 credit 的 gRPC 端口"),
        ("ZHENGTONG_HTTP_PORT", "网关 HTTP 端口"),
    ],
)
def test_a_taken_port_is_told_by_name_with_the_variable_that_changes_it(
    foreground, variable, title
):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        value = f"credit=127.0.0.1:{port}" if "GRPC" in variable else str(port)
        process = foreground(**{variable: value})
        said, _ = process.communicate(timeout=STOP_SECONDS)
    assert process.returncode == WRONG
    assert f"端口被占用：{title} {port}（127.0.0.1）已有程序在使用" in said
    assert f"环境变量 {variable}" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "variables", "said"),
    [
        (["run", "--departments", "weather"], {}, "没有这个部门：weather"),
        (["run", "--only", "gatway"], {}, "没有这个进程：gatway"),
        (["run"], {"ZHENGTONG_HTTP_PORT": "eighty"}, "ZHENGTONG_HTTP_PORT：'eighty' 不是端口号"),
        (["run"], {"MONGODB_URI": "localhost"}, "MONGODB_URI：应以 mongodb://"),
        (["run"], {"ZHENGTONG_LOG_LEVEL": "LOUD"}, "ZHENGTONG_LOG_LEVEL：'LOUD' 应为"),
        (["run", "--colour"], {}, "--colour"),
        (["fly"], {}, "fly"),
    ],
)
def test_what_cannot_be_followed_is_told_in_a_line_and_nothing_starts(
    tmp_path, words, variables, said
):
    told = {"ZHENGTONG_RUN_DIR": str(tmp_path)}
    done = command("infra.local", *words, env=told | variables)
    assert done.code == WRONG
    assert said in done.out + done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "mongo").exists()
