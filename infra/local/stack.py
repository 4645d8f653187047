"""The same processes that `make run` starts, on free ports in a folder of one's own, for tests."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infra.local import background, mongo, pids, plan, rabbit, users
from infra.local.logs import last_lines, open_log
from infra.local.plan import MONGO, RABBIT
from infra.local.ports import LOOPBACK, PortClaims
from infra.local.run import read_lines
from infra.local.supervisor import NAME
from infra.local.trouble import Trouble
from services.common.settings import DEPARTMENTS

REPOSITORY = Path(__file__).resolve().parents[2]
SERVERS = (MONGO, RABBIT)
LOOK_EVERY = 0.02


class StackFailed(Trouble):
    """The processes did not get where a test waited for them; the text ends with their logs."""


class Stack:
    """A supervisor of its own and all it starts; everything ends with `stop` or with the caller.

    Several stacks run side by side, in one process or in many: their ports never meet.
    """

    def __init__(  # noqa: PLR0913  (what a test may choose, each by name)
        self,
        run_dir: Path,
        *,
        departments: Sequence[str] = DEPARTMENTS,
        apart: bool = False,
        only: Sequence[str] = (),
        sample: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Claim the ports; nothing runs yet.

        Args:
            run_dir: what `.run` is to `make run`; a second stack on it finds the first one's data.
            apart: every department's servicer, worker and relay as processes of their own.
            only: the names of the processes to start, `SERVERS` for instance; empty for all.
            sample: whether the first start loads the sample data.
            env: further variables; MONGODB_URI and AMQP_URI use servers that already run.
        """
        self.run_dir = run_dir
        self._claims = PortClaims()
        self._environment = {**_without_settings(os.environ), **self._ports(), **(env or {})}
        self.plan = plan.make(self._environment, run_dir, departments=departments, apart=apart)
        self._options = [
            *("run", "--follow-parent", "--departments", *departments),
            *(["--apart"] if apart else []),
            *([] if sample else ["--no-sample"]),
            *(["--only", *only] if only else []),
        ]
        self._only = only
        self._supervisor: subprocess.Popen[bytes] | None = None

    def _ports(self) -> dict[str, str]:
        addresses = [f"{name}={LOOPBACK}:{self._claims.claim()}" for name in DEPARTMENTS]
        return {
            "ZHENGTONG_RUN_DIR": str(self.run_dir),
            "ZHENGTONG_HTTP_PORT": str(self._claims.claim()),
            "ZHENGTONG_MONGO_PORT": str(self._claims.claim()),
            "ZHENGTONG_AMQP_PORT": str(self._claims.claim()),
            "ZHENGTONG_GRPC_LISTEN": ",".join(addresses),
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")])
            ),
        }

    @property
    def base_url(self) -> str:
        """Where the gateway listens, as `http://127.0.0.1:28123`."""
        return self.plan.base_url

    @property
    def platform_env(self) -> dict[str, str]:
        """The whole environment of the platform's processes, for starting one's own beside them."""
        return {**self._environment, **read_lines(self.plan.layout.environment)}

    @property
    def env(self) -> dict[str, str]:
        """The same with servers' addresses that allow everything, for what tests look at."""
        secrets, env = self.plan.layout.secrets, self.platform_env
        if MONGO in self.names:
            env["MONGODB_URI"] = mongo.uri(self.plan.mongo_port, users.admin(secrets, users.MONGO))
        if RABBIT in self.names:
            env["AMQP_URI"] = rabbit.uri(self.plan.amqp_port, users.admin(secrets, users.AMQP))
        return env

    @property
    def names(self) -> list[str]:
        """The processes of this stack, as `kill` and `pid` know them."""
        return [n for n in self.plan.process_names() if not self._only or n in self._only]

    def start(self, seconds: float = 90.0) -> Self:
        """Start everything and wait until it is ready.

        Raises:
            StackFailed: it ended or took longer than `seconds`.
        """
        self.plan.layout.make()
        output = open_log(self.log(NAME))
        self._supervisor = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "infra.local", *self._options],
            cwd=self.run_dir,  # not the clone: a developer's own .env is no part of a test
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        os.close(output)
        try:
            self.wait_until(lambda: self.status()["state"] == "ready", "就绪", seconds)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop everything in order; fine when nothing runs."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor:
            supervisor.terminate()
            supervisor.wait(background.DOWN_SECONDS)
        self._claims.release()

    def status(self) -> dict[str, Any]:
        """What `status --json` prints."""
        return background.read_status(self.plan.layout)

    def pid(self, name: str) -> int | None:
        """The pid of a process of this stack, or of its `supervisor`; None while it is down."""
        identity = pids.recall(self.plan.layout.pids, name)
        return identity.pid if identity else None

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to a process; returns the pid it had, for `wait_back`.

        Raises:
            StackFailed: it is not running.
        """
        identity = pids.recall(self.plan.layout.pids, name)
        if identity is None or not identity.signal(number):
            raise StackFailed(f"{name} 没有在运行")
        return identity.pid

    def wait_back(self, name: str, old_pid: int, seconds: float = 30.0) -> int:
        """Wait until a killed process runs and is ready under a new pid, which is returned.

        Raises:
            StackFailed: it is not back in time.
        """

        def back() -> bool:
            rows = {row["name"]: row for row in self.status()["processes"]}
            row = rows.get(name, {})
            return bool(row.get("state") == "ready" and row["pid"] != old_pid)

        self.wait_until(back, f"{name} 恢复", seconds)
        return self.pid(name) or 0

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait for a condition while the supervisor runs.

        Raises:
            StackFailed: it did not come in time, or the supervisor ended.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if self._supervisor is None or self._supervisor.poll() is not None:
                raise StackFailed(f"等待{what}时监管进程已结束\n{self._words()}")
            if time.monotonic() >= deadline:
                raise StackFailed(f"{seconds:.0f} 秒内没有等到{what}\n{self._words()}")
            time.sleep(LOOK_EVERY)

    def log(self, name: str) -> Path:
        """The log of a process, or of the `supervisor`."""
        return self.plan.layout.logs / f"{name}.log"

    def _words(self) -> str:
        parts = [(name, last_lines(self.log(name), 8)) for name in (NAME, *self.names)]
        return "\n".join(f"--- {name}\n" + "\n".join(lines) for name, lines in parts if lines)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _without_settings(env: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment, but for the settings of a platform it may be running itself."""
    return {
        name: value
        for name, value in env.items()
        if not name.startswith("ZHENGTONG_") and name not in ("MONGODB_URI", "AMQP_URI")
    }
