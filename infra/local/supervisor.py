"""Keeps the processes of a plan running: starts them, restarts what ends, stops them in order."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from infra.local import pids
from infra.local.child import Child
from infra.local.layout import Layout
from infra.local.logs import bound, last_lines
from infra.local.plan import Process, title
from infra.local.progress import Progress

STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
PROBE_EVERY = 0.1
ASK_EVERY = 1.0
IDLE = 1.0
TOLD_FALLS = 6
LOGS_EVERY = 5.0
NAME = "supervisor"
LOG = f"{NAME}.log"


class Supervisor:
    """One thread, no timers: it sleeps until a child ends, a signal comes or something is due.

    Signals are taken from a mask rather than by handlers, so that none arrives in the middle of a
    start or a stop.
    """

    def __init__(
        self,
        layout: Layout,
        progress: Progress,
        environment: Mapping[str, str],
        *,
        parent: int | None = None,
    ) -> None:
        """Nothing runs yet.

        Args:
            parent: stop when this process is no longer the parent (a test run that was killed).
        """
        self._layout = layout
        self._progress = progress
        self._parent = parent
        self._environment = {
            # The caller's own broker settings must not reach ours.
            **{k: v for k, v in environment.items() if not k.startswith(("RABBITMQ_", "ERL_"))},
            pids.MARK: str(layout.root),
        }
        self._children: dict[str, Child] = {}
        self._state = "starting"
        self._url = ""
        self._stop = False
        self._logs_due = 0.0

    def __enter__(self) -> Self:
        signal.pthread_sigmask(signal.SIG_BLOCK, {*STOP_SIGNALS, signal.SIGCHLD})
        pids.remember(self._layout.pids, NAME, os.getpid())
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()
        pids.sweep(self._layout.pids, str(self._layout.root))
        self._layout.status.unlink(missing_ok=True)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*STOP_SIGNALS, signal.SIGCHLD})

    @property
    def stopping(self) -> bool:
        return self._stop

    def start(self, processes: Sequence[Process]) -> None:
        """Start these beside what runs already; returns at once."""
        for process in processes:
            child = Child(process, self._layout, self._environment)
            self._children[process.name] = child
            child.start()
        self.tell_status()

    def run_until(self, done: Callable[[], bool]) -> bool:
        """Keep all running until `done` says so, or a stop is asked for.

        Returns: whether it was done.
        """
        while not self._stop:
            if done():
                return True
            self._wait()
            self._tick()
        return False

    def all_ready(self) -> bool:
        return all(child.ready for child in self._children.values())

    def unready(self) -> list[str]:
        return [title(name) for name, child in self._children.items() if not child.ready]

    def announce(self, state: str, url: str = "") -> None:
        """What `status` shows from now on."""
        self._state, self._url = state, url
        self.tell_status()

    def stop_all(self) -> None:
        """SIGTERM stage by stage, the highest first; SIGKILL for who needs too long."""
        self._state = "stopping"
        self.tell_status()
        for stage in sorted({child.process.stage for child in self._children.values()})[::-1]:
            self._stop_together(
                [c for c in self._children.values() if c.process.stage == stage and c.pid]
            )
        self._children.clear()

    def _stop_together(self, members: Sequence[Child]) -> None:
        for child in members:
            child.ask_to_stop()
        asked = told = time.monotonic()
        while members:
            if time.monotonic() - told >= ASK_EVERY:
                told = time.monotonic()
                # Who has only just started may not have heard it: RabbitMQ does not while it boots.
                for child in members:
                    if not child.ready:
                        child.ask_to_stop()
            for child in members:
                if time.monotonic() - asked >= child.process.patience and not child.killed:
                    self._progress.say(f"{title(child.name)} 没有按时停下，强制结束。")
                    child.kill()
            members = [child for child in members if child.reap() is None]
            if members:
                signal.sigtimedwait({signal.SIGCHLD}, PROBE_EVERY)

    def _wait(self) -> None:
        """Sleep until a child ends, a stop is asked for, or something is due."""
        info = signal.sigtimedwait({*STOP_SIGNALS, signal.SIGCHLD}, self._nap())
        if info and info.si_signo in STOP_SIGNALS:
            self._stop = True
        if self._parent is not None and os.getppid() != self._parent:
            self._stop = True

    def _nap(self) -> float:
        now = time.monotonic()
        dues = [child.due - now for child in self._children.values() if child.due is not None]
        if any(not child.ready and child.due is None for child in self._children.values()):
            dues.append(PROBE_EVERY)
        return max(0.0, min([IDLE, *dues]))

    def _tick(self) -> None:
        changed = False
        for child in self._children.values():
            changed |= self._look_after(child)
        if changed:
            self.tell_status()
        if time.monotonic() >= self._logs_due:
            self._logs_due = time.monotonic() + LOGS_EVERY
            for child in self._children.values():
                child.bound_log()
            bound(self._layout.logs / LOG)

    def _look_after(self, child: Child) -> bool:
        """Returns: whether there is news of this child."""
        code = child.reap()
        if code is not None:
            self._tell_end(child, code, child.schedule())
            return True
        if child.due is not None and time.monotonic() >= child.due and not self._stop:
            try:
                child.start()
            except OSError as error:
                self._progress.say(f"{title(child.name)} 无法启动：{error}")
                child.schedule()
            return True
        if child.probe():
            again = "重新就绪" if child.restarts else "就绪"
            self._progress.step(f"{title(child.name)} {again}")
            return True
        return False

    def _tell_end(self, child: Child, code: int, pause: float) -> None:
        """Tell why, but of one that falls again and again only now and then."""
        if child.falls > TOLD_FALLS and child.falls % TOLD_FALLS:
            return
        how = f"被信号 {-code} 结束" if code < 0 else f"退出码 {code}"
        self._progress.step(
            f"{title(child.name)} 意外停止（{how}），{pause:.1f} 秒后重启；日志：{child.log}"
        )
        for line in last_lines(child.log, 2) if code > 0 else ():
            self._progress.say(f"    {line[:300]}")

    def tell_status(self) -> None:
        """Write the status file, whole or not at all."""
        rows = [
            {
                "name": child.name,
                "title": title(child.name),
                "state": _word(child),
                "pid": child.pid,
                "restarts": child.restarts,
            }
            for child in self._children.values()
        ]
        answer = {"state": self._state, "url": self._url, "pid": os.getpid(), "processes": rows}
        with contextlib.suppress(OSError):  # a full disk is no reason to stop what runs
            _replace(self._layout.status, json.dumps(answer, ensure_ascii=False) + "\n")


def _word(child: Child) -> str:
    if child.pid is None:
        return "restarting"
    return "ready" if child.ready else "starting"


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
