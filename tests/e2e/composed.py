"""The processes of docker-compose.yml without containers: their commands, their environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from infra.local.ports import LOOPBACK, PortClaims
from infra.local.stack import SERVERS, Stack
from services.common.settings import DEPARTMENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.collector import Collector

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
NOT_OURS = {"mongo", "rabbitmq", "otel-collector", "keys", "users"}
GRACE_SECONDS = 20  # stop_grace_period


def every_service() -> dict[str, Any]:
    """All services of the file, by name."""
    return dict(yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"])


def services() -> dict[str, Any]:
    """Those that are processes of the platform and always run."""
    return {
        name: service
        for name, service in every_service().items()
        if name not in NOT_OURS and "profiles" not in service
    }


class Composed:
    """All services of the file, each told nothing but what the file tells it.

    Names of hosts and paths inside containers are replaced by those of this machine; MongoDB and
    RabbitMQ are the embedded ones.
    """

    def __init__(self, root: Path, collector: Collector) -> None:
        self.root = root
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._servers = Stack(root / "servers", only=SERVERS)
        self.collector = collector
        self._claims = PortClaims()
        self._grpc = {name: f"{LOOPBACK}:{self._claims.claim()}" for name in DEPARTMENTS}
        self.http_port = self._claims.claim()

    def __enter__(self) -> Self:
        self._make_keys()
        self._servers.plan.layout.make()
        shutil.copytree(self.root / "secrets", self._secrets, dirs_exist_ok=True)
        self._servers.start()
        try:
            for name, service in services().items():
                self._start(name, service)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        self._servers.stop()
        self._claims.release()

    def until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until a condition holds, while every process runs."""
        deadline = time.monotonic() + seconds
        while not condition():
            ended = [name for name, process in self.processes.items() if process.poll() is not None]
            assert ended == [], self.log(ended[0])[-3000:]
            assert time.monotonic() < deadline, f"no {what} within {seconds:.0f} s"
            time.sleep(0.05)

    def stop(self) -> dict[str, int]:
        """Ask all to stop, as `docker compose stop` does; their exit codes."""
        for process in self.processes.values():
            process.terminate()
        return {name: process.wait(GRACE_SECONDS) for name, process in self.processes.items()}

    def log(self, name: str) -> str:
        return (self.root / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def environment(self, service: dict[str, Any]) -> dict[str, str]:
        """What the file tells a service, in the terms of this machine."""
        told = {}
        for variable, value in service["environment"].items():
            told[variable] = self._here(str(value), service)
        if "ZHENGTONG_HTTP_HOST" in told:
            told |= {"ZHENGTONG_HTTP_HOST": LOOPBACK, "ZHENGTONG_HTTP_PORT": str(self.http_port)}
        return told

    def _here(self, value: str, service: dict[str, Any]) -> str:
        value = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)  # variables nobody has set
        if value == "mongodb://mongo:27017/?replicaSet=rs0":
            return self._servers.platform_env["MONGODB_URI"]
        if value == "amqp://rabbitmq:5672/":
            return self._servers.platform_env["AMQP_URI"]
        if value == "http://otel-collector:4318":
            return self.collector.env["OTEL_EXPORTER_OTLP_ENDPOINT"]
        for name, address in self._grpc.items():
            value = value.replace(f"{name}=0.0.0.0:50051", f"{name}={address}")
            value = value.replace(f"{name}-servicer:50051", address)
        for source, target in self._mounts(service).items():
            if value == target or value.startswith(f"{target}/"):
                return str(self.root / source) + value.removeprefix(target)
        return value

    def _mounts(self, service: dict[str, Any]) -> dict[str, str]:
        """What is mounted into a service, and where."""
        mounts = {}
        for volume in service.get("volumes", ()):
            source, target = volume.split(":")[:2]
            mounts[source] = target
        return mounts

    @property
    def _secrets(self) -> Path:
        """Where the embedded servers look for what the service `keys` has made."""
        return self._servers.plan.layout.secrets

    def _make_keys(self) -> None:
        """Run what the service `keys` runs, but for the change of owner."""
        volumes = [volume.partition(":")[0] for volume in every_service()["keys"]["volumes"]]
        for name in (*volumes, "nowhere"):
            (self.root / name).mkdir()
        script = str(every_service()["keys"]["command"][-1]).replace("$$", "$")
        script = script.replace("python ", f"{sys.executable} ")
        script = script.replace("/$principal/", f"{self.root}/$principal-key/")
        for name in volumes:
            script = re.sub(rf'([ "])/{name}(?=[/" \n])', rf"\g<1>{self.root}/{name}", script)
        script = script.replace('"/$department-secrets/"', f'"{self.root}/$department-secrets/"')
        lines = [line for line in script.splitlines() if not line.startswith("chown ")]
        subprocess.run(["sh", "-euc", "\n".join(lines)], check=True, cwd=ROOT)

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`docker compose run --rm cli WORDS`."""
        service = every_service()["cli"]
        return subprocess.run(
            [*_python(service["entrypoint"]), *words],
            cwd=self.root / "nowhere",
            env=self._whole_environment(service),
            capture_output=True,
            text=True,
            check=False,
        )

    def make_api_key(self) -> str:
        """A client that may import everything, as the head of the file says; its key."""
        done = self.cli(
            *("client", "make", "--key-file", str(self.root / "cli-data" / "api.key")),
            *("--name", "容器命令行", "--department", "11530000015100012L"),
            *("--region", "000000000000", "--leads", "--all-rights", "--rate", "10000"),
        )
        assert done.returncode == 0, done.stderr
        return (self.root / "cli-data" / "api.key").read_text().strip()

    def _whole_environment(self, service: dict[str, Any]) -> dict[str, str]:
        soon = {k: v for k, v in self.collector.env.items() if k != "OTEL_EXPORTER_OTLP_ENDPOINT"}
        here = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
        return soon | here | self.environment(service)

    def _start(self, name: str, service: dict[str, Any]) -> None:
        with (self.root / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                _python(service["command"]),
                cwd=self.root / "nowhere",
                env=self._whole_environment(service),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def _python(command: list[str]) -> list[str]:
    """The same command with the Python that runs the tests."""
    return [sys.executable if word == "python" else word for word in command]
