"""Each field of each call's example with odd values in turn, on a running platform.

Apart from the other attacks, so that both files can run at the same time.
"""

from __future__ import annotations

import pytest

from tests.e2e import hostile, hostile_house
from tests.e2e.hostile import OF_ACCOUNTS, spelled

# Fixtures: a platform of each file's own.
city, operator = hostile_house.city, hostile_house.operator
document, api, ledger = hostile_house.document, hostile_house.api, hostile_house.ledger


# A request each: with every value in every field they alone took three minutes. Fields of a kind
# share their reader, so neighbours take turns with the values; the long run gives all to all.
@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)])
def test_a_department_judges_odd_values_and_names_the_field(operator, api, ledger, every):
    """Each field of each example in turn; what is refused is refused by its name or its part's."""
    for call in api:
        if not call.json:
            continue
        known = {name: v for name, v in call.json["example"].items() if name != "request_id"}
        for place, (path, kind) in enumerate(call.leaves()):
            for value in hostile.ODD.get(kind, ())[place % every :: every]:
                body = call.body(path, value, among=known)
                reply = operator.post(call.url(), json=body)
                fine = {200, 400, 404, 409}
                fine |= {401, 403, 429} if call.path.startswith(OF_ACCOUNTS) else set()
                ledger.hold(reply, fine, what=f"{spelled(path)}={value!r}"[:120])
                if reply.status_code == 400 and not call.path.startswith(OF_ACCOUNTS):
                    told = [one["field"] for one in reply.json()["violations"]]
                    if not any(one.startswith(str(path[0])) for one in told):
                        ledger.wrong.append(f"{call.path}: {spelled(path)} is called {told}")
    assert ledger.wrong == []
    assert ledger.asked >= 2000


def test_all_that_was_published_meanwhile_can_be_listed_found_and_opened(operator, api):
    """After the tests above: what a department took, every page shows."""
    pages = 0
    for call in api:
        if call.verb != "GET" or call.parameters("path") or call.path == "/api/v1/query":
            continue
        params = {"page_size": 200} if "page_size" in str(call.told["parameters"]) else {}
        reply = operator.get(call.path, params=params)
        assert reply.status_code in (200, 400), reply.text
    for kind in ("item", "credit", "utility", "website"):
        for text in ("公告", "许可", "有限公司", "网站", "example", "x", "1"):
            answer = operator.get(
                "/api/v1/query", params={"q": text, "kind": kind, "page_size": 50}
            )
            assert answer.status_code == 200, answer.text
            for hit in answer.json()["groups"][0]["hits"]:
                assert operator.get(hit["url"]).status_code == 200, hit
                pages += 1
    assert pages > 50


def test_after_all_of_it_the_platform_is_well_and_nothing_failed_inside(city):
    assert hostile_house.failed_inside(city) == []
