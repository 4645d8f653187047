"""Drafts in MongoDB: the store of one unit of work. They tell no facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bson.int64 import Int64
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.catalogue.domain.drafts import MOST_OF_BODY, Content, Draft
from services.catalogue.store.draft_documents import DRAFTS, DraftDocument
from services.common.access import NATIONWIDE
from services.common.errors import Stale
from services.common.identifiers import region_ancestors
from services.common.transaction import index_models

if TYPE_CHECKING:
    from pymongo.database import Database

    from services.catalogue.usecases import Scope
    from services.common.transaction import Unit

    Document = dict[str, Any]


def ensure(database: Database[Document]) -> None:
    """Make the indexes; MongoDB itself removes what has expired."""
    expiry = IndexModel([("expire_time", ASCENDING)], name="kept", expireAfterSeconds=0)
    database[DRAFTS].create_indexes([*index_models(DraftDocument), expiry])


class MongoDrafts:
    """The drafts of one unit of work; its audit row names those that were changed."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._rows = unit.database[DRAFTS]

    def find(self, draft_id: str) -> Draft | None:
        wanted = {"_id": draft_id, **self._alive()}
        document = self._rows.find_one(wanted, session=self._unit.session)
        return _draft(document) if document else None

    def count(self, dept_code: str) -> int:
        wanted = {"dept_code": dept_code, "regions": NATIONWIDE, **self._alive()}
        return self._rows.count_documents(wanted, limit=MOST_OF_BODY, session=self._unit.session)

    def save(self, draft: Draft) -> None:
        document = _document(draft)
        DraftDocument._from_son(document).validate()  # noqa: SLF001  (mongoengine's one way in)
        self._write(document)
        self._unit.note(subject_of(draft))

    def _write(self, document: Document) -> None:
        session = self._unit.session
        if document["version"] == 1:
            try:
                self._rows.insert_one(document, session=session)
            except DuplicateKeyError:
                raise Stale("请重新保存草稿。") from None
            return
        before = {"_id": document["_id"], "version": document["version"] - 1}
        if not self._rows.replace_one(before, document, session=session).matched_count:
            raise Stale("该草稿刚被他人修改，请重新读取后再保存。")

    def remove(self, draft: Draft) -> None:
        wanted = {"_id": draft.draft_id, "version": draft.version}
        if not self._rows.delete_one(wanted, session=self._unit.session).deleted_count:
            raise Stale("该草稿刚被他人修改，请重新读取。")
        self._unit.note(subject_of(draft))

    def page(self, scope: Scope, *, before: str, size: int) -> list[Draft]:
        wanted: Document = {"dept_code": scope.department} if scope.department else {}
        wanted |= {"regions": scope.region or NATIONWIDE}
        wanted |= {"place": {"$lt": before}} if before else {}
        found = self._rows.find(wanted | self._alive(), session=self._unit.session)
        return [_draft(document) for document in found.sort("place", -1).limit(size)]

    def _alive(self) -> Document:
        # MongoDB looks once a minute for what has expired.
        return {"expire_time": {"$gt": self._unit.now}}


def subject_of(draft: Draft) -> str:
    """What audit rows call a draft; the slash is in no id of an item."""
    return f"draft/{draft.draft_id}"


def _document(draft: Draft) -> Document:
    content = draft.content
    region = content.region_code
    return {
        "_id": draft.draft_id,
        "version": Int64(draft.version),
        "place": draft.place,
        "task_name": content.task_name,
        "dept_code": content.dept_code,
        "region_code": region,
        "regions": list(dict.fromkeys([region, *region_ancestors(region), NATIONWIDE])),
        "create_time": draft.create_time,
        "save_time": draft.save_time,
        "expire_time": draft.expire_time,
        "item": dict(content.values),
    }


def _draft(document: Document) -> Draft:
    content = Content(
        values=document["item"],
        task_name=document["task_name"],
        dept_code=document["dept_code"],
        region_code=document["region_code"],
    )
    return Draft(
        draft_id=document["_id"],
        content=content,
        version=int(document["version"]),
        create_time=document["create_time"],
        save_time=document["save_time"],
    )
