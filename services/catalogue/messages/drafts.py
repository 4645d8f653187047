"""Drafts to messages and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from zhengtong.catalogue.v1 import catalogue_pb2, draft_pb2

from services.catalogue.domain import drafts
from services.catalogue.messages.items import values_of
from services.catalogue.messages.quality import finding_message

if TYPE_CHECKING:
    from services.catalogue.domain.drafts import Content, Draft, Judgement


def draft_content_of(message: catalogue_pb2.Item) -> Content:
    """What an editor hands in. Raises: DraftInvalid."""
    return drafts.content_of(values_of(message))


def draft_message(draft: Draft) -> draft_pb2.Draft:
    item: Any = json_format.ParseDict(
        dict(draft.content.values), catalogue_pb2.Item(), ignore_unknown_fields=True
    )
    return draft_pb2.Draft(
        draft_id=draft.draft_id,
        version=draft.version,
        create_time=draft.create_time,
        save_time=draft.save_time,
        expire_time=draft.expire_time,
        item=item,
    )


def outline_message(draft: Draft) -> draft_pb2.DraftOutline:
    return draft_pb2.DraftOutline(
        draft_id=draft.draft_id,
        version=draft.version,
        task_name=draft.content.task_name,
        dept_code=draft.content.dept_code,
        region_code=draft.content.region_code,
        create_time=draft.create_time,
        save_time=draft.save_time,
        expire_time=draft.expire_time,
    )


def judged(draft: Draft, found: Judgement) -> dict[str, Any]:
    """A draft and what it lacks, as the fields of an answer."""
    return {
        "draft": draft_message(draft),
        "faults": [
            draft_pb2.DraftFault(field=one.field, description=one.description)
            for one in found.faults
        ],
        "findings": [finding_message(one) for one in found.findings],
    }
