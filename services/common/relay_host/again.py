"""Publishes a range of a log again, to one handler's queue alone.

A new reactor starts from now: `python -m services.common.relay_host.again QUEUE FIRST LAST` lets it
act on what was told before. What a handler has acted on already changes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

import aio_pika

from services.common.delivery import topology
from services.common.relay_host.sources import Source, SourceRefused, SourceSilent, message_of
from services.common.settings import SettingMissing, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.common.delivery.topology import Queue

TOLD_EVERY = 1000
CONNECT_WITHIN = 10.0
CONFIRM_WITHIN = 30.0
DONE, WRONG_USE, FAILED = 0, 2, 3


async def publish_again(settings: Settings, queue: Queue, first: int, last: int) -> int:
    """Put the facts of the queue's type from `first` to `last` into it; how many there were.

    Raises:
        SourceSilent: the department that tells them does not answer.
        SourceRefused: its log does not go back that far.
        PublishError: the queue does not stand.
    """
    count = 0
    uri = settings.amqp_of(queue.department)
    connection = await aio_pika.connect(uri, timeout=CONNECT_WITHIN)
    async with connection, Source(settings, queue.source) as source:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange(
            topology.retry_exchange(queue.department), ensure=False
        )
        async for event in source.events(first, last):
            if event.type != queue.type:
                continue
            async with asyncio.timeout(CONFIRM_WITHIN):
                await exchange.publish(message_of(event), queue.name)
            count += 1
            if count % TOLD_EVERY == 0:
                sys.stderr.write(f"已重新发布 {count} 条，到序号 {event.sequence}。\n")
    return count


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 done, 2 wrong use or settings, 3 a department or the broker does not."""
    parser = argparse.ArgumentParser(description="把事件日志的一段重新发布到一个处理程序的队列")
    parser.add_argument("queue", help="队列名，见 infra/rabbitmq/topology.json")
    parser.add_argument("first", type=int, help="第一条的序号，从 1 起")
    parser.add_argument("last", type=int, help="最后一条的序号（含）")
    wanted = parser.parse_args(arguments)
    handlers = {queue.name: queue for queue in topology.load().queues if queue.reads_facts}
    if wanted.queue not in handlers:
        sys.stderr.write(f"没有这个队列：{wanted.queue}。有：\n" + "\n".join(handlers) + "\n")
        return WRONG_USE
    if not 1 <= wanted.first <= wanted.last:
        sys.stderr.write("序号从 1 起，第一条不能在最后一条之后。\n")
        return WRONG_USE
    return _run(handlers[wanted.queue], wanted.first, wanted.last)


def _run(queue: Queue, first: int, last: int) -> int:
    try:
        settings = Settings.from_env()
        settings.need("amqp_uri", "grpc_addresses")
        count = asyncio.run(publish_again(settings, queue, first, last))
    except SettingMissing as error:
        sys.stderr.write(f"缺少设置：{error}\n")
        return WRONG_USE
    except SourceRefused as error:
        sys.stderr.write(f"{error.detail}（{error.reason}）\n")
        return FAILED
    except SourceSilent:
        sys.stderr.write(f"部门 {queue.source} 没有应答，请稍后再试；重复执行不会重复生效。\n")
        return FAILED
    except (aio_pika.exceptions.AMQPError, OSError) as error:
        sys.stderr.write(f"消息服务没有应答或没有这个队列：{error!r}；重复执行不会重复生效。\n")
        return FAILED
    sys.stdout.write(f"已重新发布 {count} 条到 {queue.name}。\n")
    return DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
