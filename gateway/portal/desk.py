"""What all pages of accounts share: who may see them, their forms, and what went wrong there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.responses import RedirectResponse

from gateway.csrf import FIELD
from gateway.forms import Form
from gateway.multipart import UploadForm
from gateway.portal.pages import page
from gateway.portal.visits import DEPARTMENT, Visit, visit
from gateway.problems import problem_of
from gateway.refusals import FormForged, RequestInvalid
from services.common.errors import Violation
from services.common.identifiers import find_resident_ids

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from google.protobuf.message import Message
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.clients import Clients
    from gateway.limits import Limits
    from gateway.multipart import Upload
    from gateway.portal.visits import Visits
    from services.common.access import Caller
    from services.common.errors import DomainError

TOKEN_LENGTH: Final = 200
CHANGE_FIRST: Final = "/account/password"
SAID: Final = {
    "out": "您已退出登录。",
    "registered": "账户已开立，请用刚才设置的登录名和密码登录。",
    "password": "密码已修改，其他设备上的登录都已退出。",
    "ended": "该处登录已退出。",
    "acting": "已切换办事身份。",
    "granted": "授权已生效。",
    "taken": "授权已收回，对方的登录已全部退出。",
    "approved": "已同意公开，内容即时生效。",
    "rejected": "已退回送审人，并告知理由。",
    "withdrawn": "送审已撤回。",
    "settled": "处理结果已保存。",
    "synonyms": "词组已保存，几秒钟后公众查询即按它进行，最长一分钟。",
    "synonyms_restored": "修改已撤销，几秒钟后公众查询即不再按它进行，最长一分钟。",
}
"""What a page says after something was done; an address can choose among these words only."""
_RETOLD: Final = "请按提示逐项更正后重新提交。"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a page says of a form that was refused.

    Args:
        fields: what is wrong, by the name of the form's field.
    """

    status: int = 200
    told: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


FINE: Final = Trouble()


def trouble_of(error: DomainError, names: Mapping[str, str] | None = None) -> Trouble:
    """What to say of a refusal.

    Args:
        names: the form's field by the name that the department has for it.
    """
    problem = problem_of(error)
    wrong = {(names or {}).get(one.field, one.field): one.description for one in error.violations}
    waits = {name: text for name, text in problem.headers.items() if name == "retry-after"}
    told = _RETOLD if wrong and "violations" in problem.detail else problem.detail
    return Trouble(problem.status, told, wrong, waits)


class Desk:
    """Hands the pages of accounts what they need.

    Args:
        demo: accounts to try the platform with exist, and everybody may know them.
        outside: what the button of the outside provider says; empty where there is none.
    """

    def __init__(
        self,
        clients: Clients,
        visits: Visits,
        limits: Limits,
        *,
        demo: bool = False,
        outside: str = "",
    ) -> None:
        self.clients = clients
        self.visits = visits
        self.demo = demo
        self.outside = outside
        self.limits = limits

    async def ask(self, method: str, request: Message, caller: Caller) -> Any:
        """A call of identity. Raises: DomainError, DepartmentFailed."""
        return await self.clients.call(DEPARTMENT, method, request, caller=caller)

    async def form(
        self, request: Request, fields: Mapping[str, int], optional: Iterable[str] = ()
    ) -> dict[str, str]:
        """What a form of somebody who is signed in holds.

        Raises:
            RequestInvalid, FormForged.
        """
        form = await self._read(request, fields, optional)
        self.visits.check(request.scope, form, visit())
        return form

    async def strangers_form(
        self, request: Request, fields: Mapping[str, int], optional: Iterable[str] = ()
    ) -> dict[str, str]:
        """What a form of somebody who has not signed in holds. Raises: as `form`."""
        form = await self._read(request, fields, optional)
        self.visits.check(request.scope, form)
        return form

    async def upload(
        self, request: Request, file: str, fields: Mapping[str, int]
    ) -> tuple[dict[str, str], Upload]:
        """What a form with a file holds, of somebody who is signed in.

        Raises:
            RequestInvalid, FormForged, UploadTypeRefused, FileNameRefused.
        """
        asked = UploadForm(file, {FIELD: TOKEN_LENGTH, **fields})
        try:
            form, upload = await asked.read(request.scope, request.receive, self.limits)
        except RequestInvalid as error:
            raise _forged_or(error) from None
        self.visits.check(request.scope, form, visit())
        return form, upload

    async def _read(
        self, request: Request, fields: Mapping[str, int], optional: Iterable[str]
    ) -> dict[str, str]:
        asked = Form({FIELD: TOKEN_LENGTH, **fields}, frozenset(optional))
        try:
            return await asked.read(request.scope, request.receive, self.limits)
        except RequestInvalid as error:
            raise _forged_or(error) from None


def _forged_or(error: RequestInvalid) -> DomainError:
    """A form without its token is none of ours; else what was wrong with it."""
    return FormForged() if any(one.field == FIELD for one in error.violations) else error


def required(form: Mapping[str, str], *names: str) -> None:
    """Raises: RequestInvalid, where a field holds nothing."""
    empty = [Violation(name, "请填写。") for name in names if not form[name].strip()]
    if empty:
        raise RequestInvalid("请把必填的内容填写完整。", *empty)


def whole_number(form: Mapping[str, str], name: str) -> int:
    """The number in a field that people do not fill in. Raises: RequestInvalid."""
    text = form[name]
    if not (text.isascii() and text.isdecimal()):
        raise RequestInvalid("表单填写有误，请刷新页面。", Violation(name, "应为整数。"))
    return int(text)


def go(path: str, said: str = "") -> Response:
    """Send the browser on after a form was taken; going back does not send it again."""
    url = f"{path}{'&' if '?' in path else '?'}said={said}" if said else path
    return RedirectResponse(url, 303, headers={"cache-control": "no-store"})


def said(request: Request) -> str:
    """What was done just before this page."""
    return SAID.get(request.query_params.get("said", ""), "")


def for_the_signed_in(
    answer: Callable[[Any, Request, Visit], Awaitable[Response]], *, also_unchanged: bool = False
) -> Callable[[Any, Request], Awaitable[Response]]:
    """A page that somebody has to be signed in for.

    Args:
        also_unchanged: also with a password that somebody else set.
    """

    async def guarded(pages: Any, request: Request) -> Response:
        this = visit()
        if this.trouble is not None:
            raise this.trouble
        if not this.signed_in:
            return _stranger(request, this)
        if this.must_change and not also_unchanged:
            return go(CHANGE_FIRST)
        return await answer(pages, request, this)

    return guarded


def while_unchanged(
    answer: Callable[[Any, Request, Visit], Awaitable[Response]],
) -> Callable[[Any, Request], Awaitable[Response]]:
    """As `for_the_signed_in`, also with a password that somebody else set."""
    return for_the_signed_in(answer, also_unchanged=True)


def _names_somebody(request: Request) -> bool:
    """Whether a parameter holds a natural person's identity number."""
    return any(find_resident_ids(text) for _, text in request.query_params.multi_items())


def _stranger(request: Request, this: Visit) -> Response:
    """Sign in first; whoever comes by a link from elsewhere perhaps is signed in."""
    here = request.url.path if request.method == "GET" else "/account"
    # What follows is a header: whoever typed an identity number comes back to an empty box.
    if request.method == "GET" and request.url.query and not _names_somebody(request):
        here += f"?{request.url.query}"
    if this.dormant and request.headers.get("sec-fetch-site") == "cross-site":
        return page("onward.html", here=here)
    return go(f"/sign-in?{urlencode({'next': here})}")
