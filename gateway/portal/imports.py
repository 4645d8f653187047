"""Editors import items from a file: first what that would do, then the same file for good."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import StreamingResponse
from starlette.routing import Route
from zhengtong.catalogue.v1 import catalogue_pb2
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb
from zhengtong.imports.v1 import imports_pb2

from gateway.contracts import SERVICES, permission_of, roles_of
from gateway.csv_export import csv_lines
from gateway.openapi.texts import chinese_name
from gateway.portal import item_sheet
from gateway.portal.desk import FINE, Trouble, for_the_signed_in, trouble_of
from gateway.portal.labels import ROW_OUTCOMES
from gateway.portal.pages import page
from gateway.problems import problem_of
from gateway.refusals import FormForged, RequestInvalid
from services.common.access import authorise
from services.common.errors import DomainError, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.multipart import Upload
    from gateway.portal.desk import Desk
    from gateway.portal.visits import Visit
    from services.common.access import Caller

PATH: Final = "/desk/imports"
COMMIT: Final = f"{PATH}/commit"
REPORT: Final = f"{PATH}/report.csv"
FILE: Final = "file"
MODES: Final = {
    "overwrite": imports_pb2.IMPORT_MODE_OVERWRITE,
    "keep": imports_pb2.IMPORT_MODE_KEEP,
}
"""What becomes of items that are there already, as forms say it."""
ROWS_SHOWN: Final = 50
DIGEST: Final = 64  # characters
REQUEST_ID: Final = 32  # characters
METHOD: Final = SERVICES["catalogue"].methods_by_name["ImportItems"]
ROLES: Final = roles_of(METHOD)
ITEM: Final = catalogue_pb2.Item.DESCRIPTOR
COLUMNS: Final = ("行号", "结果", "事项编号", "字段", "说明")
_OTHER_FILE: Final = (
    "这次选择的文件与预览的不是同一个文件（或者预览之后又改过）。"
    "请选择预览过的文件，或者重新预览新的文件。"
)
_NO_SHAPE: Final = (
    "看不出文件里各列是什么：列名与填报模板、国家交换表和本平台的字段名都对不上。"
    "请下载填报模板，按模板的列名填写。"
)
_REQUEST_ID: Final = re.compile(f"[0-9a-f]{{{REQUEST_ID}}}", re.ASCII)


def has_imports(caller: Caller) -> bool:
    """Whether somebody may import items."""
    return not ROLES.isdisjoint(caller.roles) and not caller.on_behalf_of


@dataclass(frozen=True, slots=True)
class Told:
    """One row as the page shows it.

    Args:
        fields: those at fault, or those that change, by their Chinese names where they have one.
        says: what to do about it, or what else should be known.
    """

    row: int
    outcome: int
    subject: str
    fields: tuple[str, ...]
    says: str


class ImportPages:
    """`/desk/imports`: choose a file, see what it would do, and import that same file.

    Nothing is kept between the steps: the file is chosen again, and its digest has to be the same.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._limits = desk.limits

    def routes(self) -> list[BaseRoute]:
        return [
            Route(PATH, self.choose, methods=["GET"]),
            Route(PATH, self.preview, methods=["POST"]),
            Route(COMMIT, self.commit, methods=["POST"]),
            Route(REPORT, self.report, methods=["POST"]),
        ]

    @for_the_signed_in
    async def choose(self, request: Request, this: Visit) -> Response:
        """The form for a file."""
        del request
        _admit(this)
        return self._choose(FINE)

    @for_the_signed_in
    async def preview(self, request: Request, this: Visit) -> Response:
        """What the file would do; nothing is kept."""
        _admit(this)
        form: Mapping[str, str] = {}
        try:
            form, upload = await self._desk.upload(request, FILE, {"mode": 10})
            answer = await self._ask("PreviewImport", _previewing(form, upload), this)
        except FormForged:
            raise
        except DomainError as error:
            return self._choose(_trouble(error), form.get("mode", ""))
        return self._previewed(answer, form["mode"], sha256(upload.data).hexdigest(), FINE)

    @for_the_signed_in
    async def commit(self, request: Request, this: Visit) -> Response:
        """Import the file that was seen; sent twice, it acts once."""
        _admit(this)
        fields = {"mode": 10, "sha256": DIGEST, "request_id": REQUEST_ID}
        form: Mapping[str, str] = {}
        try:
            form, upload = await self._desk.upload(request, FILE, fields)
            _check_same(form, upload)
            asked = pb.ImportItemsRequest(
                file={"content_type": upload.media_type, "data": upload.data},
                mode=_mode(form),
                request_id=form["request_id"],
            )
            answer = await self._ask("ImportItems", asked, this)
        except FormForged:
            raise
        except DomainError as error:
            return self._choose(_trouble(error), form.get("mode", ""))
        rows = [_refused(one) for one in answer.report.rejections]
        rows += [_noted(one) for one in answer.report.notes]
        waits = answer.HasField("submission")
        return page(
            "import_done.html",
            report=answer.report,
            submission=answer.submission if waits else None,
            rows=sorted(rows, key=lambda one: one.row)[:ROWS_SHOWN],
            more=max(0, len(rows) - ROWS_SHOWN),
        )

    @for_the_signed_in
    async def report(self, request: Request, this: Visit) -> Response:
        """What the file would do to each of its rows, as a table for a spreadsheet."""
        _admit(this)
        fields = {"mode": 10, "sha256": DIGEST, "request_id": REQUEST_ID}
        form: Mapping[str, str] = {}
        try:
            form, upload = await self._desk.upload(request, FILE, fields)
            _check_same(form, upload)
            answer = await self._ask("PreviewImport", _previewing(form, upload), this)
        except FormForged:
            raise
        except DomainError as error:
            return self._choose(_trouble(error), form.get("mode", ""))
        headers = {
            "content-disposition": 'attachment; filename="import-preview.csv"',
            "cache-control": "no-store",
        }
        return StreamingResponse(_table(answer), media_type="text/csv", headers=headers)

    async def _ask(self, method: str, asked: Any, this: Visit) -> Any:
        return await self._desk.clients.call(
            "catalogue", method, asked, caller=this.caller, timeout=self._limits.upload_seconds
        )

    def _choose(self, trouble: Trouble, mode: str = "") -> Response:
        return page(
            "imports.html",
            trouble.status,
            trouble.headers,
            trouble=trouble,
            mode=mode if mode in MODES else "overwrite",
            sheet=item_sheet.PATH,
            megabytes=self._limits.upload_bytes // 1024 // 1024,
        )

    def _previewed(self, answer: Any, mode: str, digest: str, trouble: Trouble) -> Response:
        rows = [told for one in answer.rows for told in _told(one)]
        refused = [one for one in rows if one.outcome == imports_pb2.ROW_OUTCOME_REJECTED]
        others = [
            one
            for one in rows
            if one.outcome == imports_pb2.ROW_OUTCOME_CHANGED
            or (one.says and one.outcome != imports_pb2.ROW_OUTCOME_REJECTED)
        ]
        return page(
            "import_preview.html",
            trouble.status,
            trouble.headers,
            trouble=trouble,
            report=answer.report,
            groups=[
                ("被拒的行", refused[:ROWS_SHOWN], len(refused)),
                ("变更和需要注意的行", others[:ROWS_SHOWN], len(others)),
            ],
            imports=answer.report.created + answer.report.changed > 0,
            mode=mode,
            digest=digest,
            request_id=uuid.uuid4().hex,
        )


def _trouble(error: DomainError) -> Trouble:
    """What to say of a refusal; the form has no field for what programs name a shape with."""
    if error.reason == "IMPORT_SHAPE_UNKNOWN":
        return Trouble(problem_of(error).status, _NO_SHAPE, {FILE: _NO_SHAPE})
    return trouble_of(error)


def _admit(this: Visit) -> None:
    """Raises: PermissionMissing, where somebody may not import at all."""
    authorise(this.caller, permission_of(METHOD), ROLES)


def _mode(form: Mapping[str, str]) -> imports_pb2.ImportMode:
    """Raises: RequestInvalid."""
    if form["mode"] not in MODES:
        told = "请选择“覆盖”或者“保留”。"
        raise RequestInvalid(told, Violation("mode", told))
    return MODES[form["mode"]]


def _check_same(form: Mapping[str, str], upload: Upload) -> None:
    """Raises: RequestInvalid, where it is not the file that was seen."""
    if sha256(upload.data).hexdigest() != form["sha256"]:
        raise RequestInvalid(_OTHER_FILE, Violation(FILE, _OTHER_FILE))
    if not _REQUEST_ID.fullmatch(form["request_id"]):
        raise RequestInvalid("表单填写有误，请重新预览。")


def _previewing(form: Mapping[str, str], upload: Upload) -> pb.PreviewImportRequest:
    return pb.PreviewImportRequest(
        file={"content_type": upload.media_type, "data": upload.data}, mode=_mode(form)
    )


def _told(one: imports_pb2.RowPreview) -> Iterator[Told]:
    """A row, once for each reason why it would be refused."""
    if one.rejections:
        yield from map(_refused, one.rejections)
        return
    fields = tuple(map(field_name, one.changed_fields))
    yield Told(one.row, one.outcome, one.subject, fields, one.note)


def _refused(one: imports_pb2.Rejection) -> Told:
    fields = (field_name(one.field),) if one.field else ()
    return Told(one.row, imports_pb2.ROW_OUTCOME_REJECTED, "", fields, one.reason)


def _noted(one: imports_pb2.Note) -> Told:
    return Told(one.row, imports_pb2.ROW_OUTCOME_KEPT, "", (), one.text)


def field_name(path: str) -> str:
    """A field of an item by its Chinese name; a column of another shape as the file has it.

    Args:
        path: such as `task_name` or `materials[0].name`.
    """
    message: Any = ITEM
    named = ""
    for part in path.split("."):
        name, _, place = part.rstrip("]").partition("[")
        field = message.fields_by_name.get(name) if message else None
        if field is None:
            return named or path
        named += chinese_name(field.full_name) or name
        named += f"第 {int(place) + 1} 项" if place.isdecimal() else ""
        message = field.message_type
    return named


def _table(answer: Any) -> Iterator[bytes]:
    rows = (
        (
            told.row,
            ROW_OUTCOMES.get(told.outcome, ""),
            told.subject,
            "、".join(told.fields),
            told.says,
        )
        for one in answer.rows
        for told in _told(one)
    )
    return (line.encode() for line in csv_lines(COLUMNS, rows))
