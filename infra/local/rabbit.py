"""The embedded RabbitMQ: found or unpacked, configured for one machine, asked whether it answers.

The node has a name but neither listens for other nodes nor registers with epmd: nothing but the
AMQP port is open, and no daemon outlives the broker.
"""

import os
import re
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local import users
from infra.local.debs import Apt, NotToBeHad, Shelf, Tell
from infra.local.layout import Layout, write_secret
from infra.local.ports import LOOPBACK
from infra.local.trouble import Trouble

NODE = "zhengtong@localhost"
SERVER = "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"
PACKAGES = (
    *(
        f"erlang-{part}"
        for part in (
            "base",
            "asn1",
            "crypto",
            "public-key",
            "mnesia",
            "runtime-tools",
            "ssl",
            "os-mon",
            "xmerl",
            "inets",
            "syntax-tools",
            "tools",
            "parsetools",
            "eldap",
        )
    ),
    "rabbitmq-server",
)
ELSEWHERE = (
    "也可以以 root 执行 apt-get install rabbitmq-server，或用 AMQP_URI 指向已有的 RabbitMQ。"
)
# One scheduler and no spinning: the broker shares two cores with all else. Tables for a few
# hundred queues, not for a million. +MMmcs: give memory back to the system at once instead of
# keeping 30 free segments (half the memory after a burst, for a tenth of the burst's speed).
EMULATOR = (
    "+S 1:1 +SDcpu 1:1 +SDio 2 +A 2 +sbwt none +sbwtdcpu none +sbwtdio none "
    "+P 65536 +Q 16384 +t 524288 +MMmcs 3"
)
FIRST = "rabbit"
"""The application that starts the broker; it names those that it needs."""
APPLICATIONS = re.compile(r"\{\s*applications\s*,\s*\[([^\]]*)\]")
ALONE = f"-sname {NODE} -dist_listen false -start_epmd false -erl_epmd_port {{port}}"


class NoRabbit(Trouble):
    """There is no RabbitMQ that runs on this machine."""


@dataclass(frozen=True, slots=True)
class RabbitServer:
    """The start script inside a RabbitMQ, and the folder of the `erl` it runs on."""

    script: Path
    erlang: Path


def find(layout: Layout, tell: Tell) -> RabbitServer:
    """An installed RabbitMQ, else the distribution's packages unpacked without root.

    Raises:
        NoRabbit: neither is to be had; the text says how to get one.
    """
    return installed() or _unpacked(layout, tell)


def installed(root: Path = Path("/")) -> RabbitServer | None:
    """The script inside an installed server: the one on Debian's PATH asks for root or `su`."""
    erlang = shutil.which("erl")
    if erlang is None:
        return None
    scripts = sorted(root.glob(SERVER))
    on_path = shutil.which("rabbitmq-server")
    if on_path:
        real = Path(on_path).resolve()
        if (real.parent.parent / "plugins").is_dir():
            scripts.insert(0, real)
    return RabbitServer(scripts[0], Path(erlang).parent) if scripts else None


def _unpacked(layout: Layout, tell: Tell) -> RabbitServer:
    try:
        root = Shelf(layout.tools(), tell).unpacked("rabbitmq", _packages, _settle)
    except NotToBeHad as error:
        raise NoRabbit(f"没有取得 RabbitMQ：{error}\n{ELSEWHERE}") from error
    script = next(iter(sorted(root.glob(SERVER))), None)
    if script is None:
        raise NoRabbit(f"解开的软件包里没有 rabbitmq-server（{root}）。{ELSEWHERE}")
    return RabbitServer(script, root / "usr/lib/erlang/bin")


def _packages(apt: Apt) -> Sequence[str]:
    apt.tell("本机没有 RabbitMQ：正在下载 RabbitMQ 与 Erlang（约 31 MB，只在第一次）…")
    return PACKAGES


def _settle(draft: Path, target: Path) -> None:
    """Erlang's scripts name the folder they were packaged for: give them the one they are in."""
    erlang = draft / "usr/lib/erlang"
    for script in (erlang / "bin/erl", erlang / "bin/start", *erlang.glob("erts-*/bin/erl")):
        text = script.read_text(encoding="utf-8")
        script.write_text(
            text.replace("/usr/lib/erlang", f"{target}/usr/lib/erlang"), encoding="utf-8"
        )


def uri(port: int, user: str = "") -> str:
    """The address; `user` is `name:password`."""
    return f"amqp://{user}{'@' * bool(user)}{LOOPBACK}:{port}/"


def configure(server: RabbitServer, layout: Layout, port: int) -> None:
    """Write the broker's configuration: loopback only, no plugins, its users from a file.

    A broker with such a file makes no user by itself: there is no guest.
    """
    _gather(server.script.parent, _gathered(layout))
    write_secret(
        layout.rabbit / "rabbitmq.conf",
        f"listeners.tcp.1 = {LOOPBACK}:{port}\n"
        f"load_definitions = {users.definitions_file(layout.secrets).resolve()}\n"
        "log.console = true\n"
        "log.file = false\n"
        "num_acceptors.tcp = 2\n"
        # Queues move to the disk at half of this, publishers wait at all of it.
        "vm_memory_high_watermark.absolute = 384MB\n"
        "disk_free_limit.absolute = 50MB\n",
    )
    for empty_list in ("enabled_plugins", "advanced.config"):
        (layout.rabbit / empty_list).write_text("[].\n", encoding="ascii")
    (layout.rabbit / "rabbitmq-env.conf").write_text("", encoding="ascii")


def _gathered(layout: Layout) -> Path:
    """What the start script takes for the folder of the server."""
    return layout.rabbit.resolve() / "server"


def _gather(scripts: Path, home: Path) -> None:
    """A server of links to those of its applications that it needs.

    Erlang seeks each module in one folder after the other, and a broker has a thousand of them:
    with the folders of all plugins that is 50,000 looks in vain, more than half of the start.
    """
    shutil.rmtree(home, ignore_errors=True)  # of a version that has been replaced
    plugins = home / "plugins"
    plugins.mkdir(parents=True)
    (home / "sbin").symlink_to(scripts)
    for application in needed(scripts.parent / "plugins"):
        (plugins / application.name).symlink_to(application)


def needed(plugins: Path) -> Sequence[Path]:
    """The applications of a server that its first one needs; all, where they cannot be read."""
    known = {_name(folder): folder for folder in plugins.iterdir()}
    found: list[Path] = []
    coming = [FIRST]
    while coming:
        folder = known.get(coming.pop())
        if folder is None or folder in found:
            continue  # Erlang's own, or known already
        told = _needs(folder)
        if told is None:
            return list(known.values())
        found.append(folder)
        coming += told
    return found or list(known.values())


def _name(folder: Path) -> str:
    """Of the application in a folder, without its version."""
    return folder.name.partition("-")[0]


def _needs(folder: Path) -> Sequence[str] | None:
    """The applications that one names; None: it cannot be read (some packages have archives)."""
    try:
        description = (folder / "ebin" / f"{_name(folder)}.app").read_text(encoding="utf-8")
    except OSError:
        return None
    told = APPLICATIONS.search(description)
    return re.findall(r"\w+", told[1]) if told else None


def environment(server: RabbitServer, layout: Layout, port: int) -> dict[str, str]:
    """All that the start script would otherwise look for in /etc and /var."""
    home = layout.rabbit.resolve()
    return {
        "HOME": str(home),
        "PATH": f"{server.erlang}:/usr/local/bin:/usr/bin:/bin",
        # The script then becomes the broker instead of waiting beside it: one pid to supervise.
        "RUNNING_UNDER_SYSTEMD": "true",
        "RABBITMQ_SCRIPTS_DIR": str(_gathered(layout) / "sbin"),
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": str(home / "rabbitmq-env.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{EMULATOR} {ALONE.format(port=port)}",
        "ERL_CRASH_DUMP": str(home / "erl_crash.dump"),
        "ERL_CRASH_DUMP_BYTES": str(4 * 1024 * 1024),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
    }


def answers(port: int) -> bool:
    """Whether the broker opens an AMQP 0-9-1 handshake: its first frame is Connection.Start."""
    try:
        with socket.create_connection((LOOPBACK, port), 1.0) as link:
            link.sendall(b"AMQP\x00\x00\x09\x01")
            link.settimeout(2.0)
            head = link.recv(11, socket.MSG_WAITALL)
    except OSError:
        return False
    return head[:1] == b"\x01" and head[7:11] == b"\x00\x0a\x00\x0a"
