"""`zhengtong events`: deferred and dead messages of the departments, and how to replay them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import grpc
import typer
from google.protobuf.json_format import MessageToDict
from zhengtong.delivery.v1 import delivery_pb2
from zhengtong.delivery.v1 import delivery_service_pb2 as pb
from zhengtong.delivery.v1 import delivery_service_pb2_grpc as pb_grpc

from gateway.cli.saying import (
    NO_ANSWER,
    REFUSED,
    WRONG_USE,
    AsJson,
    complain,
    fail,
    give,
    say,
    table,
)
from gateway.cli.surroundings import platform

TIMEOUT = 10.0

app = typer.Typer(no_args_is_help=True)
Only = Annotated[str, typer.Option("--department", help="只看这个部门。")]


class Desk:
    """The delivery service of one department, as the operator's principal `cli`."""

    def __init__(self, address: str, token: str) -> None:
        self._stub = pb_grpc.DeliveryServiceStub(grpc.insecure_channel(address))
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
        """Put messages back at once; none named: as many as are dead now, part by part."""
        if ids:
            return self._replay(ids)
        # Some may die again meanwhile: without a bound they would be put back for ever.
        question = pb.ListParkedMessagesRequest(kind=pb.PARKED_KIND_DEAD, page_size=1)
        dead = self._stub.ListParkedMessages(question, **self._with).total
        replayed = 0
        while replayed < dead and (part := self._replay([])):
            replayed += part
        return replayed

    def _replay(self, ids: list[str]) -> int:
        request = pb.ReplayParkedMessagesRequest(parked_ids=ids, request_id=uuid.uuid4().hex)
        return int(self._stub.ReplayParkedMessages(request, **self._with).replayed)


def _departments(only: str) -> dict[str, Desk]:
    known, signer = platform()
    if only and only not in known.grpc_addresses:
        fail(f"没有部门 {only}，可用：{'、'.join(known.grpc_addresses)}", WRONG_USE)
    names = [only] if only else list(known.grpc_addresses)
    return {
        name: Desk(known.grpc_addresses[name], signer.token(signer.own(), name)) for name in names
    }


def _each(only: str, ask: Callable[[str, Desk], None]) -> int:
    """Ask every department; one that fails is named, and the others are asked all the same.

    Returns: the exit code.
    """
    code = 0
    for name, desk in _departments(only).items():
        try:
            ask(name, desk)
        except grpc.RpcError as error:
            code = max(code, _failed(name, error))
    return code


def _list(kind: pb.ParkedKind, only: str, *, as_json: bool) -> None:
    found: list[dict[str, Any]] = []

    def ask(name: str, desk: Desk) -> None:
        for message in desk.parked(kind):
            values = MessageToDict(message, preserving_proto_field_name=True)
            found.append({"department": name, **values})

    code = _each(only, ask)
    if as_json:
        give(found)
    else:
        columns = ("department", "parked_id", "type", "subject", "attempt", "reason", "due_time")
        titles = ("部门", "编号", "事件", "对象", "次数", "原因", "下次")
        if found:
            table(titles, [[str(row.get(column, "")) for column in columns] for row in found])
        say(f"共 {len(found)} 条。")
    raise typer.Exit(code)


def _failed(department: str, error: Any) -> int:
    """Say why a department gave no answer; the exit code for it."""
    away = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    words = "没有应答，可能已停止" if away else error.details()
    complain(f"{department}：{words}")
    return NO_ANSWER if away else REFUSED


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

    def ask(name: str, desk: Desk) -> None:
        replayed[name] = desk.replay(list(ids or []))

    code = _each(department, ask)
    if as_json:
        give(replayed)
    else:
        say(f"已放回 {sum(replayed.values())} 条。")
    raise typer.Exit(code)
