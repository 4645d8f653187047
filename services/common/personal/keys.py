"""The ring of keys (密钥环) for personal data, read from the environment once, at start.

One entry a line, `name:base64 of 32 bytes`; blank lines and lines that begin with `#` are skipped:

    2027:…      the first key seals
    2026:…      those after it only open what they sealed before
    match:…     the first `match` key makes what numbers are matched by
    match:…     those after it only look up what they made before

ZHENGTONG_PERSONAL_KEYS_FILE names the file; ZHENGTONG_PERSONAL_KEYS holds the entries themselves,
apart by blanks. No message here repeats anything of an entry but the name of a key.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.common.settings import SettingMissing

FILE = "ZHENGTONG_PERSONAL_KEYS_FILE"
VALUE = "ZHENGTONG_PERSONAL_KEYS"
MATCH = "match"
KEY_BYTES = 32
_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
# Its owner's, and to be read by a group at most: Kubernetes gives a secret to a group of the pod.
_TOO_OPEN = 0o037


@dataclass(frozen=True, slots=True)
class Ring:
    """Keys by id, the one that seals first, and the match keys, newest first; repr shows ids."""

    sealing: Mapping[str, bytes] = field(repr=False)
    matching: tuple[bytes, ...] = field(repr=False)

    def __repr__(self) -> str:
        return f"Ring({', '.join(self.sealing)}; {len(self.matching)} × {MATCH})"


def from_env(env: Mapping[str, str] = os.environ) -> Ring:
    """The ring of this process.

    Raises:
        SettingMissing: there is none, two are given, others may read it, or it cannot be read; with
            the name of the variable and, where a line is at fault, its number.
    """
    file, value = env.get(FILE, ""), env.get(VALUE, "")
    if file and value:
        raise SettingMissing(f"{FILE} and {VALUE} are both set: keep one")
    if value:
        return read(VALUE, value.split())
    if not file:
        raise SettingMissing(FILE)
    return read(FILE, _lines(Path(file)))


def read(variable: str, lines: list[str]) -> Ring:
    """The ring that these lines hold.

    Raises:
        SettingMissing: a line is no entry, an id or a key is there twice, or a kind of key is not.
    """
    sealing: dict[str, bytes] = {}
    matching: list[bytes] = []
    for number, line in enumerate(lines, 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        name, key = _entry(f"{variable}: entry {number}", entry)
        if key in matching or key in sealing.values() or name in sealing:
            raise SettingMissing(f"{variable}: entry {number}: its id or key is there already")
        if name == MATCH:
            matching.append(key)
        else:
            sealing[name] = key
    if not sealing:
        raise SettingMissing(f"{variable}: no key that seals (id:base64)")
    if not matching:
        raise SettingMissing(f"{variable}: no key to match by ({MATCH}:base64)")
    return Ring(sealing, tuple(matching))


def _entry(where: str, entry: str) -> tuple[str, bytes]:
    name, _, text = entry.partition(":")
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _KEY_ID.fullmatch(name) or len(key) != KEY_BYTES:
        # Not the entry itself: a line without its colon is a key.
        raise SettingMissing(f"{where}: not id:base64 of {KEY_BYTES} bytes")
    return name, key


def _lines(file: Path) -> list[str]:
    try:
        mode = file.stat().st_mode
        if mode & _TOO_OPEN:
            raise SettingMissing(f"{FILE}: others may read or change {file} (chmod 600)")
        return file.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise SettingMissing(f"{FILE}: {file} is not text") from None
    except OSError as error:
        raise SettingMissing(f"{FILE}: {file}: {error.strerror}") from None
