"""Calls to a department: by name, with a token and a deadline, and again after it comes back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent import futures

import grpc
import pytest
from grpc_health.v1 import health_pb2
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb
from zhengtong.eventlog.v1 import eventlog_service_pb2, eventlog_service_pb2_grpc

from gateway.breaker import FAILURES_IN_A_ROW, MOST_UNDER_WAY
from gateway.clients import Clients, refusal_of
from gateway.refusals import (
    DepartmentBusy,
    DepartmentPaused,
    DepartmentSlow,
    DepartmentUnavailable,
)
from services.common.callers import Signer, Verifier
from services.common.errors import NotFound
from tests.callers import SYSTEM
from tests.contract.gateway_house import FakeCatalogue, serving, settings_in


class ItemUnknown(NotFound):
    reason = "ITEM_NOT_FOUND"


@contextlib.asynccontextmanager
async def clients_of(folder, address):
    settings = settings_in(folder, catalogue=address)
    clients = Clients(settings, Signer.load(settings.keys_dir, "gateway"))
    try:
        yield clients
    finally:
        await clients.close()


async def test_a_call_is_made_by_short_or_full_name_and_answers_the_message(tmp_path):
    catalogue = FakeCatalogue()
    with serving(catalogue, settings_in(tmp_path).keys_dir) as address:
        async with clients_of(tmp_path, address) as clients:
            answer = await clients.call("catalogue", "GetItem", pb.GetItemRequest(item_id="a"))
            assert isinstance(answer, pb.GetItemResponse)
            health = await clients.call(
                "catalogue", "grpc.health.v1.Health.Check", health_pb2.HealthCheckRequest()
            )
            assert health.status == health_pb2.HealthCheckResponse.SERVING
            await clients.call("catalogue", "GetItem", pb.GetItemRequest(), caller=SYSTEM)
    assert [caller.kind for caller in catalogue.callers] == ["anonymous", "client"]


async def test_a_token_is_for_one_department_only(tmp_path):
    catalogue = FakeCatalogue()
    keys = settings_in(tmp_path).keys_dir
    with serving(catalogue, keys) as address:
        async with clients_of(tmp_path, address) as clients:
            await clients.call("catalogue", "GetItem", pb.GetItemRequest())
    token = catalogue.metadata["authorization"].removeprefix("Bearer ")
    assert Verifier.load(keys, "catalogue").verify(token).kind == "anonymous"
    with pytest.raises(Exception, match="不是签发给本部门"):
        Verifier.load(keys, "credit").verify(token)


async def test_a_refusal_comes_back_as_its_family_with_the_departments_reason(tmp_path):
    catalogue = FakeCatalogue(error=ItemUnknown("没有这个事项。"))
    with serving(catalogue, settings_in(tmp_path).keys_dir) as address:
        async with clients_of(tmp_path, address) as clients:
            with pytest.raises(NotFound, match="没有这个事项") as refused:
                await clients.call("catalogue", "GetItem", pb.GetItemRequest())
    assert refused.value.reason == "ITEM_NOT_FOUND"


async def test_a_deadline_is_kept(tmp_path):
    catalogue = FakeCatalogue()
    catalogue.hold.clear()
    with serving(catalogue, settings_in(tmp_path).keys_dir) as address:
        async with clients_of(tmp_path, address) as clients:
            with pytest.raises(DepartmentSlow):
                await clients.call("catalogue", "GetItem", pb.GetItemRequest(), timeout=0.1)
        catalogue.hold.set()


async def test_a_department_without_an_address_is_unavailable(tmp_path):
    async with clients_of(tmp_path, "127.0.0.1:1") as clients:
        with pytest.raises(DepartmentUnavailable):
            await clients.call("credit", "GetCredit", pb.GetItemRequest())


async def test_a_department_that_comes_back_is_called_again_within_two_seconds(tmp_path):
    keys = settings_in(tmp_path).keys_dir
    with serving(FakeCatalogue(), keys) as address:
        port = int(address.rpartition(":")[2])
    async with clients_of(tmp_path, address) as clients:
        until = time.monotonic() + 2.5
        while time.monotonic() < until:  # long enough away for an uncapped backoff to be seconds
            with pytest.raises(DepartmentUnavailable):
                await clients.call("catalogue", "GetItem", pb.GetItemRequest())
            await asyncio.sleep(0.05)
        with serving(FakeCatalogue(), keys, port):
            began = time.monotonic()
            while True:
                with contextlib.suppress(DepartmentUnavailable):
                    await clients.call("catalogue", "GetItem", pb.GetItemRequest())
                    break
                await asyncio.sleep(0.02)
            assert time.monotonic() - began < 2


async def test_a_department_that_gives_no_answers_is_not_asked_for_a_while(tmp_path):
    async with clients_of(tmp_path, "127.0.0.1:1") as clients:
        for _ in range(FAILURES_IN_A_ROW):
            assert not clients.pausing("catalogue")
            with pytest.raises(DepartmentUnavailable) as failed:
                await clients.call("catalogue", "GetItem", pb.GetItemRequest())
            assert failed.type is DepartmentUnavailable
        with pytest.raises(DepartmentPaused) as paused:
            await clients.call("catalogue", "GetItem", pb.GetItemRequest())
        assert clients.pausing("catalogue")
    assert (paused.value.reason, paused.value.retry_after) == ("DEPARTMENT_PAUSED", 1)


async def test_refusals_are_answers_however_many(tmp_path):
    catalogue = FakeCatalogue(error=ItemUnknown("没有这个事项。"))
    with serving(catalogue, settings_in(tmp_path).keys_dir) as address:
        async with clients_of(tmp_path, address) as clients:
            for _ in range(FAILURES_IN_A_ROW * 2):
                with pytest.raises(NotFound):
                    await clients.call("catalogue", "GetItem", pb.GetItemRequest())
            assert not clients.pausing("catalogue")


async def test_more_calls_than_may_be_under_way_are_refused_and_health_is_still_told(tmp_path):
    catalogue = FakeCatalogue()
    catalogue.hold.clear()
    with serving(catalogue, settings_in(tmp_path).keys_dir) as address:
        async with clients_of(tmp_path, address) as clients:
            calls = [
                asyncio.create_task(clients.call("catalogue", "GetItem", pb.GetItemRequest()))
                for _ in range(MOST_UNDER_WAY)
            ]
            await asyncio.sleep(0.05)
            with pytest.raises(DepartmentBusy):
                await clients.call("catalogue", "GetItem", pb.GetItemRequest())
            calls.pop().cancel()
            await asyncio.sleep(0.05)
            calls.append(
                asyncio.create_task(clients.call("catalogue", "GetItem", pb.GetItemRequest()))
            )
            catalogue.hold.set()
            answers = await asyncio.gather(*calls)
            assert len(answers) == MOST_UNDER_WAY
            check = health_pb2.HealthCheckRequest()
            await clients.call("catalogue", "grpc.health.v1.Health.Check", check)


class Log(eventlog_service_pb2_grpc.EventLogServiceServicer):
    def ReadEvents(self, request, context):  # noqa: N802
        yield eventlog_service_pb2.ReadEventsResponse(head=1)
        yield eventlog_service_pb2.ReadEventsResponse(head=2)
        context.abort(grpc.StatusCode.UNAVAILABLE, "stopped")


async def read_all(stream, heads):
    async for answer in stream:
        heads.append(answer.head)


async def test_a_stream_is_read_as_it_comes_and_its_end_is_told_as_for_a_call(tmp_path):
    server = grpc.server(futures.ThreadPoolExecutor(1))
    eventlog_service_pb2_grpc.add_EventLogServiceServicer_to_server(Log(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    heads = []
    async with clients_of(tmp_path, f"127.0.0.1:{port}") as clients:
        stream = clients.stream(
            "catalogue",
            "zhengtong.eventlog.v1.EventLogService.ReadEvents",
            eventlog_service_pb2.ReadEventsRequest(),
        )
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await read_all(stream, heads)
    server.stop(None).wait()
    assert heads == [1, 2]
    assert isinstance(refusal_of("catalogue", ended.value), DepartmentUnavailable)
