"""`zhengtong audit`: heads of the audit's trees, exports, and whether they verify."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from zhengtong.audit.v1 import audit_service_pb2 as pb
from zhengtong.audit.v1 import audit_service_pb2_grpc as pb_grpc

from gateway.cli.saying import (
    DIFFERS,
    NO_ANSWER,
    REFUSED,
    WRONG_USE,
    AsJson,
    complain,
    console,
    fail,
    give,
    say,
    table,
)
from gateway.cli.surroundings import PRINCIPAL, platform, settings
from services.common.access import Caller
from services.common.audit import packages
from services.common.audit.heads import Head, load_public_key
from services.common.audit.merkle import continues
from services.common.audit.packages import PackageUnreadable

TIMEOUT = 30.0
PAGE = 200
COLUMNS = {
    "department": "部门",
    "tree_size": "记录",
    "signed_time": "签发时间",
    "key_id": "密钥",
    "unsealed": "未入树",
    "oldest_unsealed_time": "其中最早",
}

app = typer.Typer(no_args_is_help=True)
Only = Annotated[str, typer.Option("--department", help="只看这个部门。")]
Purpose = Annotated[str, typer.Option(help="为何查阅；随查阅一起留痕。")]


class Ledger:
    """The audit service of one department, as the operator's principal `cli`."""

    def __init__(self, department: str, purpose: str = "") -> None:
        known, signer = platform()
        if department not in known.grpc_addresses:
            fail(f"没有部门 {department}，可用：{'、'.join(known.grpc_addresses)}", WRONG_USE)
        caller = Caller(PRINCIPAL, "service", purpose=purpose)
        self._department = department
        self._sign = lambda: signer.token(caller, department)
        channel = grpc.insecure_channel(
            known.grpc_addresses[department], options=[("grpc.enable_http_proxy", 0)]
        )
        self._stub = pb_grpc.AuditServiceStub(channel)

    def _ask(self, call: str, **fields: Any) -> Any:
        request = getattr(pb, f"{call}Request")(department=self._department, **fields)
        # A long export outlives a token.
        metadata = [("authorization", f"Bearer {self._sign()}")]
        return getattr(self._stub, call)(request, metadata=metadata, timeout=TIMEOUT)

    def head(self) -> tuple[Head, pb.GetTreeHeadResponse]:
        """The newest head, and the answer it came with."""
        answer = self._ask("GetTreeHead")
        one = answer.head
        head = Head(
            department=one.department,
            size=one.tree_size,
            root=bytes.fromhex(one.root_hash),
            time=one.signed_time,
            public_key=bytes.fromhex(one.public_key),
            signature=bytes.fromhex(one.signature),
        )
        return head, answer

    def leaves(self, size: int) -> Iterator[list[str]]:
        """All records of the tree of this size, page by page."""
        token, more = "", size > 0
        while more:
            page = self._ask("ListAuditLeaves", tree_size=size, page_size=PAGE, page_token=token)
            yield list(page.leaves)
            token = page.next_page_token
            more = bool(token)

    def path_from(self, old: int, size: int) -> list[bytes]:
        """The proof that the tree of `size` begins with that of `old`."""
        answer = self._ask("GetConsistencyProof", first_size=old, second_size=size)
        return [bytes.fromhex(one) for one in answer.path]


@contextmanager
def _asking(department: str) -> Iterator[None]:
    """Say why a department gave no answer, and end."""
    try:
        yield
    except grpc.RpcError as error:
        told: Any = error
        if told.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            fail(f"{department}：没有应答，可能已停止。", NO_ANSWER)
        fail(f"{department}：{told.details()}", REFUSED)


@contextmanager
def _progress(what: str, total: int) -> Iterator[Any]:
    """A bar; what it gives takes the number of records done so far."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:.0f} 条"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


@app.command("head", help="各部门最新的树头，以及还未进入树中的记录。")
def head(department: Only = "", as_json: AsJson = False) -> None:
    names = [department] if department else list(platform()[0].grpc_addresses)
    found: list[dict[str, Any]] = []
    code = 0
    for name in names:
        try:
            with _asking(name):
                found.append(_told(*Ledger(name).head()))
        except typer.Exit as ended:
            code = max(code, ended.exit_code)
    if as_json:
        give(found)
    elif found:
        table(COLUMNS.values(), [[str(row[name]) for name in COLUMNS] for row in found])
    raise typer.Exit(code)


def _told(one: Head, answer: pb.GetTreeHeadResponse) -> dict[str, Any]:
    oldest = answer.oldest_unsealed_time
    since = oldest.ToDatetime(UTC).isoformat() if answer.HasField("oldest_unsealed_time") else ""
    return {
        "department": one.department,
        "tree_size": one.size,
        "root_hash": one.root.hex(),
        "signed_time": one.time,
        "key_id": one.key_id,
        "unsealed": answer.unsealed,
        "oldest_unsealed_time": since,
    }


@app.command("export", help="把一个部门的审计记录导出为可独立验证的文件。")
def export(
    department: Annotated[str, typer.Argument(help="部门。")],
    out: Annotated[Path, typer.Argument(help="写入的文件；已存在则覆盖。")],
    purpose: Purpose = "导出审计记录",
) -> None:
    ledger = Ledger(department, purpose)
    part = out.with_name(f"{out.name}.part")
    with _asking(department):
        newest, _ = ledger.head()
        done = 0
        try:
            with part.open("w", encoding="utf-8", newline="\n") as file:
                file.write(packages.head_line(newest) + "\n")
                with _progress(department, newest.size) as tell:
                    for leaves in ledger.leaves(newest.size):
                        file.writelines(f"{leaf}\n" for leaf in leaves)
                        done += len(leaves)
                        tell(done)
            part.replace(out)
        except OSError as error:
            fail(f"写不了文件 {out}：{error.strerror}", WRONG_USE)
        finally:
            part.unlink(missing_ok=True)
    say(f"已导出 {done} 条记录到 {out}（树头 {newest.time}，密钥 {newest.key_id}）。")


@app.command("verify", help="验证导出的文件；或以 --live 核对各部门现在的树与上次所见的树。")
def verify(  # noqa: PLR0913  (options)
    package: Annotated[Path | None, typer.Argument(help="导出的文件。")] = None,
    since: Annotated[Path | None, typer.Option(help="先前导出的文件或保存的树头。")] = None,
    key: Annotated[
        str, typer.Option(help="信任的公钥（64 位十六进制）；不指明则用本机的 relay.pub。")
    ] = "",
    live: Annotated[bool, typer.Option("--live", help="核对正在运行的部门。")] = False,
    department: Only = "",
    heads: Annotated[
        Path, typer.Option(help="保存所见树头的目录。", envvar="ZHENGTONG_AUDIT_HEADS_DIR")
    ] = Path(".run/audit-heads"),
) -> None:
    if live == (package is not None) or (live and since):
        fail("请指明一个文件，或用 --live；--since 只用于文件。", WRONG_USE)
    trusted = _trusted(key)
    if package is not None:
        _verify_file(package, since, trusted)
        return
    names = [department] if department else list(platform()[0].grpc_addresses)
    code = 0
    for name in names:
        try:
            with _asking(name):
                _verify_live(name, heads / f"{name}.json", trusted)
        except typer.Exit as ended:
            code = max(code, ended.exit_code)
    raise typer.Exit(code)


def _trusted(key: str) -> bytes | None:
    if not key:
        return load_public_key(settings().keys_dir)
    try:
        return bytes.fromhex(key)
    except ValueError:
        fail("--key 应为 64 位十六进制的 Ed25519 公钥。", WRONG_USE)


def _verify_file(package: Path, since: Path | None, trusted: bytes | None) -> None:
    signed = _head_in(package)
    before = _head_in(since) if since else None
    with _progress(package.name, signed.size) as tell:
        found = packages.check(package, trusted=trusted, since=before, progress=tell)
    for text in found.texts:
        complain(f"{package}：{text}")
    if found.texts:
        raise typer.Exit(DIFFERS)
    say(
        f"{package}：{found.records} 条记录与签名的树头一致"
        f"（{signed.department}，{signed.time}，密钥 {signed.key_id}）。"
    )
    if before:
        say(f"先前的 {before.size} 条记录都在，没有改动。")
    if trusted is None:
        say("没有可比对的公钥：请另行核对密钥编号，或用 --key 指明。")


def _head_in(path: Path) -> Head:
    try:
        return packages.head_of(path)
    except PackageUnreadable as error:
        fail(f"{path} 不是审计导出文件：{error}", WRONG_USE)
    except OSError as error:
        fail(f"读不了 {path}：{error.strerror}", WRONG_USE)


def _verify_live(department: str, kept: Path, trusted: bytes | None) -> None:
    """Compare the head of a department with the one seen last, and keep it if all is well."""
    ledger = Ledger(department)
    newest, answer = ledger.head()
    faults = packages.faults_of_head(newest, trusted)
    if newest.department != department:
        faults.append(f"树头是部门 {newest.department} 的。")
    before = _head_in(kept) if kept.exists() else None
    if before:
        faults += _faults_since(ledger, before, newest)
    if faults:
        for text in faults:
            complain(f"{department}：{text}")
        raise typer.Exit(DIFFERS)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(packages.head_line(newest) + "\n", encoding="utf-8")
    seen = f"与上次所见的 {before.size} 条一致" if before else "首次查看，已记下"
    say(f"{department}：{newest.size} 条记录，{seen}；另有 {answer.unsealed} 条还未入树。")


def _faults_since(ledger: Ledger, before: Head, newest: Head) -> list[str]:
    if newest.size < before.size:
        return [f"上次已有 {before.size} 条记录，现在只有 {newest.size} 条。"]
    # The empty tree needs no proof, and a size of 0 asks for the newest.
    path = ledger.path_from(before.size, newest.size) if newest.size else []
    if continues(before.size, before.root, newest.size, newest.root, path):
        return []
    return [f"上次所见的 {before.size} 条记录中有被改动的。"]
