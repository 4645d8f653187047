"""The embedded MongoDB: found, started as a one-node replica set, asked whether it is primary."""

import contextlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.local import users
from infra.local.debs import Apt, NotToBeHad, Shelf, Tell
from infra.local.layout import Layout
from infra.local.ports import LOOPBACK
from infra.local.trouble import Trouble
from infra.local.wire import Link

REPLICA_SET = "rs0"
PACKAGED = Path("fiftyone", "db", "bin", "mongod")
CACHE_GB = "0.25"
OPLOG_MB = "512"
ALREADY_INITIALIZED = 23
ELSEWHERE = "也可以自行安装 mongod（6.0 或更新）并放入 PATH，或用 MONGODB_URI 指向已有的副本集。"


class NoMongod(Trouble):
    """There is no mongod that runs on this machine."""


@dataclass(frozen=True, slots=True)
class Mongod:
    """A mongod that runs here, and the folder of libraries it needs besides the system's."""

    binary: Path
    libraries: Path | None = None

    def environment(self) -> dict[str, str]:
        return {"LD_LIBRARY_PATH": str(self.libraries)} if self.libraries else {}

    def complaint(self) -> str:
        """What the dynamic loader or the kernel says against this binary; empty when it runs."""
        try:
            tried = subprocess.run(  # noqa: S603
                [self.binary, "--version"],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, **self.environment()},
            )
        except OSError as error:
            return str(error)
        return "" if tried.returncode == 0 else tried.stderr.strip()


def find(layout: Layout, tell: Tell) -> Mongod:
    """The mongod of the Python package, else the one on PATH.

    Raises:
        NoMongod: neither runs; the text says what is missing and how to get it.
    """
    binary = _packaged(layout) or shutil.which("mongod")
    if binary is None:
        raise NoMongod(f"找不到 mongod：随 Python 包提供的只有 x86-64 Linux 版。{ELSEWHERE}")
    mongod = Mongod(Path(binary))
    complaint = mongod.complaint()
    if "libcurl.so.4" in complaint:
        mongod = Mongod(Path(binary), _libcurl(layout, tell))
        complaint = mongod.complaint()
    if complaint:
        raise NoMongod(f"mongod 无法运行（{binary}）：\n{complaint}\n{ELSEWHERE}")
    return mongod


def _packaged(layout: Layout) -> Path | None:
    """The binary inside site-packages, looked up as a file: its package is never imported."""
    for entry in sys.path:
        binary = Path(entry) / PACKAGED
        if binary.is_file():
            return _executable(binary, layout)
    return None


def _executable(binary: Path, layout: Layout) -> Path:
    """Give it the right to run, which pip does not; where that is denied, give it to a copy."""
    if os.access(binary, os.X_OK):
        return binary
    with contextlib.suppress(PermissionError):
        binary.chmod(0o755)
        return binary
    copy = layout.tools() / "mongod"
    if not copy.exists() or copy.stat().st_size != binary.stat().st_size:
        copy.parent.mkdir(parents=True, exist_ok=True)
        draft = copy.with_name(f"mongod.{os.getpid()}.part")
        shutil.copyfile(binary, draft)
        draft.chmod(0o755)
        draft.replace(copy)
    return copy


def _libcurl(layout: Layout, tell: Tell) -> Path:
    """Unpack libcurl.so.4 and what it needs beside the system's libraries."""
    tell("mongod 需要 libcurl.so.4，本机没有；正在下载并解开到自己的目录（不需要 root）…")
    try:
        root = Shelf(layout.tools(), tell).unpacked("libcurl", _libcurl_packages)
    except NotToBeHad as error:
        raise NoMongod(
            f"mongod 需要 libcurl.so.4：{error}\n请以 root 执行：apt-get install libcurl4"
        ) from error
    found = next(root.rglob("libcurl.so.4"), None)
    if found is None:
        raise NoMongod("下载的软件包里没有 libcurl.so.4；请以 root 执行：apt-get install libcurl4")
    return found.parent


def _libcurl_packages(apt: Apt) -> list[str]:
    # Ubuntu 24.04 and Debian 13 renamed it with the move to 64-bit time.
    return apt.missing_for("libcurl4t64" if apt.knows("libcurl4t64") else "libcurl4")


def command(mongod: Mongod, layout: Layout, port: int) -> list[str]:
    """The command line of the one-node replica set."""
    return [
        str(mongod.binary),
        *("--replSet", REPLICA_SET),
        *("--bind_ip", LOOPBACK),
        *("--port", str(port)),
        *("--dbpath", str(layout.mongo)),
        # Nobody without a name and a password; a replica set with users needs such a file.
        *("--keyFile", str(users.key_file(layout.secrets))),
        *("--wiredTigerCacheSizeGB", CACHE_GB),
        *("--oplogSize", OPLOG_MB),
        "--nounixsocket",
        "--quiet",
        # Diagnostics for MongoDB's own support: memory, disk and a wake-up each second.
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        # A killed process leaves its transaction open and what it wrote locked, by default 60 s.
        # Who meets the lock tries for 8 s (services.common.transaction), so it must go before.
        *("--setParameter", "transactionLifetimeLimitSeconds=5"),
    ]


def uri(port: int, user: str = "") -> str:
    """The address; `user` is `name:password`.

    Not directConnection: a driver would then fill its pool while the server is starting, with
    connections that say for good that the server knows no sessions.
    """
    return f"mongodb://{user}{'@' * bool(user)}{LOOPBACK}:{port}/?replicaSet={REPLICA_SET}"


def primary(port: int, folder: Path) -> bool:
    """Whether the server takes writes and knows its users; makes it and them so when it can."""
    try:
        with Link(LOOPBACK, port) as link:
            state = link.ask({"hello": 1})
            if state.get("isWritablePrimary"):
                users.log_in(link, folder)
                users.make_in_mongo(link, folder)
                return True
            if "setName" not in state and state.get("isreplicaset"):
                users.log_in(link, folder)
                _make_replica_set(link, port)
    except (OSError, ValueError, users.NoUsers):
        pass  # it is going down or coming up; asked again soon
    return False


def _make_replica_set(link: Link, port: int) -> None:
    host = f"{LOOPBACK}:{port}"
    member = {"_id": 0, "host": host}
    answer = link.ask({"replSetInitiate": {"_id": REPLICA_SET, "members": [member]}})
    if answer.get("code") != ALREADY_INITIALIZED:
        return
    # The data were made under another port: the set no longer finds itself in its own list.
    config = link.ask({"replSetGetConfig": 1}).get("config")
    if config and config["members"][0]["host"] != host:
        config["members"][0]["host"] = host
        config["version"] += 1
        link.ask({"replSetReconfig": config, "force": True})
