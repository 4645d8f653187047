"""`zhengtong events`: deferred and dead messages of the departments, and how to replay them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Annotated, Any

import grpc
import typer
from google.protobuf.json_format import MessageToDict
from zhengtong.delivery.v1 import delivery_pb2
from zhengtong.delivery.v1 import delivery_service_pb2 as pb
from zhengtong.delivery.v1 import delivery_service_pb2_grpc as pb_grpc

from gateway.cli.saying import NO_ANSWER, REFUSED, WRONG_USE, AsJson, fail, give, say, table
from gateway.cli.surroundings import settings
from services.common.callers import Signer
from services.common.settings import Settings

TIMEOUT = 10.0

app = typer.Typer(no_args_is_help=True)
Only = Annotated[str, typer.Option("--department", help="只看这个部门。")]


class Desk:
    """The delivery service of one department, as the operator's principal `cli`."""

    def __init__(self, known: Settings, department: str) -> None:
        address = known.grpc_addresses.get(department)
        if address is None:
            fail(f"没有部门 {department}（ZHENGTONG_GRPC_ADDRESSES）。", WRONG_USE)
        self._channel = grpc.insecure_channel(address)
        self._stub = pb_grpc.DeliveryServiceStub(self._channel)
        signer = Signer.load(known.keys_dir, "cli")
        token = signer.token(signer.own(), department)
        self._with = {"metadata": [("authorization", f"Bearer {token}")], "timeout": TIMEOUT}

    def parked(self, kind: pb.ParkedKind) -> Iterator[delivery_pb2.ParkedMessage]:
        """All messages of a kind, page by page."""
        token = ""
        while True:
            request = pb.ListParkedMessagesRequest(kind=kind, page_size=200, page_token=token)
            page = self._stub.ListParkedMessages(request, **self._with)
            yield from page.messages
            token = page.next_page_token
            if not token:
                return

    def replay(self, ids: list[str]) -> int:
        """Put messages back at once; none named: all dead ones."""
        request = pb.ReplayParkedMessagesRequest(parked_ids=ids, request_id=uuid.uuid4().hex)
        return int(self._stub.ReplayParkedMessages(request, **self._with).replayed)


def _departments(only: str) -> dict[str, Desk]:
    known = settings()
    if not known.grpc_addresses:
        fail("不知道各部门的地址。请先运行 make up，或设置 ZHENGTONG_GRPC_ADDRESSES。", WRONG_USE)
    names = [only] if only else list(known.grpc_addresses)
    return {name: Desk(known, name) for name in names}


def _list(kind: pb.ParkedKind, only: str, *, as_json: bool) -> None:
    found: list[dict[str, Any]] = []
    for name, desk in _departments(only).items():
        try:
            for message in desk.parked(kind):
                values = MessageToDict(message, preserving_proto_field_name=True)
                found.append({"department": name, **values})
        except grpc.RpcError as error:
            _failed(name, error)
    if as_json:
        give(found)
        return
    columns = ("department", "parked_id", "type", "subject", "attempt", "reason", "due_time")
    titles = ("部门", "编号", "事件", "对象", "次数", "原因", "下次")
    if found:
        table(titles, [[str(row.get(column, "")) for column in columns] for row in found])
    say(f"共 {len(found)} 条。")


def _failed(department: str, error: Any) -> None:
    away = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    words = "没有应答，可能已停止" if away else error.details()
    fail(f"{department}：{words}", NO_ANSWER if away else REFUSED)


@app.command("deferred", help="稍后会自动重试的消息。")
def deferred(department: Only = "", as_json: AsJson = False) -> None:
    _list(pb.PARKED_KIND_DEFERRED, department, as_json=as_json)


@app.command("dead", help="不会再自动重试、等人处理的消息。")
def dead(department: Only = "", as_json: AsJson = False) -> None:
    _list(pb.PARKED_KIND_DEAD, department, as_json=as_json)


@app.command("replay", help="把消息放回队列；不指明编号则为全部未能处理的消息。")
def replay(
    ids: Annotated[list[str] | None, typer.Argument(help="消息编号。")] = None,
    department: Only = "",
    as_json: AsJson = False,
) -> None:
    if ids and not department:
        fail("指明编号时，请用 --department 指明部门。", WRONG_USE)
    replayed: dict[str, int] = {}
    for name, desk in _departments(department).items():
        try:
            replayed[name] = desk.replay(list(ids or []))
        except grpc.RpcError as error:
            _failed(name, error)
    if as_json:
        give(replayed)
    else:
        say(f"已放回 {sum(replayed.values())} 条。")
