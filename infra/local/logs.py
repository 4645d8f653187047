"""Log files that never grow without bound."""

import os
import shutil
from pathlib import Path

LIMIT = 8 * 1024 * 1024
"""A log and its one predecessor take at most about twice this."""


def open_log(path: Path) -> int:
    """Open for appending: the position follows a file that is cut short while it is written."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)


def bound(path: Path, limit: int = LIMIT) -> None:
    """Move what has grown past the limit to `<name>.1` and begin anew.

    The process keeps its open file, so the content is copied and the file cut, not renamed.
    """
    try:
        if path.stat().st_size <= limit:
            return
        shutil.copyfile(path, path.with_name(path.name + ".1"))
        os.truncate(path, 0)
    except OSError:  # no room on the disk is no reason to stop the platform
        return


def said_since(path: Path, begin: int, words: str) -> bool:
    """Whether these words were logged after this position; a log begun anew is read whole."""
    try:
        with path.open("rb") as file:
            if path.stat().st_size >= begin:
                file.seek(begin)
            return words.encode() in file.read(LIMIT)
    except OSError:
        return False


def last_lines(path: Path, count: int = 5) -> list[str]:
    """The end of a log, for telling why a process ended."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 8192))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]
