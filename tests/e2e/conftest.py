"""One platform with the sample data, as `make run` starts it, for all journeys that share it."""

from __future__ import annotations

import pytest

from infra.local.stack import Stack
from tests.e2e.city import UNLIMITED, running


@pytest.fixture(scope="package")
def city(tmp_path_factory):
    """The small profile with the sample, on its first start."""
    with running(Stack(tmp_path_factory.mktemp("city"), sample=True, env=UNLIMITED)) as found:
        yield found
