"""Publication statistics through the whole pipe: catalogue, log, relay, broker, worker, counts."""

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pymongo
import pytest
from google.api import httpbody_pb2
from zhengtong.catalogue.v1 import catalogue_service_pb2 as catalogue
from zhengtong.catalogue.v1 import catalogue_service_pb2_grpc as catalogue_grpc
from zhengtong.websites.v1 import websites_service_pb2 as websites
from zhengtong.websites.v1 import websites_service_pb2_grpc as websites_grpc

from infra.local.stack import Stack
from services.common.callers import Signer
from services.common.settings import Settings
from tests.callers import SYSTEM

COUNTABLE = ["zhengtong.catalogue.v1.ItemPublished", "zhengtong.catalogue.v1.ImportPublished"]
DEPARTMENTS = ("catalogue", "websites")
KILLS = 3
PUBLISHERS = 2
ROWS = 5  # of an import
AT_LEAST = 300  # things made public while processes die

pytestmark = pytest.mark.rule("W-7")


class Platform:
    """The two departments as an operator uses them, and what the test looks at from outside."""

    def __init__(self, stack):
        self.stack = stack
        settings = Settings.from_env(stack.env)
        self.signer = Signer.load(settings.keys_dir, "gateway")
        self.mongo = pymongo.MongoClient(settings.mongodb_uri)
        channels = [grpc.insecure_channel(settings.grpc_addresses[name]) for name in DEPARTMENTS]
        self.catalogue = catalogue_grpc.CatalogueServiceStub(channels[0])
        self.websites = websites_grpc.WebsitesServiceStub(channels[1])
        self.open = [*channels, self.mongo]

    def close(self):
        for each in self.open:
            each.close()

    def _operator(self, department):
        return [("authorization", f"Bearer {self.signer.token(SYSTEM, department)}")]

    def publish(self, code, name="测试事项"):
        request = catalogue.PublishItemRequest(item=item(code, name))
        answer = self.catalogue.PublishItem(
            request, metadata=self._operator("catalogue"), timeout=20
        )
        return answer.item.version

    def withdraw(self, code):
        request = catalogue.WithdrawItemRequest(item_id=code, reason="停办")
        self.catalogue.WithdrawItem(request, metadata=self._operator("catalogue"), timeout=20)

    def import_items(self, codes):
        content = json.dumps([item(code) for code in codes]).encode()
        request = catalogue.ImportItemsRequest(file=httpbody_pb2.HttpBody(data=content))
        answer = self.catalogue.ImportItems(
            request, metadata=self._operator("catalogue"), timeout=20
        )
        return answer.report.created

    def items_counted(self):
        """What the statistics say of items, over all days."""
        request = websites.ListPublicationCountsRequest(department="catalogue", kind="item")
        answer = self.websites.ListPublicationCounts(
            request, metadata=self._operator("websites"), timeout=20
        )
        return sum(count.count for count in answer.counts)

    def wait_until_all_is_counted(self, seconds=60):
        """Wait until the worker remembers each countable fact of the catalogue's log."""

        def counted():
            told = self.mongo["zt_catalogue"]["events"].count_documents(
                {"type": {"$in": COUNTABLE}}
            )
            return self.mongo["zt_websites"]["inbox"].count_documents({}) == told

        self.stack.wait_until(counted, "统计完成", seconds)

    def parked(self):
        return self.mongo["zt_websites"]["parked"].count_documents({})


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    names = ("mongo", "rabbit", "servicer", "worker", "relay")
    with Stack(tmp_path_factory.mktemp("counts"), departments=DEPARTMENTS, only=names) as stack:
        platform = Platform(stack)
        yield platform
        platform.close()


def test_each_thing_made_public_counts_by_one_and_nothing_else_does(platform):
    before = platform.items_counted()
    for code in ("A", "B", "C"):
        assert platform.publish(code) == 1
    platform.publish("A", "改名")
    platform.publish("A", "改名")
    platform.withdraw("B")
    platform.publish("B")
    assert platform.import_items(["C", "D", "E"]) == 2
    assert platform.import_items(["C", "D", "E"]) == 0
    platform.wait_until_all_is_counted()
    assert platform.items_counted() - before == 3 + 1 + 2


def test_counts_are_exact_after_worker_and_relay_were_killed_in_a_burst(platform):
    before = platform.items_counted()
    killed = threading.Event()
    with ThreadPoolExecutor(PUBLISHERS + 3) as pool:
        publishers = [pool.submit(publish_until, killed, platform, n) for n in range(PUBLISHERS)]
        importer = pool.submit(import_until, killed, platform)
        killers = [pool.submit(kill_often, platform, name) for name in ("worker", "relay")]
        try:
            for killer in killers:
                killer.result()
        finally:
            killed.set()
        made = sum(work.result() for work in [*publishers, importer])
    platform.wait_until_all_is_counted()
    assert made > AT_LEAST
    assert platform.items_counted() - before == made
    assert platform.parked() == 0


def publish_until(ended, platform, publisher):
    """Publish one new item after the other; how many."""
    made = 0
    while not ended.is_set():
        assert platform.publish(f"P{publisher}-{made}") == 1
        made += 1
    return made


def import_until(ended, platform):
    """Import new items, some at a time; how many."""
    made = 0
    while not ended.is_set():
        assert platform.import_items([f"I{made}-{row}" for row in range(ROWS)]) == ROWS
        made += ROWS
    return made


def kill_often(platform, name):
    """Kill a process again and again, soon after it was back, at moments nobody chose."""
    for _ in range(KILLS):
        threading.Event().wait(random.uniform(0, 0.5))
        platform.stack.wait_back(name, platform.stack.kill(name))


def item(code, name="测试事项"):
    return {
        "task_name": name,
        "task_type": "01",
        "dept_name": "昆明市水务局",
        "region_code": "530100000000",
        "local_task_code": code,
    }
