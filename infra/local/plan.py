"""What a run consists of: its addresses, its environment and its processes, as data."""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.local import mongo, rabbit, users
from infra.local.layout import Layout
from infra.local.ports import LOOPBACK, Port
from infra.local.trouble import Trouble
from services.catalogue.domain.codes import profiles
from services.common.personal.keys import FILE as PERSONAL_KEYS_FILE
from services.common.personal.keys import VALUE as PERSONAL_KEYS
from services.common.settings import (
    CODE_PROFILE,
    DEPARTMENTS,
    TLS_CERT,
    TLS_CLIENT_CA,
    TLS_KEY,
)

MONGO = "mongo"
RABBIT = "rabbit"
GATEWAY = "gateway"
INDEXER = "indexer"
KINDS = ("servicer", "worker", "relay")
SAYING = ("worker", "relay", INDEXER)
"""Who listens on no port: whether they serve is only known from their logs."""
TITLES = {
    MONGO: "MongoDB",
    RABBIT: "RabbitMQ",
    "servicer": "部门服务",
    "worker": "部门事件处理",
    "relay": "部门事件转发",
    INDEXER: "一站式索引",
    GATEWAY: "网关",
}
TLS_FILES = (TLS_CERT, TLS_KEY, TLS_CLIENT_CA)
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# All below the kernel's range for outgoing connections, one of which could hold a port at a start.
DEFAULT_HTTP_PORT = 8080
DEFAULT_MONGO_PORT = 27117
DEFAULT_AMQP_PORT = 25673
FIRST_GRPC_PORT = 20151

Probe = Callable[[], bool]


class BadSetting(Trouble):
    """A variable of the environment holds what it cannot hold."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Probe | None = None
    """Asked again and again until it says yes, after each start."""
    says: str = ""
    """What stands in its log once it serves. With neither of the two it is ready once started."""
    stage: int = 0
    """Higher stages are stopped before lower ones."""
    patience: float = 15.0
    """Seconds between SIGTERM and SIGKILL."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The addresses of one run. A server whose URI was given from outside is not started."""

    layout: Layout
    departments: tuple[str, ...]
    apart: bool
    http_host: str
    http_port: int
    mongo_port: int
    amqp_port: int
    grpc: Mapping[str, str]
    outside_mongo: str = ""
    outside_amqp: str = ""
    tls: Mapping[str, str] = field(default_factory=dict)
    """The files that the gateway speaks TLS with, by their variables."""
    personal_keys: str = ""
    """The file of the keys for personal data; empty where the environment holds the keys."""
    talkative: bool = True
    """Whether the processes log at INFO, and so say when they serve."""

    @property
    def base_url(self) -> str:
        host = LOOPBACK if self.http_host in ("0.0.0.0", "::") else self.http_host  # noqa: S104
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.http_port}"

    def process_names(self) -> list[str]:
        """Every process of this run, in the order they are started."""
        servers = [MONGO] * (not self.outside_mongo) + [RABBIT] * (not self.outside_amqp)
        return [*servers, *(name for name, _ in self._hosts()), INDEXER, GATEWAY]

    def _hosts(self) -> list[tuple[str, list[str]]]:
        """The names and arguments of `python -m services`."""
        if not self.apart:
            return [(kind, [kind, *self.departments]) for kind in KINDS]
        return [
            (f"{kind}-{department}", [kind, department])
            for kind in KINDS
            for department in self.departments
        ]

    def environment(self) -> dict[str, str]:
        """What the platform's processes are told; the same for all of them."""
        addresses = ",".join(f"{name}={self.grpc[name]}" for name in self.departments)
        layout = self.layout
        told = {
            "MONGODB_URI": self.outside_mongo or mongo.uri(self.mongo_port),
            "AMQP_URI": self.outside_amqp or rabbit.uri(self.amqp_port),
            "ZHENGTONG_HTTP_HOST": self.http_host,
            "ZHENGTONG_HTTP_PORT": str(self.http_port),
            "ZHENGTONG_GRPC_LISTEN": addresses,
            "ZHENGTONG_GRPC_ADDRESSES": addresses,
            "ZHENGTONG_KEYS_DIR": str(layout.keys),
            "ZHENGTONG_API_KEY_FILE": str(layout.api_key),
            "ZHENGTONG_SECRETS_DIR": str(users.departments(layout.secrets)),
            "ZHENGTONG_INDEX_DIR": str(layout.index),
            "ZHENGTONG_CONTROL_DIR": str(layout.control),
            **self.tls,
        }
        if self.personal_keys:
            told[PERSONAL_KEYS_FILE] = self.personal_keys
        return told

    def platform(self) -> list[Process]:
        """The platform's own processes."""
        python = [sys.executable, "-m"]
        environment = {
            **self.environment(),
            "PYTHONUNBUFFERED": "1",
            # glibc gives each thread an arena of its own; two are enough and much smaller.
            "MALLOC_ARENA_MAX": "2",
        }

        def process(name: str, stage: int, *words: str) -> Process:
            kind = name.partition("-")[0]
            says = f"ready {kind}" if self.talkative and kind in SAYING else ""
            return Process(name, [*python, *words], environment, says=says, stage=stage)

        return [
            *(process(name, 1, "services", *arguments) for name, arguments in self._hosts()),
            process(INDEXER, 2, "gateway.indexer"),
            process(GATEWAY, 3, "gateway.app"),
        ]

    def ports(self, names: Iterable[str]) -> list[Port]:
        """The ports that the processes of these names listen on."""
        names = set(names)
        ports = []
        if MONGO in names:
            ports.append(Port("MongoDB ", self.mongo_port, "ZHENGTONG_MONGO_PORT"))
        if RABBIT in names:
            ports.append(Port("RabbitMQ ", self.amqp_port, "ZHENGTONG_AMQP_PORT"))
        for department in self.departments:
            if names & {"servicer", f"servicer-{department}"}:
                host, number = host_and_port("ZHENGTONG_GRPC_LISTEN", self.grpc[department])
                title = f"部门服务 {department} 的 gRPC "
                ports.append(Port(title, number, "ZHENGTONG_GRPC_LISTEN", host))
        if GATEWAY in names:
            ports.append(Port("网关 HTTP ", self.http_port, "ZHENGTONG_HTTP_PORT", self.http_host))
        return ports


def make(
    env: Mapping[str, str],
    run_dir: Path,
    *,
    departments: Sequence[str] = DEPARTMENTS,
    apart: bool = False,
) -> Plan:
    """The plan that this environment asks for; .env.example describes the variables.

    Raises:
        BadSetting: a value cannot be read, with the name of its variable.
    """
    known("部门", departments, DEPARTMENTS)
    _code_profile(env)
    layout = Layout(run_dir.resolve())
    return Plan(
        layout=layout,
        departments=tuple(departments),
        apart=apart,
        http_host=env.get("ZHENGTONG_HTTP_HOST") or LOOPBACK,
        http_port=_port(env, "ZHENGTONG_HTTP_PORT", DEFAULT_HTTP_PORT),
        mongo_port=_port(env, "ZHENGTONG_MONGO_PORT", DEFAULT_MONGO_PORT),
        amqp_port=_port(env, "ZHENGTONG_AMQP_PORT", DEFAULT_AMQP_PORT),
        grpc=_grpc_addresses(env.get("ZHENGTONG_GRPC_LISTEN", ""), departments),
        outside_mongo=_uri(env, "MONGODB_URI", "mongodb://", "mongodb+srv://"),
        outside_amqp=_uri(env, "AMQP_URI", "amqp://", "amqps://"),
        tls={name: str(Path(env[name]).resolve()) for name in TLS_FILES if env.get(name)},
        personal_keys=_personal_keys(env, layout),
        talkative=_level(env) in LEVELS[:2],
    )


def known(what: str, names: Iterable[str], those: Collection[str]) -> None:
    """Raises: BadSetting, with the names that are not among those there are."""
    unknown = [name for name in names if name not in those]
    if unknown:
        raise BadSetting(f"没有这个{what}：{'、'.join(unknown)}（有：{'、'.join(those)}）。")


def title(name: str) -> str:
    """The name of a process in words: `servicer-credit` → 部门服务 credit."""
    kind, _, department = name.partition("-")
    return f"{TITLES.get(kind, kind)} {department}".rstrip()


def host_and_port(variable: str, address: str) -> tuple[str, int]:
    """`127.0.0.1:20151` as a pair."""
    host, _, number = address.rpartition(":")
    if not host or not _is_port(number):
        raise BadSetting(f"{variable}：{address!r} 不是“主机:端口”。")
    return host.strip("[]"), int(number)


def _uri(env: Mapping[str, str], variable: str, *schemes: str) -> str:
    text = env.get(variable, "")
    if text and not text.startswith(schemes):
        # Not the text itself: it may hold a password.
        raise BadSetting(f"{variable}：应以 {' 或 '.join(schemes)} 开头。")
    return text


def _personal_keys(env: Mapping[str, str], layout: Layout) -> str:
    """The file that was asked for, else the one made here; none where the keys are given."""
    file = env.get(PERSONAL_KEYS_FILE, "")
    if not env.get(PERSONAL_KEYS):
        return str(Path(file).resolve() if file else layout.personal_keys)
    if file:
        raise BadSetting(f"{PERSONAL_KEYS_FILE} 与 {PERSONAL_KEYS} 只能设置一个。")
    return ""


def _code_profile(env: Mapping[str, str]) -> None:
    """Raises: BadSetting: the catalogue has no such profile of codes."""
    name = env.get(CODE_PROFILE)
    if name:
        known(f"编码方案（{CODE_PROFILE}）", [name], profiles())


def _level(env: Mapping[str, str]) -> str:
    text = env.get("ZHENGTONG_LOG_LEVEL") or "INFO"
    if text.upper() not in LEVELS:
        raise BadSetting(f"ZHENGTONG_LOG_LEVEL：{text!r} 应为 {'、'.join(LEVELS)} 之一。")
    return text.upper()


def _port(env: Mapping[str, str], variable: str, default: int) -> int:
    text = env.get(variable) or str(default)
    if not _is_port(text):
        raise BadSetting(f"{variable}：{text!r} 不是端口号（1–65535）。")
    return int(text)


def _is_port(text: str) -> bool:
    return len(text) <= 5 and text.isascii() and text.isdecimal() and 0 < int(text) < 65536


def _grpc_addresses(text: str, departments: Sequence[str]) -> dict[str, str]:
    """What was asked for, and a port beside each other for the departments not named in it."""
    addresses = {
        name: f"{LOOPBACK}:{FIRST_GRPC_PORT + place}" for place, name in enumerate(DEPARTMENTS)
    }
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, address = (word.strip() for word in part.partition("="))
        known("部门（ZHENGTONG_GRPC_LISTEN）", [name], DEPARTMENTS)
        host_and_port("ZHENGTONG_GRPC_LISTEN", address or part)
        addresses[name] = address
    return {name: addresses[name] for name in departments}
