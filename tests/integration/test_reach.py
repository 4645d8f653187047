"""Each department over gRPC refuses what is another's to change, and writes nothing."""

import pytest

from tests.callers import SYSTEM
from tests.integration.house import made_keys, serving
from tests.publications import PUBLICATIONS, outsider

OUT = ("PERMISSION_DENIED", "OUT_OF_REACH")


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    return made_keys(tmp_path_factory.mktemp("keys"))


@pytest.mark.rule("P-23")
@pytest.mark.parametrize("publication", PUBLICATIONS, ids=lambda one: one.method)
def test_nobody_makes_public_what_is_anothers(database, keys_dir, publication):
    caller = outsider(publication.author())
    with serving(publication.department, database, keys_dir) as house:
        for before in publication.before:
            house.call(before.method, SYSTEM, before.request())
        told = house.told()
        if "file" in publication.fields:
            report = house.call(publication.method, caller, publication.request()).report
            assert (report.created, report.rejected) == (0, 1)
            assert report.rejections[0].reason
        else:
            assert house.refused(publication.method, caller, publication.request()) == OUT
        assert house.told() == told
