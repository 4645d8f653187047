"""A person goes through the whole platform; nothing of who it is stands anywhere in plain."""

from __future__ import annotations

import json

import httpx
import pytest
from pymongo import MongoClient

from gateway.portal.demo import ACCOUNTS
from infra.local.stack import Stack
from tests.contract.identity_house import token_in
from tests.e2e.city import UNLIMITED, running
from tests.e2e.collector import Collector

NUMBER = "11010519491231002X"  # the specimen of GB 11643
NAME = "欧阳青禾"
PHONE = "13988887654"
PASSWORD = "yunnan-Qingcai-27"
LOGIN = "qinghe"
SECRETS = {"number": NUMBER, "name": NAME, "phone": PHONE, "password": PASSWORD}
SETTLED_SECONDS = 20.0
TYPED = (NUMBER, f"我的 {NUMBER} 社保", f"{NUMBER[:6]} {NUMBER[6:]}", NUMBER.lower())
EDITOR = next(one for one in ACCOUNTS if one.role == "item_editor")


@pytest.fixture(scope="module")
def collector():
    with Collector() as listening:
        yield listening


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory, collector):
    """The platform after a person registered, signed in, searched and was looked at."""
    env = UNLIMITED | collector.env | {"ZHENGTONG_DEMO": "1"}
    with running(Stack(tmp_path_factory.mktemp("privacy"), sample=True, env=env)) as city:
        _register(city)
        token = _sign_in(city)
        own = city.http.get("/api/v1/account", headers=_bearer(token)).json()["account"]
        _search(city)
        _explain(city)
        _look(city, own["account_id"])
        _renew_and_leave(city)
        city.until(lambda: len(collector.raw) > 0, "a trace", SETTLED_SECONDS)
        yield city


def _bearer(token):
    return {"Authorization": f"Bearer {token}", "Purpose": "%E6%A0%B8%E5%AF%B9"}


def _register(city):
    answer = city.http.post(
        "/api/v1/accounts:register",
        json={
            "login": LOGIN,
            "password": PASSWORD,
            "name": NAME,
            "identity_number": NUMBER,
            "phone": PHONE,
            "request_id": "privacy-1",
        },
    )
    assert answer.status_code == 200, answer.text
    shown = json.dumps(answer.json(), ensure_ascii=False)
    assert NUMBER not in shown
    assert PHONE not in shown
    again = city.http.post(
        "/api/v1/accounts:register",
        json={"login": "other", "password": PASSWORD, "name": NAME, "identity_number": NUMBER},
    )
    assert again.json()["reason"] == "PERSON_KNOWN"


def _sign_in(city, password=PASSWORD):
    answer = city.http.post("/api/v1/sessions:signIn", json={"login": LOGIN, "password": password})
    assert answer.status_code == 200, answer.text
    city.ticket = answer.json()["ticket"]
    return city.ticket["access_token"]


def _search(city):
    for asked in TYPED:
        for path in ("/api/v1/query", "/api/v1/suggest"):
            answer = city.http.get(path, params={"q": asked})
            assert answer.status_code == 400, path
            assert answer.json()["reason"] == "QUERY_HAS_RESIDENT_ID"
            _refused_in_words(answer)
        page = city.http.get("/", params={"q": asked})
        assert page.status_code == 400
        _refused_in_words(page)
    city.http.get(f"/api/v1/credit/subjects/{NUMBER}")
    city.http.get(f"/items/{NUMBER}")
    city.http.post("/api/v1/sessions:signIn", json={"login": NUMBER, "password": "x" * 12})


def _refused_in_words(answer):
    assert "请不要输入公民身份号码：本平台不按身份证号查询" in answer.text
    assert plain(answer.content) == []


def _explain(city):
    """An officer types it where the order of answers is explained, signed in and before."""
    with httpx.Client(base_url=city.stack.base_url, timeout=30, trust_env=False) as desk:
        for asked in TYPED:
            stranger = desk.get("/desk/search", params={"q": asked})
            assert stranger.status_code in (302, 303)
            # The way back after signing in, too, is a header that others may log.
            assert plain(str(stranger.headers).encode()) == []
        form = {"login": EDITOR.login, "password": EDITOR.password, "next": ""}
        token = token_in(desk.get("/sign-in").text)
        assert desk.post("/sign-in", data={"form_token": token, **form}).status_code == 303
        assert desk.get("/desk/search", params={"q": "食品"}).status_code == 200
        for asked in TYPED:
            page = desk.get("/desk/search", params={"q": asked})
            assert page.status_code == 400
            _refused_in_words(page)


def _look(city, account_id):
    """An administrator of the province looks at the account, and has to say why."""
    done = city.zhengtong(
        *("account", "administrator", "--login", "admin-a", "--name", "王小明", "--json"),
        *("--department", "11530000015100012L", "--region", "530000000000"),
    )
    first = json.loads(done.out)["password"]
    login = {"login": "admin-a", "password": first}
    ticket = city.http.post("/api/v1/sessions:signIn", json=login).json()["ticket"]
    city.http.post(
        "/api/v1/account:changePassword",
        json={"password": first, "new_password": "dianchi-Haiou-93"},
        headers=_bearer(ticket["access_token"]),
    ).raise_for_status()
    login["password"] = "dianchi-Haiou-93"
    ticket = city.http.post("/api/v1/sessions:signIn", json=login).json()["ticket"]
    answer = city.http.get(
        f"/api/v1/accounts/{account_id}", headers=_bearer(ticket["access_token"])
    )
    assert answer.status_code == 200, answer.text
    assert NUMBER not in answer.text
    assert NAME not in answer.text


def _renew_and_leave(city):
    renewed = city.http.post(
        "/api/v1/sessions:renew", json={"refresh_token": city.ticket["refresh_token"]}
    ).json()["ticket"]
    city.http.post("/api/v1/sessions:signOut", json={"refresh_token": renewed["refresh_token"]})


def plain(raw):
    """Which secrets stand in these bytes, however JSON or BSON would write them."""
    found = []
    for name, secret in SECRETS.items():
        written = {secret.encode(), json.dumps(secret).strip('"').encode(), secret.lower().encode()}
        if any(one in raw for one in written):
            found.append(name)
    return found


def test_no_log_of_any_process_names_the_person(lived_in):
    said = {name: plain(text.encode()) for name, text in lived_in.logs().items()}
    assert said
    assert {name: found for name, found in said.items() if found} == {}


def test_no_trace_and_no_metric_names_the_person(lived_in, collector):
    assert [plain(raw) for raw in collector.raw if plain(raw)] == []


def test_no_document_of_any_department_names_the_person(lived_in):
    """Events, audit, kept answers and accounts alike: all of them, as they lie in the database."""
    looked_at = 0
    with MongoClient(lived_in.stack.env["MONGODB_URI"]) as client:
        for name in client.list_database_names():
            if not name.startswith("zt_"):
                continue
            for collection in client[name].list_collection_names():
                for document in client[name][collection].find_raw_batches():
                    looked_at += 1
                    assert (name, collection, plain(document)) == (name, collection, [])
    assert looked_at > 10


def test_no_file_of_the_index_names_the_person(lived_in):
    files = [path for path in lived_in.stack.plan.layout.index.rglob("*") if path.is_file()]
    assert files
    assert [path.name for path in files if plain(path.read_bytes())] == []


def test_no_address_that_a_page_leads_to_names_the_person(lived_in):
    page = lived_in.http.get("/", params={"q": NUMBER})
    assert NUMBER not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"


def test_the_look_of_the_administrator_is_recorded_with_its_purpose(lived_in):
    with MongoClient(lived_in.stack.env["MONGODB_URI"]) as client:
        rows = list(client["zt_identity"]["audit"].find({"act": "look"}))
    assert [(row["call"].rpartition(".")[2], row["purpose"]) for row in rows] == [
        ("GetAccount", "核对")
    ]
