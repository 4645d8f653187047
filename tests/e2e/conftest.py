"""One platform with the sample data, as `make run` starts it, for all journeys that share it."""

from __future__ import annotations

import pytest

from infra.local.stack import Stack
from tests.e2e.city import City

START_SECONDS = 240.0  # both cores may be busy with other tests
UNLIMITED = {"ZHENGTONG_RATE_PER_SECOND": "0"}


@pytest.fixture(scope="package")
def city(tmp_path_factory):
    """The small profile with the sample, on its first start."""
    stack = Stack(tmp_path_factory.mktemp("city"), sample=True, env=UNLIMITED)
    stack.start(START_SECONDS)
    running = City(stack)
    yield running
    running.close()
    stack.stop()
