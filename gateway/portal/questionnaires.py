"""The pages of questionnaires (情形引导): question by question, by links alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from gateway.portal.details import DEADLINE
from gateway.portal.pages import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.onestop.live import Calls

MOST_ANSWERS: Final = 50
ANSWER: Final = "a"


class QuestionnairePages:
    """`/items/{item_id}/questions`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def routes(self) -> list[BaseRoute]:
        return [Route("/items/{item_id:path}/questions", self.ask, methods=["GET"])]

    async def ask(self, request: Request) -> Response:
        """The next question, or what applies; the address holds the answers so far."""
        item_id = request.path_params["item_id"]
        answers = request.query_params.getlist(ANSWER)[:MOST_ANSWERS]
        asked = pb.AnswerQuestionnaireRequest(item_id=item_id, answers=answers)
        found = await self._calls.call("catalogue", "AnswerQuestionnaire", asked, timeout=DEADLINE)
        item = (
            await self._calls.call(
                "catalogue", "GetItem", pb.GetItemRequest(item_id=item_id), timeout=DEADLINE
            )
        ).item
        outcome = found.outcome if found.HasField("outcome") else None
        return page(
            "questions.html",
            item=item,
            answers=answers,
            question=None if outcome else found.question,
            outcome=outcome,
            way=_named(item, outcome.handle_item if outcome else ""),
            materials=[
                one
                for one in item.materials
                if outcome and (not outcome.materials or one.name in outcome.materials)
            ],
        )


def _named(item: object, code: str) -> str:
    """The name of the 业务办理项 of an outcome."""
    ways = getattr(item, "handle_items", ())
    return next((one.name for one in ways if code and one.code == code), "")
