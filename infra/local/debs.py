"""Debian and Ubuntu packages, downloaded and unpacked without root and without installing."""

import contextlib
import fcntl
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from infra.local.trouble import Trouble

Tell = Callable[[str], None]
Choose = Callable[["Apt"], Sequence[str]]
Settle = Callable[[Path, Path], None]


class NotToBeHad(Trouble):
    """Packages could not be downloaded or unpacked."""


class Shelf:
    """A folder of unpacked packages that several clones and test processes may share."""

    def __init__(self, root: Path, tell: Tell) -> None:
        self._root = root
        self.tell = tell

    def unpacked(
        self, name: str, choose: Choose, settle: Settle = lambda _draft, _target: None
    ) -> Path:
        """The folder of that name; downloaded, unpacked and settled when it is not there yet.

        Each distribution and architecture has its own, since a home may be carried between them.

        Args:
            choose: names the packages, once the lists are fresh.
            settle: given the unpacked folder and where it will be, makes its files fit for there.

        Raises:
            NotToBeHad: with what apt said.
        """
        target = self._root / f"{name}-{_system()}"
        if target.is_dir():
            return target
        with self._alone():
            if not target.is_dir():  # another process may have made it while this one waited
                self._unpack(target, choose, settle)
        return target

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _unpack(self, target: Path, choose: Choose, settle: Settle) -> None:
        with tempfile.TemporaryDirectory(dir=self._root, prefix="unpack-") as work:
            apt = Apt(Path(work), self.tell)
            archives = apt.download(choose(apt))
            draft = Path(work) / "root"
            draft.mkdir()
            for archive in archives:
                _run(["dpkg", "-x", str(archive), str(draft)])
            settle(draft, target)
            draft.rename(target)  # complete, or not there at all


class Apt:
    """apt with lists and a cache of its own, as a user without root needs it."""

    def __init__(self, work: Path, tell: Tell) -> None:
        self.tell = tell
        self._archives = work / "archives"
        lists, cache = work / "lists", work / "cache"
        for folder in (self._archives, lists / "partial", cache / "archives" / "partial"):
            folder.mkdir(parents=True)
        self._options = [
            *("-o", f"Dir::State::lists={lists}"),
            *("-o", f"Dir::Cache={cache}"),
            *("-o", "Debug::NoLocking=1"),
            *("-o", "APT::Sandbox::User="),
            *("-o", "Acquire::Retries=2"),
        ]
        if not shutil.which("apt-get") or not shutil.which("dpkg"):
            raise NotToBeHad("本机没有 apt-get 与 dpkg（不是 Debian 或 Ubuntu）。")
        self.tell("正在读取软件包清单（apt-get update，使用自己的目录，不需要 root）…")
        _run(["apt-get", *self._options, "-q", "update"])

    def knows(self, package: str) -> bool:
        """Whether the distribution has a package of that name."""
        found = subprocess.run(  # noqa: S603
            ["apt-cache", *self._options, "show", package],  # noqa: S607
            capture_output=True,
            check=False,
        )
        return found.returncode == 0 and bool(found.stdout.strip())

    def missing_for(self, package: str) -> list[str]:
        """The package and all it needs that this machine does not have installed."""
        plan = _run(
            [
                "apt-get",
                *self._options,
                "-qq",
                "--print-uris",
                "--no-install-recommends",
                "install",
                package,
            ]
        )
        files = [line.split()[1] for line in plan.splitlines() if line.startswith("'")]
        return [file.partition("_")[0] for file in files]

    def download(self, packages: Sequence[str]) -> list[Path]:
        """Download these packages, a line for each as it comes."""
        command = ["apt-get", *self._options, "-q", "download", *packages]
        said: list[str] = []
        with subprocess.Popen(  # noqa: S603
            command,
            cwd=self._archives,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=_plain_words(),
        ) as apt:
            for line in apt.stdout or ():
                said.append(line)
                number, _, rest = line.partition(" ")
                if number.startswith("Get:"):
                    self.tell(f"  下载 {number[4:]}/{len(packages)}  {_name_and_size(rest)}")
        if apt.returncode != 0:
            raise NotToBeHad(f"apt-get download 没有成功：\n{''.join(said[-5:]).rstrip()}")
        return sorted(self._archives.glob("*.deb"))


def _system() -> str:
    """The distribution, its release and the architecture: `debian-12-x86_64`."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    words = (release.get("ID", "linux"), release.get("VERSION_ID", "0"), platform.machine())
    return "-".join(words)


def _name_and_size(line: str) -> str:
    """`http://host suite/main amd64 erlang-base amd64 1:25 [9697 kB]` → `erlang-base [9697 kB]`."""
    words = line.split()
    name = words[3] if len(words) > 3 else ""
    return f"{name} {line[line.find('[') :].strip()}" if "[" in line else name


def _plain_words() -> dict[str, str]:
    """The environment with untranslated words: the progress lines of apt are read."""
    return {**os.environ, "LC_ALL": "C"}


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(  # noqa: S603
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env=_plain_words(),
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-5:])
        raise NotToBeHad(f"{command[0]} 没有成功：\n{tail}")
    return done.stdout
