"""Life events: publish, withdraw, and what one asks for in a region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from services.catalogue.domain import ItemNotFound, State, life_events
from services.catalogue.usecases.items import get
from services.catalogue.usecases.reach import check_reach
from services.common.errors import Stale

if TYPE_CHECKING:
    from datetime import datetime

    from services.catalogue.domain import Listed
    from services.catalogue.domain.life_events import (
        EventChanged,
        EventStep,
        EventWithdrawn,
        Joint,
        KeptEvent,
        LifeEvent,
    )
    from services.catalogue.usecases.ports import Store
    from services.common.access import Caller


class Events(Protocol):
    """What use cases of life events need to remember things."""

    def find(self, event_id: str) -> KeptEvent | None:
        """The life event, offered or not."""

    def save(self, fact: EventChanged | EventWithdrawn) -> KeptEvent:
        """Write it and tell its fact. Raises: Stale."""

    def page(self, *, region_code: str, after: str, size: int) -> list[KeptEvent]:
        """Those offered in a region and above it, in order of id; empty: all."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a life event, and its item where it is in use in the region."""

    step: EventStep
    listed: Listed | None


@dataclass(frozen=True, slots=True)
class Occasion:
    """A life event as somebody in a region meets it."""

    kept: KeptEvent
    steps: tuple[Step, ...]
    joint: Joint


def publish_event(event: LifeEvent, *, seen: int, caller: Caller, events: Events) -> KeptEvent:
    """Publish a life event. Raises: OutOfReach (Rule P-23), Stale."""
    kept = events.find(event.event_id)
    check_reach(caller, event.dept_code, event.region_code)
    if kept:
        check_reach(caller, kept.event.dept_code, kept.event.region_code)
    _check_version(kept.version if kept else 0, seen)
    changed = life_events.publish_event(kept, event)
    if changed is None:
        assert kept is not None  # only what is kept can be said already
        return kept
    return events.save(changed)


def withdraw_event(
    event_id: str, reason: str, *, seen: int, caller: Caller, events: Events
) -> KeptEvent:
    """Take a life event back.

    Raises:
        LifeEventNotFound, OutOfReach (Rule P-23), LifeEventInvalid, LifeEventAlreadyWithdrawn,
        Stale.
    """
    kept = events.find(event_id)
    if kept is None:
        raise life_events.LifeEventNotFound
    check_reach(caller, kept.event.dept_code, kept.event.region_code)
    _check_version(kept.version, seen)
    return events.save(life_events.withdraw_event(kept, reason))


def get_event(
    event_id: str, *, region_code: str, now: datetime, events: Events, items: Store
) -> Occasion:
    """What a life event asks for in a region (Rule I-10).

    Args:
        region_code: the applicant's; empty: the event's own.

    Raises:
        LifeEventNotFound: it is unknown, or was taken back.
    """
    kept = events.find(event_id)
    if kept is None or not kept.active:
        raise life_events.LifeEventNotFound
    region = region_code or kept.event.region_code
    steps = tuple(Step(one, _item_of(one, region, now, items)) for one in kept.event.steps)
    found = [one.listed.item for one in steps if one.listed]
    return Occasion(kept, steps, life_events.joint_of(kept.event, found))


def _item_of(step: EventStep, region: str, now: datetime, items: Store) -> Listed | None:
    try:
        listed = (
            get(step.item_id, now=now, store=items)
            if step.item_id
            else items.implementing(step.catalog_code, region)
        )
    except ItemNotFound:
        return None
    if listed is None or listed.state is not State.PUBLISHED:
        return None
    start, end = listed.item.visibility()
    shown = (start is None or start <= now) and (end is None or now < end)
    return listed if shown else None


def _check_version(version: int, seen: int) -> None:
    if seen and seen != version:
        raise Stale("该“一件事”已被他人修改，请重新读取后再提交。")
