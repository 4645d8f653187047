"""The platform in the background: started and waited for, asked after, stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.local import pids
from infra.local.layout import Layout
from infra.local.logs import open_log
from infra.local.supervisor import LOG, NAME

READY, NOT_READY, WRONG, NOT_RUNNING = 0, 1, 2, 3
UP_SECONDS = 600.0
"""The first start downloads RabbitMQ and loads the sample data."""
DOWN_SECONDS = 60.0
LOOK_EVERY = 0.1


def up(run_dir: Path, options: Sequence[str]) -> int:
    """Start the supervisor in the background, show what it says, return when all is ready."""
    layout = Layout(run_dir.resolve())
    if pids.recall(layout.pids, NAME):
        sys.stdout.write("已经在运行。\n")
        return status(run_dir, as_json=False)
    layout.make()
    log = layout.logs / LOG
    begin = log.stat().st_size if log.exists() else 0
    output = open_log(log)
    command = [sys.executable, "-m", "infra.local", "run", *options]
    supervisor = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
    )
    os.close(output)
    with log.open("rb") as words:
        words.seek(begin)
        return _follow(supervisor, words.read, layout)


def _follow(supervisor: "subprocess.Popen[bytes]", words: Any, layout: Layout) -> int:
    """Pass on what the supervisor says until it is ready or has ended."""
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline:
        ended = supervisor.poll()
        state = read_status(layout).get("state")
        sys.stdout.write(words().decode("utf-8", "replace"))
        sys.stdout.flush()
        if ended is not None:
            return ended or NOT_READY
        if state == "ready":
            return READY
        time.sleep(LOOK_EVERY)
    sys.stdout.write("还没有就绪；它仍在后台继续。查看：make status，停止：make down\n")
    return NOT_READY


def down(run_dir: Path) -> int:
    """Stop the supervisor, and with it all it started."""
    layout = Layout(run_dir.resolve())
    supervisor = pids.recall(layout.pids, NAME)
    if supervisor is None:
        left = pids.sweep(layout.pids, str(layout.root))
        sys.stdout.write(f"清理了 {len(left)} 个残留进程。\n" if left else "没有在运行。\n")
        return READY
    supervisor.signal(signal.SIGTERM)
    sys.stdout.write("正在停止…\n")
    sys.stdout.flush()
    deadline = time.monotonic() + DOWN_SECONDS
    while supervisor.alive():
        if time.monotonic() >= deadline:
            supervisor.signal(signal.SIGKILL)
            pids.sweep(layout.pids, str(layout.root))
            sys.stdout.write("60 秒内没有停下，已强制结束。\n")
            return NOT_READY
        time.sleep(LOOK_EVERY)
    sys.stdout.write("已停止。\n")
    return READY


def status(run_dir: Path, *, as_json: bool) -> int:
    """Tell how every process is; exit code 0 only when all are ready."""
    layout = Layout(run_dir.resolve())
    answer = read_status(layout)
    if as_json:
        sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write(_table(answer))
    if answer["state"] == "stopped":
        return NOT_RUNNING
    rows = answer["processes"]
    fine = answer["state"] == "ready" and all(row["state"] == "ready" for row in rows)
    return READY if fine else NOT_READY


def read_status(layout: Layout) -> dict[str, Any]:
    """What the supervisor last said, if it still runs."""
    stopped: dict[str, Any] = {"state": "stopped", "url": "", "pid": None, "processes": []}
    if pids.recall(layout.pids, NAME) is None:
        return stopped
    try:
        answer: dict[str, Any] = json.loads(layout.status.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # it has only just begun, or is about to end
        return {**stopped, "state": "starting"}
    return answer


WORDS = {
    "starting": "启动中",
    "loading": "载入示例数据",
    "ready": "就绪",
    "restarting": "重启中",
    "stopping": "停止中",
    "stopped": "没有在运行",
}


def _table(answer: dict[str, Any]) -> str:
    lines = [f"{WORDS[answer['state']]}  {answer['url']}".rstrip()]
    for row in answer["processes"]:
        again = f"，重启过 {row['restarts']} 次" if row["restarts"] else ""
        who = f"进程号 {row['pid']}" if row["pid"] else ""
        lines.append(f"  {row['title']:　<10}{WORDS[row['state']]}  {who}{again}")
    return "\n".join(lines) + "\n"
