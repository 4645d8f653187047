"""Drafts: save, get, discard, and what becomes of one when its item is published.

Rule I-18: another department's draft answers as if it was not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from services.catalogue.domain import drafts as domain
from services.catalogue.domain.drafts import MOST_OF_BODY, DraftNotFound, DraftsFull
from services.catalogue.usecases.items import publish
from services.catalogue.usecases.reach import LEAD, check_reach
from services.common.access import NATIONWIDE, OutOfReach

if TYPE_CHECKING:
    from datetime import datetime

    from services.catalogue.domain import CodeProfile, Item, Listed
    from services.catalogue.domain.drafts import Content, Draft, Judgement
    from services.catalogue.usecases.ports import Store
    from services.common.access import Caller


class Drafts(Protocol):
    """What drafts need to be remembered; one that has expired is not there."""

    def find(self, draft_id: str) -> Draft | None:
        """The draft."""

    def count(self, dept_code: str) -> int:
        """How many a body has, counted to the most that it may have."""

    def save(self, draft: Draft) -> None:
        """Write it. Raises: Stale."""

    def remove(self, draft: Draft) -> None:
        """Take it out. Raises: Stale."""

    def page(self, scope: Scope, *, before: str, size: int) -> list[Draft]:
        """The newest first, of a lower `Draft.place`."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose drafts somebody sees.

    Args:
        department: empty: of every body.
        region: this one and those below it; empty: all.
    """

    department: str = ""
    region: str = ""


def scope_of(caller: Caller, dept_code: str) -> Scope | None:
    """Whose drafts a list has: as `check_reach` for each of them; None: nobody's.

    Args:
        dept_code: only those of this body; empty: of all that are the caller's.
    """
    if caller.kind == "service":
        return Scope(dept_code)
    leads = caller.leads or LEAD in caller.roles
    department = dept_code if leads else caller.department
    if not caller.region or (not leads and (not department or dept_code not in ("", department))):
        return None
    return Scope(department, "" if caller.region == NATIONWIDE else caller.region)


def get_draft(draft_id: str, *, caller: Caller, drafts: Drafts) -> Draft:
    """A draft. Raises: DraftNotFound."""
    kept = drafts.find(draft_id) if draft_id else None
    if kept is None:
        raise DraftNotFound
    try:
        check_reach(caller, kept.content.dept_code, kept.content.region_code)
    except OutOfReach:
        raise DraftNotFound from None
    return kept


def list_drafts(
    *, dept_code: str, before: str, size: int, caller: Caller, drafts: Drafts
) -> list[Draft]:
    """Drafts that are the caller's, newest first."""
    scope = scope_of(caller, dept_code)
    return drafts.page(scope, before=before, size=size) if scope else []


def save_draft(  # noqa: PLR0913  (what, over what, by whom, when)
    draft_id: str,
    content: Content,
    *,
    expected: int,
    new_id: str,
    now: datetime,
    caller: Caller,
    drafts: Drafts,
) -> Draft:
    """Save a draft: a new one where no id is given, else over the version that was read.

    Who gives it to another body answers for both.

    Raises:
        DraftInvalid, DraftNotFound, OutOfReach, DraftsFull, Stale.
    """
    kept = get_draft(draft_id, caller=caller, drafts=drafts) if draft_id else None
    domain.check_expected(draft_id, expected)
    check_reach(caller, content.dept_code, content.region_code)
    if kept is None:
        draft = domain.begin(new_id, content, now=now)
    else:
        draft = domain.save(kept, content, expected=expected, now=now)
    if kept is None or kept.content.dept_code != content.dept_code:
        _check_room(content.dept_code, drafts)
    drafts.save(draft)
    return draft


def judge_draft(draft: Draft, profile: CodeProfile, *, store: Store) -> Judgement:
    """What a draft lacks to be published now."""
    code = draft.content.values.get("catalog_code")
    basics = store.basics([code] if isinstance(code, str) and code else [])
    return domain.judge(draft.content, profile, basics)


def _check_room(dept_code: str, drafts: Drafts) -> None:
    # Two who save in the same moment may both find the last place: the bound is on what is kept,
    # and nobody depends on the last one.
    if drafts.count(dept_code) >= MOST_OF_BODY:
        raise DraftsFull


def discard_draft(draft_id: str, *, seen: int, caller: Caller, drafts: Drafts) -> Draft:
    """Discard a draft. Raises: DraftNotFound, Stale."""
    kept = get_draft(draft_id, caller=caller, drafts=drafts)
    domain.check_version(kept, seen)
    drafts.remove(kept)
    return kept


@dataclass(frozen=True, slots=True)
class Origin:
    """The draft that an item was made of.

    Args:
        draft_id: empty: of none.
        version: of the draft; one that was saved since stays. 0: whatever it is.
        reviewed: the item was handed in earlier; a draft that has gone since is nobody's loss.
    """

    draft_id: str = ""
    version: int = 0
    reviewed: bool = False


def publish_from(  # noqa: PLR0913  (what, of what, by whom)
    origin: Origin, item: Item, *, seen: int, caller: Caller, store: Store, drafts: Drafts
) -> Listed:
    """Publish an item and remove the draft it was made of, both or neither (Rule I-18).

    Raises:
        DraftNotFound, and what `publish` refuses.
    """
    used = _used(origin, caller, drafts) if origin.draft_id else None
    listed = publish(item, seen=seen, caller=caller, store=store)
    if used:
        drafts.remove(used)
    return listed


def _used(origin: Origin, caller: Caller, drafts: Drafts) -> Draft | None:
    try:
        kept = get_draft(origin.draft_id, caller=caller, drafts=drafts)
    except DraftNotFound:
        if origin.reviewed:
            return None
        raise
    return kept if origin.version in (0, kept.version) else None
