"""`/dossier/{subject_code}` (企业档案): what each department shows of one organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from gateway.onestop.dossier import TIMED_OUT, UNAVAILABLE, DossierNotFound, DossierUnavailable
from gateway.portal.labels import DEPARTMENTS
from gateway.portal.pages import page
from gateway.problems import problem_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.onestop.dossier import Dossiers, Source

_TROUBLES: Final = {
    UNAVAILABLE: "暂不可用，这里没有它的信息。",
    TIMED_OUT: "没有及时答复，这里没有它的信息。",
}


class DossierPage:
    """The page, and who did not answer named on it."""

    def __init__(self, dossiers: Dossiers) -> None:
        self._dossiers = dossiers
        self.route = Route("/dossier/{subject_code}", self.show, methods=["GET"])

    async def show(self, request: Request) -> Response:
        """The dossier of the code in the address.

        Raises:
            DossierCodeInvalid, DossierCodeIsPersonal.
        """
        try:
            dossier = await self._dossiers.gather(request.path_params["subject_code"])
        except DossierNotFound as refusal:
            detail = f"{refusal}请核对代码是否有误。"
            return page("notice.html", 404, title="没有查到这个单位", detail=detail)
        except DossierUnavailable as refusal:
            return _nobody_heard(refusal)
        return page(
            "dossier.html",
            dossier=dossier,
            troubles=_troubles(dossier.sources),
            as_of=min((source.as_of for source in dossier.sources if source.as_of), default=0),
        )


def _nobody_heard(refusal: DossierUnavailable) -> Response:
    """The page that says of each department that it did not answer, and when to come back."""
    problem = problem_of(refusal)
    told = "".join(_troubles(refusal.sources))
    return page(
        "notice.html",
        problem.status,
        problem.headers,
        title="企业档案暂时无法提供",
        detail=f"各部门均没有答复。{told}请稍后刷新本页。",
    )


def _troubles(sources: Iterable[Source]) -> list[str]:
    return [text for source in sources if (text := _trouble(source))]


def _trouble(source: Source) -> str:
    """A sentence about a department that did not answer; empty where it did."""
    trouble = _TROUBLES.get(source.status, "")
    return DEPARTMENTS.get(source.department, source.department) + trouble if trouble else ""
