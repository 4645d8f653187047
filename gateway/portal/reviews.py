"""Officers review what is to be made public, and see what became of their own (公开前保密审查)."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.descriptor_pool import Default as DefaultPool
from starlette.responses import StreamingResponse
from starlette.routing import Route
from zhengtong.review.v1 import review_pb2
from zhengtong.review.v1 import review_service_pb2 as pb

from gateway.contracts import SHARED, roles_of
from gateway.csv_export import csv_lines
from gateway.openapi.texts import describe_call, translations
from gateway.portal.contents import content_of
from gateway.portal.desk import FINE, for_the_signed_in, go, said, trouble_of, whole_number
from gateway.portal.labels import SUBMISSION_STATES
from gateway.portal.pages import not_found, page
from gateway.refusals import DepartmentFailed, FormForged
from services.common.access import PUBLICATION_REVIEWER
from services.common.errors import DomainError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from google.protobuf.descriptor import MethodDescriptor
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.portal.contents import Table
    from gateway.portal.desk import Desk, Trouble
    from gateway.portal.visits import Visit
    from services.common.access import Caller

    Answer = Callable[["ReviewPages", Request, Visit], Awaitable[Response]]

PATH: Final = "/desk/reviews"
SERVICE: Final = SHARED["review"]
ROLES: Final = roles_of(SERVICE.methods_by_name["ListSubmissions"])
"""Who has something to do here."""
PENDING: Final = review_pb2.SUBMISSION_STATE_PENDING
APPROVED: Final = review_pb2.SUBMISSION_STATE_APPROVED
REJECTED: Final = review_pb2.SUBMISSION_STATE_REJECTED
WITHDRAWN: Final = review_pb2.SUBMISSION_STATE_WITHDRAWN
EVERY: Final = "all"
SHOWN_TOGETHER: Final = 10
SHOWN_ALONE: Final = 50
ROWS_SHOWN: Final = 100
COUNTED: Final = 100
"""At most, of a department."""
DEADLINE: Final = 5.0  # seconds
FIELDS: Final = {"opinion": 600, "version": 18}
"""An opinion of more than 500 characters is refused by the department, which says so."""
DECISIONS: Final = {
    "approve": ("ApproveSubmission", pb.ApproveSubmissionRequest, "approved"),
    "reject": ("RejectSubmission", pb.RejectSubmissionRequest, "rejected"),
    "withdraw": ("WithdrawSubmission", pb.WithdrawSubmissionRequest, "withdrawn"),
}
"""The call, its request and what the next page says, by the last part of the address."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one department has.

    Args:
        onward: page token of what follows; empty where that is all.
        away: it did not answer.
    """

    department: str
    submissions: Sequence[Any] = ()
    onward: str = ""
    away: bool = False


def has_reviews(caller: Caller) -> bool:
    """Whether somebody submits for review, or reviews."""
    return not ROLES.isdisjoint(caller.roles) and not caller.on_behalf_of


def _of_a_department(answer: Answer) -> Callable[[ReviewPages, Request], Awaitable[Response]]:
    """A page for the signed-in whose address names a department that makes something public."""

    async def checked(pages: ReviewPages, request: Request, this: Visit) -> Response:
        if request.path_params["department"] not in pages.departments:
            return not_found(request)
        return await answer(pages, request, this)

    return for_the_signed_in(checked)


class ReviewPages:
    """`/desk/reviews`: a list over all departments, a list of one, and each submission."""

    def __init__(self, desk: Desk, departments: Sequence[str]) -> None:
        self._desk = desk
        self.departments = departments

    def routes(self) -> list[BaseRoute]:
        of_one = f"{PATH}/{{department}}/{{submission_id}}"
        return [
            Route(PATH, self.overview, methods=["GET"]),
            Route(f"{PATH}/{{department}}", self.of_department, methods=["GET"]),
            Route(of_one, self.submission, methods=["GET"]),
            Route(f"{of_one}/rows.csv", self.rows, methods=["GET"]),
            Route(f"{of_one}/{{decision}}", self.decide, methods=["POST"]),
        ]

    @for_the_signed_in
    async def overview(self, request: Request, this: Visit) -> Response:
        """What waits in every department; an address can ask for what was decided."""
        state = _state(request)
        asked = [self._part(one, state, this.caller, SHOWN_TOGETHER) for one in self.departments]
        return _list_page(request, this, state, await asyncio.gather(*asked))

    @_of_a_department
    async def of_department(self, request: Request, this: Visit) -> Response:
        """What one department has, page by page."""
        department, state = request.path_params["department"], _state(request)
        after = request.query_params.get("page_token", "")
        part = await self._part(department, state, this.caller, SHOWN_ALONE, after)
        return _list_page(request, this, state, [part])

    @_of_a_department
    async def submission(self, request: Request, this: Visit) -> Response:
        """One submission and what it would make public."""
        return await self._page(request, this, FINE, "")

    @_of_a_department
    async def rows(self, request: Request, this: Visit) -> Response:
        """All rows of a submitted file, as a table for a spreadsheet."""
        found = await self._get(request, this)
        table = content_of(_method(found.submission), found.content).table
        if table is None:
            return not_found(request)
        headers = {
            "content-disposition": f'attachment; filename="{found.submission.submission_id}.csv"',
            "cache-control": "no-store",
        }
        return StreamingResponse(_encoded(table), media_type="text/csv", headers=headers)

    @_of_a_department
    async def decide(self, request: Request, this: Visit) -> Response:
        """Approve, reject or take back."""
        if request.path_params["decision"] not in DECISIONS:
            return not_found(request)
        method, kind, done = DECISIONS[request.path_params["decision"]]
        form: dict[str, str] = {}
        try:
            form = await self._desk.form(request, FIELDS, ("opinion",))
            asked: Any = kind(
                **_named(request),
                version=whole_number(form, "version"),
                request_id=uuid.uuid4().hex,
            )
            if isinstance(asked, (pb.ApproveSubmissionRequest, pb.RejectSubmissionRequest)):
                asked.opinion = form.get("opinion", "")
            await self._ask(method, asked, this.caller)
        except FormForged:
            raise
        except DomainError as error:
            return await self._page(request, this, trouble_of(error), form.get("opinion", ""))
        return go(PATH, done)

    async def waiting(self, caller: Caller) -> list[Part]:
        """What waits in each department; nothing for those who have nothing to do here."""
        if not has_reviews(caller):
            return []
        asked = [self._part(one, PENDING, caller, COUNTED) for one in self.departments]
        return list(await asyncio.gather(*asked))

    async def _part(
        self,
        department: str,
        state: review_pb2.SubmissionState,
        caller: Caller,
        size: int,
        after: str = "",
    ) -> Part:
        """One department's; a department that is down takes nothing from the others."""
        asked = pb.ListSubmissionsRequest(
            department=department, state=state, page_size=size, page_token=after
        )
        try:
            answer = await self._ask("ListSubmissions", asked, caller)
        except (Unavailable, DepartmentFailed):
            return Part(department, away=True)
        return Part(department, answer.submissions, answer.next_page_token)

    async def _get(self, request: Request, this: Visit) -> Any:
        return await self._ask(
            "GetSubmission", pb.GetSubmissionRequest(**_named(request)), this.caller
        )

    async def _ask(self, method: str, request: Any, caller: Caller) -> Any:
        name = f"{SERVICE.full_name}.{method}"
        return await self._desk.clients.call(
            request.department, name, request, caller=caller, timeout=DEADLINE
        )

    async def _page(
        self, request: Request, this: Visit, trouble: Trouble, opinion: str
    ) -> Response:
        found = await self._get(request, this)
        one = found.submission
        own = one.author == this.caller.principal
        return page(
            "submission.html",
            trouble.status,
            trouble.headers,
            one=one,
            department=request.path_params["department"],
            does=describe_call(_method(one)).title,
            content=content_of(_method(one), found.content),
            rows_shown=ROWS_SHOWN,
            waits=one.state == PENDING,
            own=own,
            reviews=not own and PUBLICATION_REVIEWER in this.caller.roles,
            opinion=opinion,
            trouble=trouble,
        )


def _list_page(
    request: Request, this: Visit, state: review_pb2.SubmissionState, parts: Sequence[Part]
) -> Response:
    return page(
        "reviews.html",
        parts=parts,
        alone=request.path_params.get("department", ""),
        names=translations()["departments"],
        does=lambda one: describe_call(_method(one)).title,
        states={name: text for name, (_, text) in _STATES.items()},
        state=next(name for name, (number, _) in _STATES.items() if number == state),
        own=this.caller.principal,
        reviews=PUBLICATION_REVIEWER in this.caller.roles,
        said=said(request),
    )


_STATES: Final = {
    "pending": (PENDING, SUBMISSION_STATES[PENDING]),
    "approved": (APPROVED, SUBMISSION_STATES[APPROVED]),
    "rejected": (REJECTED, SUBMISSION_STATES[REJECTED]),
    "withdrawn": (WITHDRAWN, SUBMISSION_STATES[WITHDRAWN]),
    EVERY: (review_pb2.SUBMISSION_STATE_UNSPECIFIED, "全部"),
}
"""What the address of a list may ask for: its number in the contract, and its name."""


def _state(request: Request) -> review_pb2.SubmissionState:
    """The state that a list is asked for; what waits, unless told."""
    return _STATES.get(request.query_params.get("state", ""), (PENDING, ""))[0]


def _named(request: Request) -> dict[str, str]:
    """The fields of a request that the address holds."""
    return {name: request.path_params[name] for name in ("department", "submission_id")}


def _method(submission: Any) -> MethodDescriptor:
    return DefaultPool().FindMethodByName(submission.call)


def _encoded(table: Table) -> Iterator[bytes]:
    return (line.encode() for line in csv_lines(table.names, table.cells()))
