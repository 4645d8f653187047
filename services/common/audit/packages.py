"""Packages: an exported audit as one file that verifies without the platform.

JSON Lines: first the signed head, then each record exactly as it is hashed, in order of the tree.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.common.audit.heads import Head
from services.common.audit.merkle import EMPTY, Growing, leaf_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FORMAT: Final = "zhengtong-audit/1"
TOLD_EVERY: Final = 1000


class PackageUnreadable(ValueError):
    """The file is no package; the text says why, in Chinese."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with a package, in Chinese; nothing: it verifies."""

    texts: tuple[str, ...]
    records: int


def head_line(head: Head) -> str:
    """The first line of a package; a file of it alone is a head that was put by."""
    return json.dumps(
        {
            "format": FORMAT,
            "department": head.department,
            "tree_size": head.size,
            "root_hash": head.root.hex(),
            "signed_time": head.time,
            "public_key": head.public_key.hex(),
            "signature": head.signature.hex(),
        },
        ensure_ascii=False,
    )


def head_of(path: Path) -> Head:
    """The head in the first line of a file.

    Raises:
        PackageUnreadable: it is no package and no head.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        line = file.readline()
    try:
        said = json.loads(line)
        form = said["format"]
        head = Head(
            department=str(said["department"]),
            size=int(said["tree_size"]),
            root=bytes.fromhex(said["root_hash"]),
            time=str(said["signed_time"]),
            public_key=bytes.fromhex(said["public_key"]),
            signature=bytes.fromhex(said["signature"]),
        )
    except (ValueError, KeyError, TypeError):
        raise PackageUnreadable("第一行不是审计树头。") from None
    if form != FORMAT:
        raise PackageUnreadable(f"格式不是 {FORMAT}。")
    return head


def records_in(path: Path) -> Iterator[bytes]:
    """The records of a package, each without the end of its line."""
    with path.open("rb") as file:
        file.readline()
        for line in file:
            # A last line without an end is a record all the same: its hash tells if it is whole.
            yield line.removesuffix(b"\n")


def faults_of_head(head: Head, trusted: bytes | None) -> list[str]:
    """What is wrong with a head itself.

    Args:
        trusted: the key that it should be signed with; None: the one it names is believed.
    """
    faults = [] if head.is_signed() else ["树头的签名无效。"]
    if trusted is not None and head.public_key != trusted:
        faults.append(f"树头不是用您信任的密钥签的：它用的是 {head.key_id}。")
    return faults


def check(
    path: Path,
    *,
    trusted: bytes | None = None,
    since: Head | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Faults:
    """Whether a package's records are those that its head was signed for.

    Args:
        since: a head seen before, whose records must all be there and be the same.

    Raises:
        PackageUnreadable: the file is no package.
        OSError: it cannot be read.
    """
    head = head_of(path)
    texts = faults_of_head(head, trusted)
    growing = Growing()
    then = EMPTY if since and since.size == 0 else None
    for record in records_in(path):
        growing.add(leaf_hash(record))
        if since and growing.size == since.size:
            then = growing.root()
        if growing.size % TOLD_EVERY == 0:
            progress(growing.size)
    if growing.size != head.size:
        texts.append(f"树头说有 {head.size} 条记录，文件里有 {growing.size} 条。")
    elif growing.root() != head.root:
        texts.append("记录与树头不符：至少有一条记录被改动、调换或替换。")
    if since:
        texts += _faults_since(head, since, then)
    return Faults(tuple(texts), growing.size)


def _faults_since(head: Head, since: Head, then: bytes | None) -> list[str]:
    if since.department != head.department:
        return [f"先前的树头是部门 {since.department} 的，不能比对。"]
    faults = [] if since.is_signed() else ["先前的树头的签名无效。"]
    if since.size > head.size:
        faults.append(f"先前已有 {since.size} 条记录，现在只有 {head.size} 条。")
    elif then != since.root:
        faults.append(f"先前的 {since.size} 条记录中有被改动的。")
    return faults
