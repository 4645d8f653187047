"""Questionnaires: what applies to an applicant."""

import grpc
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages, usecases
from services.catalogue.servicer.desk import Desk
from services.catalogue.store import MongoQuestionnaires, MongoStore
from services.common.transaction import Unit


class Questionnaires(Desk):
    """Questionnaires of items (情形引导)."""

    def PublishQuestionnaire(
        self, request: pb.PublishQuestionnaireRequest, context: grpc.ServicerContext
    ) -> pb.PublishQuestionnaireResponse:
        made = messages.questionnaire_of(request.questionnaire)

        def work(unit: Unit) -> pb.PublishQuestionnaireResponse:
            kept = usecases.publish_questionnaire(
                made,
                seen=request.version,
                caller=unit.caller,
                rows=MongoQuestionnaires(unit),
                store=MongoStore(unit),
            )
            told = messages.questionnaire_message(kept)
            return pb.PublishQuestionnaireResponse(questionnaire=told)

        return self._department.change(request, pb.PublishQuestionnaireResponse, work)

    def WithdrawQuestionnaire(
        self, request: pb.WithdrawQuestionnaireRequest, context: grpc.ServicerContext
    ) -> pb.WithdrawQuestionnaireResponse:
        def work(unit: Unit) -> pb.WithdrawQuestionnaireResponse:
            kept = usecases.withdraw_questionnaire(
                request.item_id,
                seen=request.version,
                caller=unit.caller,
                rows=MongoQuestionnaires(unit),
                store=MongoStore(unit),
            )
            told = messages.questionnaire_message(kept)
            return pb.WithdrawQuestionnaireResponse(questionnaire=told)

        return self._department.change(request, pb.WithdrawQuestionnaireResponse, work)

    def GetQuestionnaire(
        self, request: pb.GetQuestionnaireRequest, context: grpc.ServicerContext
    ) -> pb.GetQuestionnaireResponse:
        rows = MongoQuestionnaires(self._department.reading())
        kept, _ = usecases.answer(request.item_id, (), rows=rows)
        return pb.GetQuestionnaireResponse(questionnaire=messages.questionnaire_message(kept))

    def AnswerQuestionnaire(
        self, request: pb.AnswerQuestionnaireRequest, context: grpc.ServicerContext
    ) -> pb.AnswerQuestionnaireResponse:
        rows = MongoQuestionnaires(self._department.reading())
        return messages.answer_message(
            *usecases.answer(request.item_id, request.answers, rows=rows)
        )
