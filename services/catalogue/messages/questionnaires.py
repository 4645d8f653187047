"""Questionnaires to messages and back, and their facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import json_format
from zhengtong.catalogue.v1 import catalogue_events_pb2 as events_pb
from zhengtong.catalogue.v1 import catalogue_service_pb2 as service_pb
from zhengtong.catalogue.v1 import questionnaire_pb2 as pb

from services.catalogue.domain import questionnaires
from services.common import fields

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from services.catalogue.domain.questionnaires import (
        KeptQuestionnaire,
        Questionnaire,
        Reached,
    )


def questionnaire_of(message: pb.Questionnaire) -> Questionnaire:
    """The questionnaire a caller hands in. Raises: QuestionnaireInvalid."""
    values = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return questionnaires.questionnaire_of(values)


def questionnaire_message(kept: KeptQuestionnaire) -> pb.Questionnaire:
    return pb.Questionnaire(
        version=kept.version,
        active=kept.active,
        update_time=kept.update_time,
        **fields.plain(kept.questionnaire),
    )


def answer_message(
    kept: KeptQuestionnaire, reached: Reached
) -> service_pb.AnswerQuestionnaireResponse:
    found = service_pb.AnswerQuestionnaireResponse(version=kept.version)
    if reached.question is not None:
        found.question.CopyFrom(pb.Ask(**fields.plain(reached.question)))
    if reached.outcome is not None:
        found.outcome.CopyFrom(pb.Outcome(**fields.plain(reached.outcome)))
    return found


def questionnaire_fact(kept: KeptQuestionnaire, *, newly: bool) -> Message:
    if not kept.active:
        return events_pb.QuestionnaireWithdrawn(item_id=kept.questionnaire.item_id)
    kind = events_pb.QuestionnairePublished if newly else events_pb.QuestionnaireRevised
    return kind(questionnaire=questionnaire_message(kept))
