"""Groups of synonyms to messages and back, and their facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf import json_format
from zhengtong.catalogue.v1 import catalogue_events_pb2 as events_pb
from zhengtong.catalogue.v1 import synonym_group_pb2 as pb
from zhengtong.search.v1 import search_pb2

from services.catalogue.domain import synonyms
from services.catalogue.domain.synonyms import GroupRemoved
from services.common import fields

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from services.catalogue.domain.synonyms import GroupChanged, KeptGroup, SynonymGroup

_TABLE: Final = ".synonyms"
"""Kind of the card: a row of a table for the one-stop query itself, which nobody is shown."""


def synonyms_of(message: pb.SynonymGroup) -> SynonymGroup:
    """The group of synonyms a caller hands in. Raises: SynonymGroupInvalid."""
    values = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return synonyms.group_of(values)


def synonyms_message(kept: KeptGroup) -> pb.SynonymGroup:
    return pb.SynonymGroup(
        version=kept.version, update_time=kept.update_time, **fields.plain(kept.group)
    )


def synonym_fact(fact: GroupChanged | GroupRemoved) -> Message:
    """The fact; why a group was edited is nothing that readers need."""
    group = fact.kept.group
    if isinstance(fact, GroupRemoved):
        removal = search_pb2.Removal(kind=_TABLE)
        return events_pb.SynonymGroupRemoved(removal=removal, name=group.name)
    card = search_pb2.Card(kind=_TABLE, title=group.name, aliases=group.words)
    return events_pb.SynonymGroupChanged(card=card)
