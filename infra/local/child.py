"""One process kept running: started, its end noticed, started again after a growing pause."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping

from infra.local import pids
from infra.local.layout import Layout
from infra.local.logs import bound, open_log, said_since
from infra.local.plan import Process

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
SETTLED = 10.0
"""Who has run this many seconds starts again after the first pause, however often it fell."""
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class Child:
    """A process of the plan and its present incarnation."""

    def __init__(self, process: Process, layout: Layout, environment: Mapping[str, str]) -> None:
        self.process = process
        self.name = process.name
        self.log = layout.logs / f"{process.name}.log"
        self.restarts = 0
        self.ready = False
        self.killed = False
        self.falls = 0
        """Ends in a row, none of which came after it had settled."""
        self.due: float | None = None
        """When it is to be started (again), on the monotonic clock; None while it runs."""
        self._pids = layout.pids
        self._environment = {**environment, **process.environment}
        self._popen: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._log_begin = 0

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen else None

    def start(self) -> None:
        """Start it now, in a session of its own; it dies with the supervisor.

        Raises:
            OSError: the command cannot be run.
        """
        log = open_log(self.log)
        self._log_begin = os.fstat(log).st_size
        try:
            self._popen = subprocess.Popen(  # noqa: S603
                self.process.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
                preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509  (the supervisor has one thread)
            )
        finally:
            os.close(log)
        self.due = None
        self._began = time.monotonic()
        self.ready = not self.process.ready and not self.process.says
        with contextlib.suppress(OSError):  # a full disk: it runs all the same
            pids.remember(self._pids, self.name, self._popen.pid)

    def reap(self) -> int | None:
        """Its exit code when it has just ended; what it started is then ended too."""
        popen = self._popen
        if popen is None or not _has_ended(popen.pid):
            return None
        # Before the pid is given back, so that the group can be nobody else's.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(popen.pid, signal.SIGKILL)
        code = popen.wait()
        self._popen = None
        self.ready = False
        pids.forget(self._pids, self.name)
        return code

    def schedule(self) -> float:
        """Have it started again after a pause; returns the pause in seconds."""
        if time.monotonic() - self._began >= SETTLED:
            self.falls = 0
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self.falls, 10))
        self.falls += 1
        self.restarts += 1
        self.due = time.monotonic() + pause
        return pause

    def probe(self) -> bool:
        """Ask whether it serves; returns True at the moment it begins to."""
        if self._popen is None or self.ready:
            return False
        said = not self.process.says or said_since(self.log, self._log_begin, self.process.says)
        self.ready = said and (self.process.ready is None or self.process.ready())
        return self.ready

    def ask_to_stop(self) -> None:
        """SIGTERM; one that was suspended is woken to hear it."""
        if self._popen:
            # Not Popen's own way: that reaps whom it finds ended, before `reap` can.
            os.kill(self._popen.pid, signal.SIGTERM)
            os.kill(self._popen.pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, to all that it started too."""
        self.killed = True
        if self._popen:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)

    def bound_log(self) -> None:
        bound(self.log)


def tied_to(parent: int) -> Callable[[], None]:
    """What a child does before it becomes its program: it will not outlive its parent."""

    def tie() -> None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if os.getppid() != parent:  # it died before the line above could bind
            os._exit(1)

    return tie


def _has_ended(pid: int) -> bool:
    """Whether a child of ours has ended, leaving it to be waited for."""
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, pid, flags) is not None
