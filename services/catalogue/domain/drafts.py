"""Drafts (草稿): an item while its editor prepares it, over days, before anybody publishes it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from services.catalogue.domain import quality
from services.catalogue.domain.basic_items import at_odds
from services.catalogue.domain.quality import Finding
from services.catalogue.domain.reading import READERS, SERVER_FIELDS, read
from services.common.errors import Invalid, NotFound, Refused, Stale, Violation
from services.common.fields import read_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.catalogue.domain.basic_items import BasicItem
    from services.catalogue.domain.codes import CodeProfile

MOST_OF_BODY: Final = 1000
LARGEST: Final = 256 * 1024
"""Bytes of a draft as JSON."""
KEPT: Final = timedelta(days=180)
"""After the last save."""
_OWN: Final = ("task_name", "dept_code", "region_code")
"""What every draft has: what it is called and whose it is."""
_READERS: Final = {name: READERS[name] for name in _OWN}
_FIRST: Final = re.compile(r"\w+")
NO_BASICS: Final[Mapping[str, BasicItem]] = {}


class DraftNotFound(NotFound):
    """No draft has this id, or it is not the caller's to know of."""

    reason = "DRAFT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("没有这份草稿，它可能已经发布、删去或者过期。")


class DraftInvalid(Invalid):
    """What was sent cannot be kept as a draft; each violation names a field of the request."""

    reason = "DRAFT_INVALID"


class DraftsFull(Refused):
    """The body has as many drafts as one may have."""

    reason = "DRAFTS_FULL"

    def __init__(self) -> None:
        said = f"该部门已有 {MOST_OF_BODY} 份草稿，请先发布或者删去不用的草稿。"
        super().__init__(said, Violation("item.dept_code", said))


@dataclass(frozen=True, slots=True)
class Content:
    """What an editor has written so far.

    Args:
        values: fields of the item that are set, as its message has them.
        dept_code: 统一社会信用代码 of the body whose draft it is.
        region_code: where the item is to be exercised, 12 digits.
    """

    values: Mapping[str, Any]
    task_name: str
    dept_code: str
    region_code: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as the catalogue keeps it.

    Args:
        draft_id: nobody can guess it.
        version: rises by one with each save, from 1.
    """

    draft_id: str
    content: Content
    version: int
    create_time: datetime
    save_time: datetime

    @property
    def expire_time(self) -> datetime:
        """When it is removed unless it is saved again."""
        return self.save_time + KEPT

    @property
    def place(self) -> str:
        """Where it stands in lists, the newest last."""
        return f"{self.create_time.isoformat(timespec='milliseconds')}/{self.draft_id}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a draft still lacks to be published (Rule I-19).

    Args:
        faults: what publishing it would be refused for, by field of the item.
        findings: the quality rules that it fails, as far as that can be told.
    """

    faults: tuple[Violation, ...]
    findings: tuple[Finding, ...]


def content_of(values: Mapping[str, Any]) -> Content:
    """What can be kept as a draft.

    Rule I-19: a draft may be incomplete and wrong; only its name, body and region are needed.

    Raises:
        DraftInvalid: one of these is missing or cannot be read, or the draft is too large.
    """
    kept = {name: value for name, value in values.items() if name not in SERVER_FIELDS}
    own = {name: kept.get(name) for name in _OWN}
    given, wrong = read_record(own, _READERS, required=_OWN)
    size = len(json.dumps(kept, ensure_ascii=False).encode("utf-8", "replace"))
    found = [Violation(f"item.{one.field}", one.description) for one in wrong]
    if size > LARGEST:
        found.append(Violation("item", f"一份草稿不得超过 {LARGEST // 1024} KB，请精简内容"))
    if found:
        raise DraftInvalid("草稿无法保存，请按提示更正。", *found)
    return Content(kept | given, **given)


def check_expected(draft_id: str, expected: int) -> None:
    """A new draft has no version yet; who saves an old one says which version they have read.

    Raises:
        DraftInvalid
    """
    said = ""
    if draft_id and expected < 1:
        said = "请写明读到的草稿版本"
    elif not draft_id and expected:
        said = "新建草稿时应为 0"
    if said:
        raise DraftInvalid(f"{said}。", Violation("expected_version", said))


def begin(draft_id: str, content: Content, *, now: datetime) -> Draft:
    """A new draft."""
    return Draft(draft_id, content, version=1, create_time=now, save_time=now)


def save(kept: Draft, content: Content, *, expected: int, now: datetime) -> Draft:
    """Save a draft again.

    Rule I-19: only over the version that was read, so that nobody's work is lost.

    Raises:
        Stale
    """
    check_version(kept, expected)
    return replace(kept, content=content, version=kept.version + 1, save_time=now)


def check_version(kept: Draft, seen: int) -> None:
    """Hold the version the caller has seen against the one there is; 0: the caller does not mind.

    Raises:
        Stale
    """
    if seen and seen != kept.version:
        raise Stale("该草稿已被他人修改，请重新读取后再提交。")


def judge(
    content: Content, profile: CodeProfile, basics: Mapping[str, BasicItem] = NO_BASICS
) -> Judgement:
    """What a draft lacks.

    A quality rule is left out where all that it finds fault with cannot be read yet.

    Args:
        basics: what the basic catalogue has of the draft's 基本编码 (Rule I-25).
    """
    item, faults = read(content.values, profile)
    unread = {first[0] for one in faults if (first := _FIRST.match(one.field))}
    other = at_odds(item, basics.get(item.catalog_code))
    faults += [one for one in other if one.field not in unread]
    findings = [one for one in quality.check(item).findings if not unread.issuperset(one.fields)]
    return Judgement(tuple(faults), tuple(findings))
