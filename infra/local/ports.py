"""The ports a start needs: looked at before anything starts, and claimed apart for tests."""

import contextlib
import errno
import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.local.trouble import Trouble

LOOPBACK = "127.0.0.1"
# Below the kernel's range for outgoing connections (32768 and up), so that no client's socket
# takes a port between its claim and its use; above the ports that services are known by.
CLAIMABLE = range(28000, 32000)


@dataclass(frozen=True, slots=True)
class Port:
    """A port to listen on, with the words and the variable a person knows it by."""

    title: str
    number: int
    variable: str
    host: str = LOOPBACK


class PortsTaken(Trouble):
    """At least one port cannot be listened on."""


def check(ports: Iterable[Port]) -> None:
    """Try every port before anything starts.

    Raises:
        PortsTaken: a line for each that cannot be listened on: its name, number and variable.
    """
    ports = list(ports)
    problems = [text for port in ports if (text := _problem(port))]
    seen: dict[tuple[str, int], Port] = {}
    for port in ports:
        first = seen.setdefault((port.host, port.number), port)
        if first is not port:
            problems.append(
                f"端口重复：{first.title}（{first.variable}）与{port.title}（{port.variable}）"
                f"都设为 {port.number}，请改其中一个。"
            )
    if problems:
        raise PortsTaken("\n".join(problems))


def _problem(port: Port) -> str:
    """Why this port cannot be listened on, in Chinese; empty when it can."""
    where = f"{port.title}端口 {port.number}（{port.host}）"
    try:
        _try_listening(port.host, port.number)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return (
                f"端口被占用：{where}已有程序在使用。"
                f"请停掉那个程序，或用环境变量 {port.variable} 换一个端口。"
            )
        if error.errno in (errno.EACCES, errno.EPERM):
            return (
                f"无权监听：{where}需要更高权限。"
                f"请用环境变量 {port.variable} 换成 1024 以上的端口。"
            )
        return f"无法监听：{where}：{error.strerror or error}。请检查环境变量 {port.variable}。"
    return ""


def _try_listening(host: str, number: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the servers do it: a connection of the last run that still winds down is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, number))
        probe.listen(1)


class PortClaims:
    """Free ports that no other test process on this machine is given while these are held.

    A bound-and-closed port may be handed out twice; a file lock for each number cannot be.
    """

    def __init__(self) -> None:
        self._locks: list[int] = []
        self._folder = Path(tempfile.gettempdir()) / f"zhengtong-ports-{os.getuid()}"
        self._folder.mkdir(mode=0o700, exist_ok=True)

    def claim(self) -> int:
        """A free loopback port, held until `release`.

        Raises:
            PortsTaken: every claimable port is taken.
        """
        start = random.randrange(len(CLAIMABLE))  # noqa: S311  (spreads claimants, hides nothing)
        for offset in range(len(CLAIMABLE)):
            number = CLAIMABLE[(start + offset) % len(CLAIMABLE)]
            if self._take(number):
                return number
        raise PortsTaken("没有可用的本机端口。")

    def _take(self, number: int) -> bool:
        lock = os.open(self._folder / str(number), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _try_listening(LOOPBACK, number)
        except OSError:
            os.close(lock)
            return False
        self._locks.append(lock)
        return True

    def release(self) -> None:
        """Give all claimed ports back."""
        while self._locks:
            with contextlib.suppress(OSError):
                os.close(self._locks.pop())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
