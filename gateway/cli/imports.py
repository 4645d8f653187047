"""`zhengtong import`: a file of any size, in calls of 500 rows at most, each safe to repeat."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gateway.cli.saying import (
    DIFFERS,
    NO_ANSWER,
    REFUSED,
    WRONG_USE,
    AsJson,
    console,
    fail,
    give,
    say,
)
from gateway.cli.surroundings import gateway_url, settings, trust
from gateway.csv_export import csv_lines
from services.common.rows import ImportUnreadable, Row, parse
from services.common.settings import Settings

ROWS_A_CALL = 500
BYTES_A_CALL = 3_000_000
TRIES = 8
SLOWEST_RETRY = 10.0  # seconds
SHOWN = 20  # rejections told to people; all of them are in the report
PATHS = {
    "items": "/api/v1/items:import",
    "credit": "/api/v1/credit:import",
    "utilities": "/api/v1/utilities:import",
    "websites": "/api/v1/websites:import",
}
PREVIEWS = {"items": "/api/v1/items:previewImport"}
REJECTED = ("file", "row", "field", "reason")
COUNTS = ("read", "created", "changed", "unchanged", "kept", "rejected")
FORMATS = (".csv", ".json", ".jsonl", ".xlsx")

app = typer.Typer(no_args_is_help=True)
FilePath = Annotated[
    Path, typer.Argument(help="JSON、JSON Lines、CSV 或 .xlsx 文件；也可以是目录。")
]
Shape = Annotated[str, typer.Option(help="文件的格式；不指明则由内容识别。")]
Keep = Annotated[bool, typer.Option("--keep", help="已有的事项保留原样，只新增没有的。")]
Preview = Annotated[
    bool, typer.Option("--preview", help="只说明会新增、变更、拒绝什么，不作任何改动。")
]
ReportPath = Annotated[
    Path | None, typer.Option(help="把被拒的行写入此文件（JSON Lines；以 .csv 结尾则为表格）。")
]


@dataclass(slots=True)
class Outcome:
    """What became of the rows of all files, or would.

    Args:
        changes: of a preview, each row that would change something known.
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    rejections: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)

    def add(self, file: str, answer: dict[str, Any]) -> None:
        """Take in the answer of one call."""
        report, rows = answer["report"], answer.get("rows", [])
        for name in COUNTS:
            self.counts[name] += int(report.get(name, 0))
        told = [*report.get("rejections", []), *(one for row in rows for one in row["rejections"])]
        for one in told:
            row = {"file": file, "row": int(one["row"])}
            self.rejections.append(row | {"field": one["field"], "reason": one["reason"]})
        self.changes += [
            {"file": file, "row": int(row["row"]), "id": row["subject"], "fields": fields}
            for row in rows
            if (fields := row["changed_fields"])
        ]


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one call, each as JSON.

    Args:
        first_row: the number of the first of them in its file, from 1.
        position: how far the file was read, in bytes.
    """

    first_row: int
    rows: list[bytes]
    position: int


class Platform:
    """The gateway as an importer uses it: with a client's key, patient while it restarts.

    Args:
        target: items, credit, utilities or websites.
        keep: what is known already is left alone.
        preview: only say what an import would do.
    """

    def __init__(
        self, known: Settings, target: str, *, keep: bool = False, preview: bool = False
    ) -> None:
        try:
            token = known.api_key_file.read_text().strip()
        except OSError:
            fail(
                f"读不到接口密钥 {known.api_key_file}。请在平台所在目录运行，"
                "或用 ZHENGTONG_API_KEY_FILE 指明（zhengtong client make --key-file 可以登记）。",
                WRONG_USE,
            )
        self._path = PREVIEWS[target] if preview else PATHS[target]
        self._acts = not preview
        self._mode = {"mode": "IMPORT_MODE_KEEP"} if keep else {}
        self._client = httpx.Client(
            base_url=gateway_url(known),
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
            verify=trust(known),
            trust_env=False,
        )

    def send(self, file: Path, batch: Batch, shape: str) -> dict[str, Any]:  # noqa: RET503  (fail never returns)
        """One call's answer; the same request id at every try, so that no row counts twice."""
        query = {"first_row": str(batch.first_row)}
        query |= self._mode | ({"shape": shape} if shape else {})
        query |= {"request_id": uuid.uuid4().hex} if self._acts else {}
        content = b"[" + b",\n".join(batch.rows) + b"]"
        delay = 0.5
        for attempt in range(TRIES):
            try:
                answer = self._client.post(
                    self._path,
                    params=query,
                    content=content,
                    headers={"Content-Type": "application/json"},
                )
            except httpx.TransportError as error:
                said = f"平台没有应答（{error}）。请确认已经启动：make up"
            else:
                if answer.status_code == httpx.codes.OK:
                    return dict(answer.json())
                problem = _problem(answer)
                if answer.status_code not in (429, 503, 504):
                    code = WRONG_USE if answer.status_code == httpx.codes.BAD_REQUEST else REFUSED
                    fail(f"{file}：{problem}", code)
                said = problem
                delay = max(delay, float(answer.headers.get("retry-after", 0)))
            if attempt < TRIES - 1:
                time.sleep(min(delay, SLOWEST_RETRY))
                delay *= 2
        fail(said, NO_ANSWER)


def _problem(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        return str(problem.get("detail") or problem.get("title"))
    except ValueError:
        return f"平台回答了 {answer.status_code}。"


def import_files(target: str, paths: Iterable[Path], shape: str = "") -> Outcome:
    """Import files one after another, with a progress bar.

    Args:
        target: items, credit, utilities or websites.
    """
    outcome = Outcome()
    _import(target, paths, shape, outcome)
    return outcome


def _import(  # noqa: PLR0913  (plain data)
    target: str,
    paths: Iterable[Path],
    shape: str,
    outcome: Outcome,
    *,
    keep: bool = False,
    preview: bool = False,
) -> None:
    files = [file for path in paths for file in _files(path)]
    platform = Platform(settings(), target, keep=keep, preview=preview)
    bar = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]} 行"),
        TimeRemainingColumn(),
    )
    with Progress(*bar, console=console, transient=False) as progress:
        for file in files:
            size = max(file.stat().st_size, 1)
            task = progress.add_task(file.name, total=size, rows=0)
            rows = 0
            recognised = shape  # from its first rows, for a whole file is of one shape
            for batch in _batches(file):
                answer = platform.send(file, batch, recognised)
                recognised = recognised or str(answer["report"]["shape"])
                outcome.add(file.name, answer)
                rows += len(batch.rows)
                progress.update(task, completed=batch.position, rows=rows)
            progress.update(task, completed=size)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.suffix in FORMATS and not _is_lock(p))
        if not found:
            fail(f"目录 {path} 里没有 CSV、JSON 或 .xlsx 文件。", WRONG_USE)
        return found
    if not path.is_file():
        fail(f"没有这个文件：{path}", WRONG_USE)
    return [path]


def _is_lock(path: Path) -> bool:
    """Whether a spreadsheet program put the file there for as long as another is open."""
    return path.name.startswith("~$")


def _batches(path: Path) -> Iterator[Batch]:
    """The rows of a file, in parts that one call takes."""
    try:
        with path.open("rb") as file, closing(parse(file, 1)) as rows:
            batch, size = Batch(1, [], 0), 0
            for row in rows:
                line = _line(row)
                # After blank rows of a workbook, which are counted, the numbers begin anew.
                gap = row.number != batch.first_row + len(batch.rows)
                full = len(batch.rows) == ROWS_A_CALL or size + len(line) > BYTES_A_CALL
                if batch.rows and (gap or full):
                    yield replace(batch, position=file.tell())
                    batch, size = Batch(row.number, [], 0), 0
                if not batch.rows:
                    batch = replace(batch, first_row=row.number)
                batch.rows.append(line)
                size += len(line)
            if batch.rows:
                yield replace(batch, position=file.tell())
    except ImportUnreadable as error:
        fail(f"{path}：{error}", WRONG_USE)


def _line(row: Row) -> bytes:
    """As JSON; half a surrogate, for which UTF-8 has nothing, spoils its own row alone."""
    try:
        return json.dumps(row.values, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(row.values).encode()


def _run(  # noqa: PLR0913  (plain data)
    target: str,
    paths: list[Path],
    shape: str,
    report: Path | None,
    *,
    as_json: bool,
    keep: bool = False,
    preview: bool = False,
) -> None:
    outcome = Outcome()
    try:
        _import(target, paths, shape, outcome, keep=keep, preview=preview)
    except (typer.Exit, KeyboardInterrupt):
        if outcome.counts["read"]:  # what went in before the end is told all the same
            _tell(outcome, report, as_json=as_json, preview=preview)
        raise
    _tell(outcome, report, as_json=as_json, preview=preview)
    raise typer.Exit(DIFFERS if outcome.counts["rejected"] else 0)


def _write(report: Path, rejections: Iterable[dict[str, Any]]) -> None:
    """JSON Lines, or a table for spreadsheets where the file's name says so."""
    lines: Iterable[str] = (json.dumps(one, ensure_ascii=False) + "\n" for one in rejections)
    if report.suffix.lower() == ".csv":
        lines = csv_lines(REJECTED, ([one[name] for name in REJECTED] for one in rejections))
    with report.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)


def _tell(outcome: Outcome, report: Path | None, *, as_json: bool, preview: bool) -> None:
    if report:
        _write(report, outcome.rejections)
    if as_json:
        more = {"changes": outcome.changes} if preview else {}
        give({**outcome.counts, "rejections": outcome.rejections, **more})
        return
    counts = outcome.counts
    if preview:
        say("以下为预览，没有作任何改动。")
    left = f"（其中保留原样 {counts['kept']}）" if counts["kept"] else ""
    say(
        f"读取 {counts['read']} 行：新增 {counts['created']}，变更 {counts['changed']}，"
        f"未变 {counts['unchanged']}{left}，被拒 {counts['rejected']}。"
    )
    for one in outcome.rejections[:SHOWN]:
        say(f"  {one['file']} 第 {one['row']} 行 {one['field']}：{one['reason']}")
    if len(outcome.rejections) > SHOWN:
        where = f"见 {report}" if report else "用 --report 文件名 可写入全部"
        say(f"  …共 {len(outcome.rejections)} 条，{where}")
    for one in outcome.changes[:SHOWN]:
        say(f"  {one['file']} 第 {one['row']} 行 {one['id']} 变更：{'、'.join(one['fields'])}")
    if len(outcome.changes) > SHOWN:
        say(f"  …共 {len(outcome.changes)} 行变更，用 --json 可列出全部")


@app.command("items", help="政务服务事项（standard、template、exchange、guangan）。")
def items(  # noqa: PLR0913  (options of the command)
    path: FilePath,
    shape: Shape = "",
    report: ReportPath = None,
    keep: Keep = False,
    preview: Preview = False,
    as_json: AsJson = False,
) -> None:
    _run("items", [path], shape, report, as_json=as_json, keep=keep, preview=preview)


@app.command("credit", help="信用主体、双公示许可与处罚。")
def credit(
    path: FilePath, shape: Shape = "", report: ReportPath = None, as_json: AsJson = False
) -> None:
    _run("credit", [path], shape, report, as_json=as_json)


@app.command("institutions", help="公共企事业单位及其网点；停水停电等公告。")
def institutions(
    path: FilePath, shape: Shape = "", report: ReportPath = None, as_json: AsJson = False
) -> None:
    _run("utilities", [path], shape, report, as_json=as_json)


@app.command("mappings", help="网站清单与旧网址映射。")
def mappings(
    path: FilePath, shape: Shape = "", report: ReportPath = None, as_json: AsJson = False
) -> None:
    _run("websites", [path], shape, report, as_json=as_json)
