"""The basic catalogue to messages and back, and its facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import json_format
from zhengtong.catalogue.v1 import basic_item_pb2 as pb
from zhengtong.catalogue.v1 import catalogue_events_pb2 as events_pb

from services.catalogue.domain import basic_items
from services.catalogue.domain.basic_items import BasicWithdrawn
from services.common import fields

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from services.catalogue.domain import CodeProfile
    from services.catalogue.domain.basic_items import BasicChanged, BasicItem, KeptBasic


def basic_item_of(message: pb.BasicItem, profile: CodeProfile) -> BasicItem:
    """The item of the basic catalogue a caller hands in. Raises: BasicItemInvalid."""
    values = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return basic_items.basic_item_of(values, profile)


def basic_message(kept: KeptBasic) -> pb.BasicItem:
    return pb.BasicItem(
        version=kept.version,
        active=kept.active,
        update_time=kept.update_time,
        **fields.plain(kept.basic),
    )


def basic_fact(fact: BasicChanged | BasicWithdrawn) -> Message:
    basic = fact.kept.basic
    if isinstance(fact, BasicWithdrawn):
        return events_pb.BasicItemWithdrawn(
            catalog_code=basic.catalog_code, reason=fact.kept.reason
        )
    kind = events_pb.BasicItemPublished if fact.newly else events_pb.BasicItemRevised
    return kind(basic_item=basic_message(fact.kept), title=f"基本目录：{basic.catalog_name}")
