"""The OpenAPI document and its page: valid, whole, in Chinese, and true."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.contracts import message_in, served_calls
from gateway.openapi.comments import comments
from gateway.openapi.texts import describe_call, translations
from gateway.problems import TITLES
from services.common.access import OPEN
from tests.contract.gateway_house import house

CALLS = [(call, binding) for call in served_calls() for binding in call.bindings]


@pytest.fixture
async def gateway(tmp_path):
    async with house(tmp_path) as one:
        yield one


@pytest.fixture
async def document(gateway):
    return (await gateway.ask("GET", "/api/openapi.json")).json()


def operation(document, binding):
    return document["paths"][binding.path][binding.verb.lower()]


def resolver(document, schema):
    """A validator of one schema inside the document."""
    return Draft202012Validator({**document, **schema})


def faults(document, schema, value):
    """What of a value is not as the schema promises."""
    return list(resolver(document, schema).iter_errors(value))


def shown(declared, seen=None):
    """Every message and enum that a caller meets from `declared` on."""
    seen = {} if seen is None else seen
    if declared.full_name not in seen and not declared.full_name.startswith("google."):
        seen[declared.full_name] = declared
        for field in getattr(declared, "fields", ()):
            if inner := field.enum_type or message_in(field):
                shown(inner, seen)
    return seen


async def test_the_document_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


async def test_every_served_call_is_in_it_with_its_permission_and_reasons(document):
    for call, binding in CALLS:
        one = operation(document, binding)
        text = describe_call(call.method)
        assert one["summary"] == text.title
        assert one["x-refuses"] == list(text.reasons)
        assert bool(one.get("security")) == (call.permission != OPEN)
        assert "default" in one["responses"]
        assert {"400", "429", "503", "504"} <= set(one["responses"])
    operations = [one for item in document["paths"].values() for one in item.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)


async def test_the_query_of_the_one_stop_and_the_probes_are_in_it(document):
    assert {"/api/v1/query", "/healthz", "/readyz", "/metrics"} <= set(document["paths"])


async def test_every_problem_status_has_an_answer_with_the_problem_schema(document):
    for status, title in TITLES.items():
        answer = document["components"]["responses"][f"Problem{status}"]
        assert answer["description"] == title
        schema = answer["content"]["application/problem+json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Problem"}


async def test_a_real_problem_has_the_shape_that_is_promised(gateway, document):
    problem = (await gateway.ask("GET", "/api/v1/items?page_size=x")).json()
    assert faults(document, {"$ref": "#/components/schemas/Problem"}, problem) == []


async def test_a_real_answer_has_the_shape_that_is_promised(gateway, document):
    gateway.catalogue.item.materials.add(name="申请书")
    gateway.catalogue.item.update_time.GetCurrentTime()
    answer = (await gateway.ask("GET", "/api/v1/items")).json()
    schema = document["paths"]["/api/v1/items"]["get"]["responses"]["200"]
    assert faults(document, schema["content"]["application/json"]["schema"], answer) == []


@pytest.mark.parametrize("call", CALLS, ids=lambda c: c[0].method.full_name)
async def test_the_examples_have_the_shape_that_is_promised(document, call):
    one = operation(document, call[1])
    contents = [
        *one.get("requestBody", {}).get("content", {}).values(),
        *one["responses"]["200"]["content"].values(),
    ]
    for part in (*contents, *one["parameters"]):
        if "example" in part:
            assert faults(document, part["schema"], part["example"]) == []


async def test_an_example_of_a_change_goes_through(gateway, document):
    for path in ("/api/v1/items:publish", "/api/v1/items/{item_id}:withdraw"):
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        reply = await gateway.change(path.replace("{item_id}", "a"), content["example"])
        assert reply.status_code == 200, reply.text
    assert len(gateway.catalogue.asked) == 2


def test_every_call_has_a_chinese_title_and_every_comment_a_caller_meets_is_chinese():
    missing = set()
    for call, _ in CALLS:
        text = describe_call(call.method)
        missing |= {t for t in (text.title, text.description) if not in_chinese(t)}
        for message in (call.method.input_type, call.method.output_type):
            for declared in shown(message).values():
                parts = [*getattr(declared, "fields", ()), *getattr(declared, "values", ())]
                said = {comments()[f"{declared.full_name}.{part.name}"] for part in parts}
                missing |= {comment for comment in said if not in_chinese(comment)}
    assert not missing, f"gateway/openapi/texts.json lacks: {sorted(missing)}"


async def test_chinese_texts_have_chinese_marks(document):
    texts = list(said_in(document))
    assert len(texts) > 200
    assert not [text for text in texts if re.search(r"[\u4e00-\u9fff][.,:;](\s|$)", text)]
    assert not [text for text in texts if text.startswith(("Input of", "Output of"))]


def said_in(tree):
    """Every description in a part of the document."""
    if isinstance(tree, list):
        for part in tree:
            yield from said_in(part)
    elif isinstance(tree, dict):
        for name, part in tree.items():
            if name == "description" and isinstance(part, str):
                yield part
            else:
                yield from said_in(part)


def in_chinese(text):
    """Whether it is translated, was made of a translation, or holds no English word."""
    known = translations()
    done = text in known["comments"] or text in {
        *known["comments"].values(),
        *known["calls"].values(),
    }
    return done or not re.search("[A-Za-z]{3}", text)


def test_no_translation_is_kept_of_what_no_contract_says_any_more():
    said = {re.sub(r"\s*Refuses: .+$", "", comment) for comment in comments().values()}
    assert set(translations()["comments"]) <= said
    calls = {f"{c.method.containing_service.name}.{c.method.name}" for c, _ in CALLS}
    assert set(translations()["calls"]) == calls


class Page(HTMLParser):
    """Anchors, links, open tags and scripts of a page."""

    VOID = ("meta", "link", "br", "img", "input", "hr")

    def __init__(self):
        super().__init__()
        self.ids, self.links, self.stack, self.words = [], [], [], []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found[n] for n in ("href", "src") if n in found]
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


async def test_the_page_tells_every_call_and_needs_nothing_from_elsewhere(gateway, document):
    reply = await gateway.ask("GET", "/api/docs")
    page = Page()
    page.feed(reply.text)
    assert (reply.status_code, page.stack) == (200, [])
    text = "".join(page.words)
    for path, item in document["paths"].items():
        assert path in text
        assert all(one["summary"] in text for one in item.values())
    assert re.findall(r"<script[^>]*>", reply.text) == re.findall(
        r'<script src="/static/suggest\.js\?v=[0-9a-f]+" defer>', reply.text
    )
    assert 'name="viewport"' in reply.text
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link.startswith(("#", "/", "tel:", "data:,"))
        assert not link.startswith("//")
        assert not link.startswith("#") or link[1:] in page.ids


async def test_the_page_explains_the_reason_that_a_problem_points_to(gateway):
    page = Page()
    page.feed((await gateway.ask("GET", "/api/docs")).text)
    for path in ("/api/v1/items?x=1", "/api/v1/nothing", "/api/v1/credit/permits"):
        problem = (await gateway.ask("GET", path)).json()
        assert problem["type"].removeprefix("/api/docs#") in page.ids
