"""A dossier (企业档案, 一企一档): what each department shows of one organisation, asked just now.

No department is named here. Each that has an address is asked at the same time for its part; one
that does not serve the call has none, and one that comes later has its sections without a change.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson
from starlette.routing import Route
from zhengtong.dossier.v1 import dossier_service_pb2 as pb

from gateway.onestop.cards import rfc3339
from gateway.refusals import (
    CallUnknown,
    DepartmentFailed,
    DepartmentSlow,
    MethodRefused,
    RequestInvalid,
)
from gateway.transcode.bodies import Faults
from gateway.transcode.queries import Query
from services.common.errors import DomainError, Invalid, NotFound, Unavailable, Violation
from services.common.identifiers import (
    find_resident_ids,
    has_uscc_exception,
    normalise_code,
    uscc_problem,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from google.protobuf.message import Message
    from starlette.types import Receive, Scope, Send
    from zhengtong.dossier.v1.dossier_pb2 import Entry as EntryMessage
    from zhengtong.dossier.v1.dossier_pb2 import Section as SectionMessage

    from services.common.access import Caller

PATH: Final = "/api/v1/dossiers/{subject_code}"
GET_PART: Final = "zhengtong.dossier.v1.DossierService.GetPart"
DEADLINE: Final = 0.5  # seconds
MOST_ENTRIES: Final = 20
OK, UNAVAILABLE, TIMED_OUT = "ok", "unavailable", "timed_out"
_CODE = "subject_code"
_HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
_NO_PARAMETERS: Final = Query([])

logger = logging.getLogger(__name__)


class DossierCodeInvalid(Invalid):
    """What was asked for is no 统一社会信用代码; the text says what is wrong with it."""

    reason = "DOSSIER_CODE_INVALID"


class DossierCodeIsPersonal(Invalid):
    """What was asked for is a natural person's identity number; nothing says it again."""

    reason = "DOSSIER_CODE_IS_PERSONAL"


class DossierNotFound(NotFound):
    """Every department has answered, and none knows the code."""

    reason = "DOSSIER_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("各部门均没有这个统一社会信用代码的公开信息。")


class DossierUnavailable(Unavailable):
    """No department has answered: there is nothing to show, and nothing is known to be missing.

    Args:
        sources: all that were asked and have a part, or were not heard.
    """

    reason = "DOSSIER_UNAVAILABLE"

    def __init__(self, sources: Sequence[Source]) -> None:
        names = "、".join(source.department for source in sources)
        super().__init__(f"各部门（{names}）均没有答复，暂时无法汇集企业档案，请稍后再试。")
        self.sources = sources


class Calls(Protocol):
    """What calls the departments; gateway.clients.Clients is one."""

    def own(self) -> Caller:
        """The gateway itself."""

    async def call(  # the deadline travels with the call
        self,
        department: str,
        method: str,
        request: Message,
        *,
        caller: Caller,
        timeout: float,  # noqa: ASYNC109
    ) -> Any:
        """The answer. Raises: DomainError, DepartmentFailed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing; `url` is a path of the portal or empty, `date` ISO 8601 or empty."""

    title: str
    summary: str
    url: str
    code: str
    status: str
    date: str


@dataclass(frozen=True, slots=True)
class Section:
    """Things of one kind; `total` may be more than there are entries, `url` leads to more."""

    department: str
    kind: str
    title: str
    total: int
    entries: list[Entry]
    url: str


@dataclass(frozen=True, slots=True)
class Source:
    """What became of the question to one department.

    Args:
        status: ok | unavailable | timed_out.
        as_of: the department's clock as it answered, microseconds since 1970; 0: it did not.
    """

    department: str
    status: str
    as_of: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One department's part; without sections where it knows nothing or did not answer."""

    source: Source
    name: str = ""
    sections: list[Section] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Dossier:
    """All parts, in the order in which the departments were named."""

    subject_code: str
    parts: list[Part]

    @property
    def name(self) -> str:
        """What the first department that says so calls the organisation; empty: none does."""
        return next((part.name for part in self.parts if part.name), "")

    @property
    def sections(self) -> list[Section]:
        """Every section of every part."""
        return [section for part in self.parts for section in part.sections]

    @property
    def sources(self) -> list[Source]:
        """Every department that has a part, or was not heard."""
        return [part.source for part in self.parts]

    @property
    def unknown(self) -> bool:
        """Rule P-31: nobody knows the code, and everybody has said so."""
        return not self.sections and all(source.status == OK for source in self.sources)

    @property
    def unheard(self) -> bool:
        """Rule P-31: somebody was asked, and nobody has answered."""
        return bool(self.sources) and all(source.status != OK for source in self.sources)

    def json(self) -> bytes:
        """As the API gives it."""
        return orjson.dumps(
            {
                "subject_code": self.subject_code,
                "name": self.name,
                "sections": self.sections,
                "sources": [
                    {
                        "department": source.department,
                        "status": source.status,
                        "as_of": rfc3339(source.as_of) if source.as_of else None,
                    }
                    for source in self.sources
                ],
            }
        )


class Dossiers:
    """Gathers dossiers from every department that the public may hear of.

    Args:
        departments: whom to ask.
        deadline: seconds that each of them has; all are asked at once.
    """

    def __init__(
        self, departments: Sequence[str], calls: Calls, deadline: float = DEADLINE
    ) -> None:
        self._departments = departments
        self._calls = calls
        self._deadline = deadline
        self.route = Route(PATH, self)

    async def gather(self, text: str) -> Dossier:
        """The dossier of the code that somebody typed, with what has come by the deadline.

        Raises:
            DossierCodeInvalid, DossierCodeIsPersonal.
            DossierNotFound: Rule P-31: each department has answered, and none knows the code.
            DossierUnavailable: none has answered.
        """
        code = read_code(text)
        asked = (self._ask(name, code) for name in self._departments)
        found = Dossier(code, [part for part in await asyncio.gather(*asked) if part])
        if found.unknown:
            raise DossierNotFound
        if found.unheard:
            raise DossierUnavailable(found.sources)
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`GET /api/v1/dossiers/{subject_code}` as plain ASGI."""
        del receive
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodRefused("GET, HEAD")
        faults = Faults()
        _NO_PARAMETERS.read(scope["query_string"], {}, faults)
        if faults.violations:
            raise RequestInvalid("请求有误，请按 violations 逐项更正。", *faults.violations)
        body = (await self.gather(scope["path_params"][_CODE])).json()
        length = (b"content-length", str(len(body)).encode())
        start = {"type": "http.response.start", "status": 200, "headers": [*_HEADERS, length]}
        await send(start)
        await send({"type": "http.response.body", "body": body})

    async def _ask(self, department: str, code: str) -> Part | None:
        """One department's part; None: it has none for anybody."""
        request = pb.GetPartRequest(subject_code=code)
        caller, deadline = self._calls.own(), self._deadline
        try:
            async with asyncio.timeout(deadline * 1.2):  # the deadline travels; this bounds the way
                answer = await self._calls.call(
                    department, GET_PART, request, caller=caller, timeout=deadline
                )
        except CallUnknown:
            return None
        except (DepartmentSlow, TimeoutError):
            return Part(Source(department, TIMED_OUT))
        except DepartmentFailed as error:
            logger.error("a department failed: %s", error)  # noqa: TRY400  (it has told its trace)
            return Part(Source(department, UNAVAILABLE))
        except DomainError:
            return Part(Source(department, UNAVAILABLE))
        return _part(department, answer)


def read_code(text: str) -> str:
    """The 统一社会信用代码 that somebody typed, as registries write it.

    Rules P-1, P-2, P-3: right in both checks, or one of the lawful exceptions.

    Raises:
        DossierCodeInvalid, DossierCodeIsPersonal.
    """
    if find_resident_ids(text):
        told = "这是公民身份号码。企业档案不含自然人的信息，请勿输入。"
        raise DossierCodeIsPersonal(told, Violation(_CODE, told))
    code = normalise_code(text)
    problem = uscc_problem(code)
    if problem and not has_uscc_exception(code):
        raise DossierCodeInvalid(f"{problem}。", Violation(_CODE, problem))
    return code


def _part(department: str, answer: pb.GetPartResponse) -> Part:
    as_of = answer.as_of_time
    source = Source(department, OK, as_of.seconds * 1_000_000 + as_of.nanos // 1000)
    sections = [_section(department, section) for section in answer.sections]
    return Part(source, answer.subject_name, sections)


def _section(department: str, said: SectionMessage) -> Section:
    return Section(
        department=department,
        kind=said.kind,
        title=said.title,
        total=said.total,
        entries=_entries(said.entries[:MOST_ENTRIES]),
        url=_local(said.url),
    )


def _entries(said: Iterable[EntryMessage]) -> list[Entry]:
    return [
        Entry(one.title, one.summary, _local(one.url), one.code, one.status, one.entry_date)
        for one in said
    ]


def _local(url: str) -> str:
    """A path of the portal; what would lead out of it is left out."""
    return url if url.startswith("/") and not url.startswith(("//", "/\\")) else ""
