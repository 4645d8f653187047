"""One run from the first look at the ports to the last process stopped."""

import contextlib
import fcntl
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from infra.local import keys, mongo, pids, ports, rabbit, users
from infra.local.child import tied_to
from infra.local.layout import Layout, write_secret
from infra.local.plan import GATEWAY, MONGO, RABBIT, Plan, Process, host_and_port, known
from infra.local.progress import Progress
from infra.local.supervisor import NAME, Supervisor
from infra.local.trouble import AlreadyRunning

REMIND_EVERY = 30.0
SAMPLE_BODY = "11530000015100012L"
"""The body in the sample data that gathers for all others."""
NATIONWIDE = "000000000000"


def run(plan: Plan, *, only: Collection[str] = (), sample: bool = True, parent: int | None) -> None:
    """Start everything, stay until a stop is asked for, stop everything.

    Args:
        only: the names of the processes to start; empty for all.
        sample: whether the first start loads the sample data.
        parent: stop when this process is no longer our parent.

    Raises:
        Trouble: nothing was started; the text says what to do.
    """
    known("进程", only, plan.process_names())
    progress = Progress()
    layout = plan.layout
    layout.make()
    names = [name for name in plan.process_names() if not only or name in only]
    with alone(layout):
        left = pids.sweep(layout.pids, str(layout.root))
        if left:
            progress.step(f"清理了上次没有停下的 {len(left)} 个进程")
        ports.check(plan.ports(names))
        processes = _processes(plan, names, progress)
        write_secret(layout.environment, _lines(plan.environment()))
        with Supervisor(layout, progress, os.environ, parent=parent) as supervisor:
            supervisor.start(processes)
            progress.step(f"已启动 {len(processes)} 个进程，等待就绪（日志：{layout.logs}）")
            _serve(supervisor, plan, progress, sample=sample, whole=GATEWAY in names)
            progress.say("正在停止…")
        progress.step("已全部停止")


@contextlib.contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """Hold the run directory; the kernel gives it back however this process ends.

    Raises:
        AlreadyRunning: another supervisor holds it.
    """
    with layout.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = pids.recall(layout.pids, NAME)
            who = f"（进程号 {holder.pid}）" if holder else ""
            raise AlreadyRunning(f"已经在运行{who}：{layout.root}。停止：make down") from None
        yield


def _processes(plan: Plan, names: Collection[str], progress: Progress) -> list[Process]:
    """The wanted processes, with what they need found, fetched or made."""
    layout = plan.layout
    servers = []
    if MONGO in names:
        servers.append(_mongo(plan, progress))
    if RABBIT in names:
        servers.append(_rabbit(plan, progress))
    platform = [process for process in plan.platform() if process.name in names]
    if platform and keys.ensure(layout):
        progress.step(f"已生成签名密钥（{layout.keys}）")
    return [*servers, *(_with_probe(process, plan) for process in platform)]


def _mongo(plan: Plan, progress: Progress) -> Process:
    mongod = mongo.find(plan.layout, progress.step)
    users.ensure_files(plan.layout.secrets, [users.MONGO])
    return Process(
        MONGO,
        mongo.command(mongod, plan.layout, plan.mongo_port),
        mongod.environment(),
        ready=partial(mongo.primary, plan.mongo_port, plan.layout.secrets),
    )


def _rabbit(plan: Plan, progress: Progress) -> Process:
    server = rabbit.find(plan.layout, progress.step)
    users.ensure_files(plan.layout.secrets, [users.AMQP])
    rabbit.configure(server, plan.layout, plan.amqp_port)
    return Process(
        RABBIT,
        [str(server.script)],
        rabbit.environment(server, plan.layout, plan.amqp_port),
        ready=partial(rabbit.answers, plan.amqp_port),
    )


def _with_probe(process: Process, plan: Plan) -> Process:
    """A servicer is ready when its ports answer, the gateway when all it depends on does."""
    kind, _, department = process.name.partition("-")
    ready = None
    if process.name == GATEWAY:
        ready = partial(ready_over_http, plan)
    elif kind == "servicer":
        departments = [department] if department else plan.departments
        ready = partial(_all_listen, [plan.grpc[name] for name in departments])
    return replace(process, ready=ready)


def _all_listen(addresses: Collection[str]) -> bool:
    for address in addresses:
        try:
            socket.create_connection(host_and_port("", address), 0.5).close()
        except OSError:
            return False
    return True


def ready_over_http(plan: Plan) -> bool:
    """Whether /readyz answers 200: all that the gateway depends on is there."""
    host = plan.base_url.partition("://")[2].rpartition(":")[0].strip("[]")
    try:
        with _connected(host, plan) as link:
            link.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            with link.makefile("rb") as answer:
                return answer.read(12).endswith(b" 200")
    except OSError:
        return False


def _connected(host: str, plan: Plan) -> socket.socket:
    link = socket.create_connection((host, plan.http_port), 1.0)
    link.settimeout(3.0)
    if not plan.tls:
        return link
    # Nothing secret is sent or believed, and the certificate is for another name than this one.
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    return anybody.wrap_socket(link)


def _serve(
    supervisor: Supervisor, plan: Plan, progress: Progress, *, sample: bool, whole: bool
) -> None:
    """Serve until a stop is asked for; at the first start of a whole platform, prepare it."""
    if not _wait_ready(supervisor, progress):
        return
    if whole and not plan.layout.api_key.exists():
        _make_api_key(supervisor, plan, progress)
    if whole and sample and not plan.layout.sample_done.exists():
        supervisor.announce("loading")
        _load_sample(supervisor, plan, progress)
    if supervisor.stopping:
        return
    progress.step("全部就绪")
    supervisor.announce("ready", plan.base_url)
    progress.say(plan.base_url)
    supervisor.run_until(lambda: False)


def _wait_ready(supervisor: Supervisor, progress: Progress) -> bool:
    """Wait for all; whoever waits long is told for what."""
    remind = progress.seconds() + REMIND_EVERY

    def done() -> bool:
        nonlocal remind
        if progress.seconds() >= remind:
            remind = progress.seconds() + REMIND_EVERY
            progress.step(f"仍在等待：{'、'.join(supervisor.unready())}")
        return supervisor.all_ready()

    return supervisor.run_until(done)


def _make_api_key(supervisor: Supervisor, plan: Plan, progress: Progress) -> None:
    """Register the command line of this machine as a client that may import everything."""
    file = plan.layout.api_key
    command = [sys.executable, "-m", "gateway.cli", "client", "make", "--key-file", str(file)]
    command += ["--name", "本机命令行", "--department", SAMPLE_BODY, "--region", NATIONWIDE]
    command += ["--leads", "--all-rights", "--rate", "10000", "--json"]
    code = _finish(supervisor, plan, command, quiet=True)
    if code == 0:
        progress.step(f"已登记本机命令行的接口密钥（{file}）")
    elif code is not None:
        progress.step(f"没有登记本机命令行的接口密钥（退出码 {code}），下次启动会再试。")


def _finish(
    supervisor: Supervisor, plan: Plan, command: Sequence[str], *, quiet: bool = False
) -> int | None:
    """Run a program of the platform to its end while the platform runs on.

    Returns: its exit code; None: a stop was asked for, and it was ended.
    """
    child = subprocess.Popen(  # noqa: S603  (our own modules)
        command,
        env={**os.environ, **plan.environment(), pids.MARK: str(plan.layout.root)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if quiet else None,
        start_new_session=True,
        preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509  (the supervisor has one thread)
    )
    if not supervisor.run_until(lambda: child.poll() is not None):
        child.kill()
        child.wait()
        return None
    return child.returncode


def _load_sample(supervisor: Supervisor, plan: Plan, progress: Progress) -> None:
    """Load the sample data while the platform runs on; a failure is told and tried next time."""
    progress.step("第一次启动：正在载入示例数据…")
    command = [sys.executable, "-m", "infra.sample.load"]
    code = _finish(supervisor, plan, command)
    if code == 0:
        plan.layout.sample_done.touch()
        progress.step("示例数据已载入")
    elif code is not None:
        progress.step(
            f"示例数据没有载入（退出码 {code}）；平台照常运行，"
            f"下次启动会再试，也可以自行执行：{' '.join(command[1:])}"
        )


def _lines(environment: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in environment.items())


def read_lines(path: Path) -> dict[str, str]:
    """`NAME=value` lines as a mapping; blank lines and comments are left out."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}
