"""Every process of the platform on its own: as docker-compose.yml has it, and supervised apart."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from infra.local import plan
from infra.local.stack import Stack
from services.common.settings import DEPARTMENTS, PRIVATE
from tests.e2e.city import START_SECONDS, item, running, titles
from tests.e2e.collector import Collector
from tests.e2e.composed import Composed, services

SEEN_SECONDS = 20.0
CHOSEN = (
    *("OTEL_", "ZHENGTONG_TLS_", "ZHENGTONG_OIDC_"),
    *("ZHENGTONG_PUBLIC_URL", "ZHENGTONG_OUTBOUND_ALLOW", "ZHENGTONG_CODE_PROFILE"),
)
"""What whoever runs the platform sets, or does not."""
NOW = datetime.now(UTC)
CODE = "91530100MA6K00014D"
TRACE = "5eed0000000000000000000000c0de01"


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    root = tmp_path_factory.mktemp("composed")
    with Collector() as collector, Composed(root, collector) as processes:
        processes.until(lambda: ready(processes), "readiness", START_SECONDS)
        yield processes


def ready(composed):
    try:
        answer = httpx.get(f"http://127.0.0.1:{composed.http_port}/readyz", trust_env=False)
    except httpx.TransportError:
        return False
    return answer.status_code == 200


@pytest.fixture
def http(composed):
    composed.until(lambda: ready(composed), "the platform", SEEN_SECONDS)
    token = composed.make_api_key()
    with httpx.Client(
        base_url=f"http://127.0.0.1:{composed.http_port}",
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    ) as client:
        yield client


def told(http, path, body, **headers):
    answer = http.post(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_process_of_the_file_is_told_enough_to_serve(composed):
    assert composed.processes.keys() == services().keys()
    for name, service in services().items():
        environment = composed.environment(service)
        assert not [value for value in environment.values() if ":50051" in value or "${" in value]
        said = composed.log(name)
        assert "ready " in said, said
        assert "Traceback" not in said


def test_one_change_reaches_the_counts_the_index_and_one_trace(composed, http):
    traceparent = f"00-{TRACE}-00000000000c0de1-01"
    body = {"item": item("组合演练事项", "APART-1")}
    told(http, "/api/v1/items:publish", body, traceparent=traceparent)
    composed.until(lambda: counts(http).get(("catalogue", "item")) == 1, "the count", SEEN_SECONDS)
    composed.until(
        lambda: titles(query(http, "组合演练事项")) == ["组合演练事项"], "the hit", SEEN_SECONDS
    )
    composed.until(
        lambda: (
            {span.process for span in composed.collector.trace(TRACE)}
            == {"gateway", "servicer", "relay", "worker"}
        ),
        "the whole trace",
        SEEN_SECONDS,
    )
    assert counts(http)["catalogue", "item"] == 1, "told once, counted once"


def query(http, text):
    return http.get("/api/v1/query", params={"q": text}).raise_for_status().json()


def counts(http):
    rows = http.get("/api/v1/websites/publication-counts").raise_for_status().json()["counts"]
    return {(row["department"], row["kind"]): int(row["count"]) for row in rows}


def test_one_query_answers_across_departments(composed, http):
    told(http, "/api/v1/items:publish", {"item": item("联办演练事项", "APART-2")})
    told(http, "/api/v1/credit/subjects:register", {"subject": SUBJECT})
    told(http, "/api/v1/utilities/outages:announce", {"outage": OUTAGE})
    told(http, "/api/v1/websites/sites:register", {"site": SITE})
    wanted = {"item", "credit", "utility", "website"}

    def kinds():
        return {group["kind"] for group in query(http, "联办演练")["groups"]}

    composed.until(lambda: kinds() == wanted, "a hit of each department", SEEN_SECONDS)
    answer = query(http, "联办演练")
    assert [source["department"] for source in answer["sources"]] == [
        name for name in DEPARTMENTS if name not in PRIVATE
    ]
    assert {source["status"] for source in answer["sources"]} == {"ok"}
    assert query(http, CODE)["intent"]["type"] == "subject_code"
    assert query(http, CODE)["groups"][0]["hits"][0]["title"] == SUBJECT["name"]


SUBJECT = {
    "subject_code": CODE,
    "name": "联办演练有限公司",
    "subject_type": "法人及非法人组织",
    "status": "SUBJECT_STATUS_ACTIVE",
    "registration_authority": "演练市演练局",
    "region_code": "530100000000",
}
OUTAGE = {
    "outage_id": "apart-1",
    "sector": "SECTOR_WATER",
    "kind": "OUTAGE_KIND_FAULT",
    "institution_id": CODE,
    "institution_name": "联办演练供水有限公司",
    "reason": "管道破裂",
    "start_time": NOW.isoformat(),
    "expected_restore_time": (NOW + timedelta(hours=10)).isoformat(),
    "area_region_codes": ["530102000000"],
    "area_text": "五华区",
    "phone": "0871-00000000",
}
SITE = {
    "site_id": "lianban",
    "name": "联办演练网站",
    "hosts": ["www.lianban.example"],
    "unit": "演练市演练局",
    "state": "SITE_STATE_OPEN",
}


def test_an_operator_of_the_containers_has_the_command_line(composed, tmp_path):
    for words in (["status"], ["events", "dead"], ["index", "verify"]):
        done = composed.cli(*words)
        assert (words, done.returncode) == (words, 0), done.stderr
    (tmp_path / "items.json").write_text(json.dumps([item("容器导入演练事项", "APART-3")]))
    done = composed.cli("import", "items", str(tmp_path / "items.json"), "--json")
    assert json.loads(done.stdout)["created"] == 1
    assert composed.cli("stop", "credit").returncode == 0
    composed.until(lambda: not ready(composed), "credit's end", SEEN_SECONDS)
    assert composed.cli("start", "credit").returncode == 0
    composed.until(lambda: ready(composed), "credit's return", SEEN_SECONDS)


def test_all_of_them_end_well_within_their_grace(composed):
    """The last of this file: nobody runs afterwards."""
    assert set(composed.stop().values()) == {0}


def test_the_small_profile_apart_runs_the_commands_of_the_file(tmp_path):
    the_plan = plan.make({}, tmp_path, apart=True)
    the_plan.layout.make()
    ours = {process.name: process for process in the_plan.platform()}
    theirs = {"-".join(reversed(name.split("-"))): one for name, one in services().items()}
    assert ours.keys() == theirs.keys()
    for name, process in ours.items():
        assert ["python", *process.command[1:]] == theirs[name]["command"]
        unknown = theirs[name]["environment"].keys() - process.environment.keys()
        assert {variable for variable in unknown if not variable.startswith(CHOSEN)} == set()


def test_apart_under_the_supervisor_a_change_reaches_counts_and_index(tmp_path):
    with running(Stack(tmp_path / "run", apart=True)) as city:
        assert len(city.stack.status()["processes"]) == 2 + 3 * len(DEPARTMENTS) + 2
        city.publish("分开运行演练事项")
        city.until(lambda: city.counted("catalogue", "item") == 1, "the count", SEEN_SECONDS)
        city.until(lambda: titles(city.query("分开运行演练")) != [], "the hit", SEEN_SECONDS)
