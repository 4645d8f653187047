"""The leading body edits the synonyms of the one-stop query, and sees beforehand what changes."""

from __future__ import annotations

import unicodedata
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.routing import Route
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb
from zhengtong.catalogue.v1 import synonym_group_pb2

from gateway.contracts import SERVICES, permission_of, roles_of
from gateway.onestop import text
from gateway.onestop.asked import QueryHasResidentId, QueryInvalid, read_text
from gateway.onestop.editing import MOST_WORDS
from gateway.onestop.synonyms import own_groups
from gateway.portal.desk import (
    FINE,
    for_the_signed_in,
    go,
    required,
    said,
    trouble_of,
    whole_number,
)
from gateway.portal.pages import page
from gateway.refusals import FormForged, RequestInvalid
from services.common.access import authorise
from services.common.errors import DomainError, Unavailable, Violation
from services.common.identifiers import find_resident_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.onestop.editing import Effect, Ungrouped
    from gateway.onestop.engine import OneStop
    from gateway.portal.desk import Desk, Trouble
    from gateway.portal.visits import Visit
    from services.common.access import Caller

PATH: Final = "/desk/synonyms"
RESTORE: Final = f"{PATH}/restore"
METHOD: Final = SERVICES["catalogue"].methods_by_name["SaveSynonymGroup"]
ROLES: Final = roles_of(METHOD)
IN_PAGE: Final = 100
LONGEST_NAME: Final = 40
_AT_ONCE: Final = 200
_CARRIED: Final = {"name": 200, "version": 20, "request_id": 32}
FIELDS: Final = {**_CARRIED, "words": 2000, "note": 200, "act": 10}
OWN, EDITED, NEW, REMOVED = "own", "edited", "new", "removed"
SAVE: Final = "save"


@dataclass(frozen=True, slots=True)
class Row:
    """A group of synonyms as the list shows it.

    Args:
        words: as edited; of one that was taken away, those the platform brings along.
        kept: the edit; None: as the platform brings it along.
    """

    name: str
    words: tuple[str, ...]
    state: str
    kept: synonym_group_pb2.SynonymGroup | None = None

    def says(self, sought: str) -> bool:
        """Whether its name or a word of it holds a folded text."""
        return any(sought in text.fold(one) for one in (self.name, *self.words))


def sees_synonyms(caller: Caller) -> bool:
    """Whether somebody may see and edit the synonyms."""
    return not ROLES.isdisjoint(caller.roles) and not caller.on_behalf_of


class SynonymPages:
    """`/desk/synonyms`: the groups, a form for one of them, and what an edit would change."""

    def __init__(self, desk: Desk, onestop: OneStop) -> None:
        self._desk = desk
        self._onestop = onestop

    def routes(self) -> list[BaseRoute]:
        return [
            Route(PATH, self.show, methods=["GET"]),
            Route(PATH, self.take, methods=["POST"]),
            Route(RESTORE, self.restore, methods=["POST"]),
        ]

    @for_the_signed_in
    async def show(self, request: Request, this: Visit) -> Response:
        """The list; the form where a group is named, or words for a new one are."""
        asked = request.query_params
        edited = await self._edited(this)
        words = [word[:LONGEST_NAME] for word in map(_impersonal, asked.getlist("word")) if word]
        name = _impersonal(asked.get("name", ""))
        if name or words or "new" in asked:
            name = _tidy(name or _name_of(words))
            return self._form(_filled(name, words[:MOST_WORDS], edited))
        sought = _impersonal(asked.get("filter", ""))[:LONGEST_NAME]
        return await self._list(sought, edited, said(request))

    @for_the_signed_in
    async def take(self, request: Request, this: Visit) -> Response:
        """Show what an edit would change, or save it; saved twice, it acts once."""
        authorise(this.caller, permission_of(METHOD), ROLES)
        form: Mapping[str, str] = {}
        try:
            form = await self._desk.form(request, FIELDS)
            name, words = _read(form)
            await self._check_new(form, name, words, this)
            if form["act"] != SAVE:
                return self._form(form, effects=await self._onestop.preview(name, words))
            await self._save(form, name, words, this)
        except FormForged:
            raise
        except DomainError as error:
            return self._form(_without_persons(form), trouble=trouble_of(error))
        return go(f"{PATH}?{urlencode({'filter': name})}", "synonyms")

    @for_the_signed_in
    async def restore(self, request: Request, this: Visit) -> Response:
        """Forget an edit: what the platform brings along counts again."""
        authorise(this.caller, permission_of(METHOD), ROLES)
        name = ""
        try:
            form = await self._desk.form(request, _CARRIED)
            name = form["name"]
            asked = pb.RemoveSynonymGroupRequest(
                group_name=name,
                request_id=form["request_id"],
                version=whole_number(form, "version"),
            )
            await self._ask("RemoveSynonymGroup", asked, this)
        except FormForged:
            raise
        except DomainError as error:
            return await self._list(name, await self._edited(this), trouble=trouble_of(error))
        onward = {"filter": name} if name in own_groups() else {}
        return go(f"{PATH}?{urlencode(onward)}" if onward else PATH, "synonyms_restored")

    async def _check_new(
        self, form: Mapping[str, str], name: str, words: Sequence[str], this: Visit
    ) -> None:
        """Raises: RequestInvalid, where somebody edited a group after the form was made.

        A form of a group that nobody had edited says version 0, which the catalogue takes for
        whatever it has. One that has the very words already was saved by this form.
        """
        if whole_number(form, "version"):
            return
        kept = (await self._edited(this)).get(name)
        if kept and list(kept.words) != [*words]:
            told = "已有这个组名的词组，请在列表里查找并修改它，或者换一个组名。"
            raise RequestInvalid(told, Violation("name", told))

    async def _save(
        self, form: Mapping[str, str], name: str, words: Sequence[str], this: Visit
    ) -> None:
        group = synonym_group_pb2.SynonymGroup(name=name, words=words, note=form["note"])
        asked = pb.SaveSynonymGroupRequest(
            group=group, request_id=form["request_id"], version=whole_number(form, "version")
        )
        await self._ask("SaveSynonymGroup", asked, this)

    async def _list(
        self,
        sought: str,
        edited: Mapping[str, synonym_group_pb2.SynonymGroup],
        told: str = "",
        *,
        trouble: Trouble = FINE,
    ) -> Response:
        folded = text.fold(sought)
        rows = [row for row in _rows(edited) if row.says(folded)]
        return page(
            "synonyms.html",
            trouble.status,
            trouble.headers,
            rows=rows[:IN_PAGE],
            total=len(rows),
            sought=sought,
            ungrouped=await self._ungrouped(),
            own=own_groups(),
            trouble=trouble,
            said=told,
            new_id=lambda: uuid.uuid4().hex,
        )

    def _form(
        self,
        form: Mapping[str, str],
        *,
        effects: Sequence[Effect] | None = None,
        trouble: Trouble = FINE,
    ) -> Response:
        name = _tidy(form.get("name", ""))
        return page(
            "synonym_group.html",
            trouble.status,
            trouble.headers,
            form=form,
            known=name in own_groups() or form.get("version", "0") not in ("", "0"),
            own=own_groups().get(name, ()),
            effects=effects,
            trouble=trouble,
            new_id=lambda: uuid.uuid4().hex,
        )

    async def _ungrouped(self) -> Sequence[Ungrouped]:
        try:
            return await self._onestop.ungrouped()
        except Unavailable:
            return ()  # there is no index yet; the groups are there all the same

    async def _edited(self, this: Visit) -> dict[str, synonym_group_pb2.SynonymGroup]:
        """All that officers edited, by name."""
        found: dict[str, synonym_group_pb2.SynonymGroup] = {}
        token = ""
        while True:
            asked = pb.ListSynonymGroupsRequest(page_size=_AT_ONCE, page_token=token)
            answer = await self._ask("ListSynonymGroups", asked, this)
            found |= {one.name: one for one in answer.groups}
            token = answer.next_page_token
            if not token:
                return found

    async def _ask(self, method: str, asked: Any, this: Visit) -> Any:
        return await self._desk.clients.call("catalogue", method, asked, caller=this.caller)


def _rows(edited: Mapping[str, synonym_group_pb2.SynonymGroup]) -> list[Row]:
    """Every group: those that were edited first, then as the platform brings them along."""
    own = own_groups()
    rows = [
        Row(name, tuple(kept.words) or own.get(name, ()), _state(name, kept), kept)
        for name, kept in edited.items()
    ]
    return rows + [Row(name, words, OWN) for name, words in own.items() if name not in edited]


def _state(name: str, kept: synonym_group_pb2.SynonymGroup) -> str:
    if not kept.words:
        return REMOVED
    return EDITED if name in own_groups() else NEW


def _filled(
    name: str, words: Iterable[str], edited: Mapping[str, synonym_group_pb2.SynonymGroup]
) -> dict[str, str]:
    """The form for a group with these words beside those that it has."""
    kept = edited.get(name)
    has = kept.words if kept else own_groups().get(name, ())
    return {
        "name": name,
        "words": "\n".join(dict.fromkeys([*has, *words])),
        "note": kept.note if kept else "",
        "version": str(kept.version if kept else 0),
    }


def _read(form: Mapping[str, str]) -> tuple[str, list[str]]:
    """The name and the words of a form, one a line. Raises: RequestInvalid."""
    required(form, "name")
    for field in ("name", "note"):
        if find_resident_ids(form[field]):
            told = "这里不要写公民身份号码，已经删去。"
            raise RequestInvalid(told, Violation(field, told))
    lines = (" ".join(line.split()) for line in form["words"].splitlines())
    words = list(dict.fromkeys(filter(None, lines)))
    if len(words) > MOST_WORDS:
        told = f"一组最多 {MOST_WORDS} 个词，请删去不常用的。"
        raise RequestInvalid(told, Violation("words", told))
    for word in words:
        try:
            read_text(word)
        except QueryHasResidentId:
            told = "同义词里不要写公民身份号码，已经删去。"
            raise RequestInvalid(told, Violation("words", told)) from None
        except QueryInvalid as error:
            told = f"“{word[:LONGEST_NAME]}”：{error}"
            raise RequestInvalid(told, Violation("words", told)) from None
    return _tidy(form["name"]), words


def _without_persons(form: Mapping[str, str]) -> dict[str, str]:
    """A form as it may be shown again: an identity number is not."""
    shown = {name: _impersonal(value) for name, value in form.items()}
    lines = map(_impersonal, form.get("words", "").splitlines())
    return {**shown, "words": "\n".join(filter(None, lines))}


def _impersonal(typed: str) -> str:
    """A text as typed; nothing of one that holds a natural person's identity number."""
    return "" if find_resident_ids(typed) else typed


def _tidy(name: str) -> str:
    """A name as the catalogue keeps it."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _name_of(words: Sequence[str]) -> str:
    """A name for a new group, of the letters and digits of its first word."""
    return text.squeeze(text.fold(words[0])) if words else ""
