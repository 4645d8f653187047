"""`zhengtong account|client`: the first administrator, and keys of machine clients.

Both go to identity as the principal `cli`, whose key only the machine's operator can read.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import uuid
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, NoReturn

import grpc
import typer
from google.protobuf.json_format import MessageToDict
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from zhengtong.identity.v1 import identity_pb2
from zhengtong.identity.v1 import identity_service_pb2 as pb
from zhengtong.identity.v1 import identity_service_pb2_grpc as pb_grpc

from gateway.cli.saying import NO_ANSWER, REFUSED, WRONG_USE, AsJson, fail, give, say
from gateway.cli.surroundings import platform
from services.common.permissions import transferable

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPARTMENT = "identity"
TIMEOUT = 15.0

accounts = typer.Typer(no_args_is_help=True)
clients = typer.Typer(no_args_is_help=True)
Body = Annotated[str, typer.Option("--department", help="所属部门的统一社会信用代码。")]
Region = Annotated[str, typer.Option("--region", help="12 位行政区划代码，如 530000000000。")]
Rights = Annotated[
    list[str] | None, typer.Option("--right", help="授予的权限，可多次指明；见 client rights。")
]


def _ask(method: str, request: Any) -> Any:
    """One call of identity; its refusal ends the command with what it says."""
    known, signer = platform()
    address = known.grpc_addresses.get(DEPARTMENT)
    if address is None:
        fail("不知道身份服务的地址，请设置 ZHENGTONG_GRPC_ADDRESSES。", WRONG_USE)
    token = signer.token(signer.own(), DEPARTMENT)
    with grpc.insecure_channel(address) as channel:
        call = getattr(pb_grpc.IdentityServiceStub(channel), method)
        try:
            return call(request, metadata=[("authorization", f"Bearer {token}")], timeout=TIMEOUT)
        except grpc.RpcError as error:
            _refused(error)


def _refused(error: Any) -> NoReturn:
    if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        fail("身份服务没有应答，请确认平台已经启动。", NO_ANSWER)
    said = [error.details()]
    status = rpc_status.from_call(error)
    bad = error_details_pb2.BadRequest()
    for detail in status.details if status else ():
        detail.Unpack(bad)
    said += [f"  {one.field}：{one.description}" for one in bad.field_violations]
    fail("\n".join(said), REFUSED)


@accounts.command("administrator", help="开立系统管理员账户；首次登录的密码只显示这一次。")
def administrator(
    login: Annotated[str, typer.Option(help="登录名。")],
    name: Annotated[str, typer.Option(help="姓名。")],
    department: Body,
    region: Region,
    as_json: AsJson = False,
) -> None:
    request = pb.MakeAdministratorRequest(
        login=login,
        name=name,
        dept_code=department,
        region_code=region,
        request_id=uuid.uuid4().hex,
    )
    answer = _ask("MakeAdministrator", request)
    if as_json:
        give({"account_id": answer.account.account_id, "password": answer.password})
        return
    say(f"已开立管理员账户 {login}。首次登录的密码（只显示这一次，登录后须修改）：")
    typer.echo(answer.password)


@clients.command("make", help="登记部门系统；接口密钥只显示这一次，或写入文件。")
def make(  # noqa: PLR0913  (options of a command)
    name: Annotated[str, typer.Option(help="系统名称。")],
    department: Body,
    region: Region,
    right: Rights = None,
    all_rights: Annotated[bool, typer.Option("--all-rights", help="授予全部可授的权限。")] = False,
    leads: Annotated[bool, typer.Option("--leads", help="代表本地区各部门（汇聚平台）。")] = False,
    rate: Annotated[int, typer.Option(help="每秒请求数；0 为平台通常的数量。")] = 0,
    key_file: Annotated[
        Path | None, typer.Option(help="把密钥写入此文件（仅本人可读），不显示。")
    ] = None,
    as_json: AsJson = False,
) -> None:
    client = identity_pb2.Client(
        name=name,
        dept_code=department,
        region_code=region,
        leads=leads,
        rights=transferable("client") if all_rights else right or (),
        rate_per_second=rate,
    )
    request = pb.MakeClientRequest(client=client, request_id=uuid.uuid4().hex)
    if key_file is None:
        answer = _ask("MakeClient", request)
    else:
        with _secret_file(key_file) as file:  # before there is a key that could be lost
            answer = _ask("MakeClient", request)
            file.write(answer.key + "\n")
    if as_json:
        told = MessageToDict(answer.client, preserving_proto_field_name=True)
        give(told if key_file else {**told, "key": answer.key})
        return
    say(f"已登记部门系统 {name}（{answer.client.client_id}）。")
    if key_file is None:
        say("接口密钥（只显示这一次）：")
        typer.echo(answer.key)


@clients.command("rights", help="可以授予部门系统的全部权限。")
def rights(as_json: AsJson = False) -> None:
    if as_json:
        give(list(transferable("client")))
        return
    for one in transferable("client"):
        typer.echo(one)


@contextlib.contextmanager
def _secret_file(path: Path) -> Iterator[IO[str]]:
    """A file that is there whole or not at all, and that only its owner can read."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        fail(f"无法写入 {path}：{error.strerror}。", WRONG_USE)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
