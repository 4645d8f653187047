"""Groups of synonyms of the one-stop query: save, forget the edit, get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from services.catalogue.domain import synonyms as domain
from services.catalogue.domain.synonyms import MOST_GROUPS, SynonymGroupNotFound, SynonymGroupsFull
from services.catalogue.usecases.reach import check_reach
from services.common.access import OutOfReach

if TYPE_CHECKING:
    from services.catalogue.domain.synonyms import (
        GroupChanged,
        GroupRemoved,
        KeptGroup,
        SynonymGroup,
    )
    from services.common.access import Caller


class Synonyms(Protocol):
    """What use cases of synonyms need to remember things."""

    def find(self, name: str) -> KeptGroup | None:
        """The group of this name, whether its edit counts or was forgotten."""

    def count(self) -> int:
        """How many edits count, at most MOST_GROUPS."""

    def save(self, fact: GroupChanged | GroupRemoved) -> KeptGroup:
        """Write it and tell its fact. Raises: Stale."""

    def page(self, *, after: str, size: int) -> list[KeptGroup]:
        """Those whose edits count, in order of their names, beginning after `after`."""


def save_synonyms(
    group: SynonymGroup, *, seen: int, caller: Caller, synonyms: Synonyms
) -> KeptGroup:
    """Edit a group of synonyms. Raises: OutOfReach (Rule I-32), Stale, SynonymGroupsFull."""
    _check_may_edit(caller)
    kept = synonyms.find(group.name)
    domain.check_version(kept, seen)
    changed = domain.save_group(kept, group)
    if changed is None:
        assert kept is not None  # only what is kept can be said already
        return kept
    if (kept is None or not kept.active) and synonyms.count() >= MOST_GROUPS:
        raise SynonymGroupsFull
    return synonyms.save(changed)


def remove_synonyms(name: str, *, seen: int, caller: Caller, synonyms: Synonyms) -> None:
    """Forget the edit of a group; what the platform brings along counts again.

    Raises:
        OutOfReach (Rule I-32), SynonymGroupNotFound, Stale.
    """
    _check_may_edit(caller)
    kept = synonyms.find(name)
    domain.check_version(kept, seen)
    synonyms.save(domain.remove_group(kept))


def get_synonyms(name: str, *, synonyms: Synonyms) -> KeptGroup:
    """One edited group. Raises: SynonymGroupNotFound, also once its edit was forgotten."""
    kept = synonyms.find(name)
    if kept is None or not kept.active:
        raise SynonymGroupNotFound
    return kept


def _check_may_edit(caller: Caller) -> None:
    check_reach(caller, "", "")
    if not domain.may_edit(caller.kind, caller.region):
        raise OutOfReach("同义词对各地的查询都生效，请由省级清单发布员修改。")
