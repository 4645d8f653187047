"""Which process is meant: a pid together with the moment it began.

A stranger who was given an old pid is never taken for ours.
"""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

# Every process of a run carries this variable; what a killed supervisor or process leaves behind
# is recognised by it, grandchildren included.
MARK = "ZHENGTONG_SUPERVISED_BY"


@dataclass(frozen=True, slots=True)
class Identity:
    """One process for as long as this machine is up, and never another."""

    pid: int
    started: int
    """Clock ticks after boot, as the kernel keeps them."""
    boot: str

    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        return identify(self.pid) == self

    def signal(self, number: int) -> bool:
        """Send a signal to this very process; False when it is gone."""
        if not self.alive():
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
            return True
        return False


def identify(pid: int) -> Identity | None:
    """Who runs under this pid now; None when nobody does."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
    # The command's name stands in brackets and may hold blanks and brackets itself.
    state, *fields = stat.rpartition(")")[2].split()
    if state in ("Z", "X"):
        return None
    return Identity(pid, int(fields[18]), boot)


def remember(folder: Path, name: str, pid: int) -> None:
    """Write the pid file of a running process; one that has already ended gets none."""
    identity = identify(pid)
    if identity is None:
        return
    draft = folder / f".{name}.part"
    draft.write_text(json.dumps({"name": name, **asdict(identity)}) + "\n", encoding="utf-8")
    draft.replace(folder / f"{name}.json")


def recall(folder: Path, name: str) -> Identity | None:
    """The process of that name, when it still runs."""
    try:
        row = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        identity = Identity(int(row["pid"]), int(row["started"]), str(row["boot"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return identity if identity.alive() else None


def forget(folder: Path, name: str) -> None:
    """Remove a pid file."""
    (folder / f"{name}.json").unlink(missing_ok=True)


def marked(mark: str) -> Iterator[Identity]:
    """Every process of this user that carries this mark, but not the one that asks."""
    wanted = f"{MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # another user's, or gone by now
            continue
        identity = identify(int(entry.name)) if wanted in environment else None
        if identity:
            yield identity


def sweep(folder: Path, mark: str) -> list[Identity]:
    """Kill what an earlier run left behind; pid files that name strangers are only removed.

    Returns: those that were killed.
    """
    recorded = (recall(folder, path.stem) for path in folder.glob("*.json"))
    left = {each for each in recorded if each and each.pid != os.getpid()} | set(marked(mark))
    killed = [identity for identity in left if identity.signal(signal.SIGKILL)]
    for path in folder.glob("*.json"):
        path.unlink(missing_ok=True)
    return killed
