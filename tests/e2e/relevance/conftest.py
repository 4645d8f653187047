"""What the platform answers to the judged queries, asked once for all tests."""

import pytest

from tests.e2e.relevance import asking


@pytest.fixture(scope="package")
def served(tmp_path_factory):
    real = asking.REAL.exists()
    with asking.town(tmp_path_factory.mktemp("town"), real=real) as town:
        return asking.served(town, real=real)
