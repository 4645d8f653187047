"""Open data: what each file makes of an item, whatever departments write."""

import io
import tempfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import DCTERMS, FOAF, RDF, SKOS, XSD, Graph, Literal, URIRef
from rdflib.compare import isomorphic
from zhengtong.catalogue.v1 import catalogue_pb2 as pb

from gateway.standards.open_data import topics
from gateway.standards.open_data.cpsv import CONTEXT, duration, graph_of
from gateway.standards.open_data.iris import CPSV, CV, HYDRA, YUAN, Iris, outward
from gateway.standards.open_data.workbook import LONGEST, Workbook, cell, columns
from services.catalogue.domain import tables

IRIS = Iris("https://zwfw.example.gov.cn")
HERE = IRIS.page("/open-data/items.ttl")
SERVICE = IRIS.item("T-1", "service")


def region_name(code):
    return {"530100000000": "昆明市"}.get(code, code)


def item(**more):
    told = {
        "item_id": "T-1",
        "state": pb.ITEM_STATE_PUBLISHED,
        "task_name": "食品经营许可",
        "task_type": "01",
        "dept_code": "115301000100002665",
        "dept_name": "昆明市市场监督管理局",
        "region_code": "530100000000",
    }
    return pb.Item(**told | more)


def graph(*items, onward=None):
    return graph_of(items or [item()], IRIS, region_name, page=HERE, onward=onward)


def parts(told, property_):
    return sorted(told.objects(SERVICE, property_))


def test_a_service_says_who_answers_for_it_and_where():
    told = graph()
    assert told.value(SERVICE, DCTERMS.identifier) == Literal("T-1")
    assert told.value(SERVICE, DCTERMS.title) == Literal("食品经营许可", lang="zh")
    body = told.value(SERVICE, CV.hasCompetentAuthority)
    assert body == URIRef("https://zwfw.example.gov.cn/open-data#body-115301000100002665")
    assert told.value(body, SKOS.prefLabel) == Literal("昆明市市场监督管理局", lang="zh")
    place = told.value(body, DCTERMS.spatial)
    assert told.value(place, DCTERMS.identifier) == Literal("530100000000")


def test_bodies_without_a_code_are_told_apart_by_name_and_region():
    same, other = {"dept_code": ""}, {"dept_code": "", "region_code": "530300000000"}
    told = graph(item(**same), item(item_id="T-2", **same), item(item_id="T-3", **other))
    assert len(set(told.subjects(RDF.type, CV.PublicOrganisation))) == 2


@pytest.mark.parametrize(
    ("number", "unit", "said"),
    [(5, "2", "P5D"), (3, "3", "PT3H"), (4, "4", "P4M"), (1, "5", "P1Y")],
)
def test_a_limit_that_a_duration_can_say_is_one(number, unit, said):
    told = graph(item(promise_day=number, promise_type=unit))
    expected = Literal(said, datatype=XSD.duration, normalize=False)
    assert told.value(SERVICE, CV.processingTime) == expected


def test_working_days_are_told_in_words_and_the_law_does_not_stand_in_for_the_promise():
    told = graph(item(promise_day=5, promise_type="1", anticipate_day=20, anticipate_type="2"))
    assert told.value(SERVICE, CV.processingTime) is None
    assert "承诺办结时限：5 个工作日" in told.value(SERVICE, DCTERMS.description)
    assert duration(0, "2") == ""


def test_what_belongs_to_a_service_is_told_part_by_part():
    told = graph(
        item(
            by_law=[{"law_name": "食品安全法", "article": "第三十五条"}],
            materials=[{"name": "申请表", "material_type": "2"}, {"name": "平面图"}],
            result_name="食品经营许可证",
            result_type="1",
            is_fee=True,
            fees=[{"fee_name": "工本费", "fee_stand": "10元"}, {"fee_name": "其他"}],
            handle_type=["1", "2"],
            online_handle_url="https://zwfw.example.gov.cn/办?x=1#a",
            transact_time="工作日 9:00—17:00",
            link_way="0871-12345",
        )
    )
    rule = parts(told, CPSV.follows)[0]
    assert told.value(rule, DCTERMS.description) == Literal("食品安全法 第三十五条", lang="zh")
    assert told.value(rule, CPSV.implements) == told.value(SERVICE, CV.hasLegalResource)
    assert [str(told.value(one, DCTERMS.title)) for one in parts(told, CPSV.hasInput)] == [
        "申请表",
        "平面图",
    ]
    assert len(parts(told, CPSV.produces)) == 1
    priced, free = parts(told, CV.hasCost)
    assert told.value(priced, CV.hasValue).toPython() == 10.0
    assert told.value(priced, CV.currency) == YUAN
    assert told.value(free, CV.hasValue) is None
    window, web = parts(told, CV.hasChannel)
    assert told.value(window, CV.openingHours) is not None
    assert "%E5%8A%9E?x=1" in told.value(web, FOAF.page)
    contact = told.value(SERVICE, CV.contactPoint)
    assert told.value(contact, CV.telephone) == Literal("0871-12345")


@pytest.mark.parametrize("stand", ["每平方米 10元", "10元至20元", "10元/件", "免费", ""])
def test_an_amount_is_told_only_where_the_standard_is_nothing_but_one(stand):
    told = graph(item(is_fee=True, fees=[{"fee_name": "费", "fee_stand": stand}]))
    assert told.value(parts(told, CV.hasCost)[0], CV.hasValue) is None


def test_an_item_without_a_result_produces_nothing():
    assert parts(graph(item(result_name="无", result_type="4")), CPSV.produces) == []


def test_a_page_says_where_the_next_one_is():
    onward = IRIS.page("/open-data/items.ttl", "a b&c")
    assert str(onward).endswith("?page_token=a%20b%26c")
    assert graph(onward=onward).value(HERE, HYDRA.next) == onward
    assert graph().value(HERE, HYDRA.next) is None


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "https://", "ftp://x/", "http://[x"])
def test_what_is_no_address_leads_nowhere(url):
    assert outward(url) is None


anything = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


# Its parser still builds on what rdflib itself has deprecated; nothing of ours parses.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@settings(max_examples=25)
@given(anything, anything, anything, st.lists(anything, max_size=3))
def test_whatever_departments_write_both_formats_say_the_same(name, local, url, aliases):
    told = graph(
        item(
            item_id=local,
            task_name=name,
            dept_code=local,
            region_code=local,
            alias=aliases,
            handle_type=[local[:1], "2"],
            online_handle_url=f"https://x/{url}",
            by_law=[{"law_name": name, "document_number": local}],
            link_way=name,
        )
    )
    turtle = told.serialize(format="turtle", encoding="utf-8")
    json_ld = told.serialize(format="json-ld", context=CONTEXT, encoding="utf-8")
    assert isomorphic(Graph().parse(turtle, format="turtle"), told)
    assert isomorphic(Graph().parse(json_ld, format="json-ld"), told)


def test_topics_are_called_as_the_catalogue_calls_them():
    assert topics.PERSON_TOPICS == tables.PERSON_TOPICS
    assert topics.ORGANISATION_TOPICS == tables.ORGANISATION_TOPICS
    assert topics.MATERIAL_TYPES == tables.MATERIAL_TYPES


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def opened(items, most=10, letters=10**6):
    """The rows of a workbook, as a spreadsheet reads them."""
    book = Workbook(region_name, most, letters)
    book.add(items)
    size = book.finish()
    content = book.read(size + 1)
    book.close()
    assert len(content) == size
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    return [tuple(one.value for one in row) for row in sheet.iter_rows()], sheet


def test_a_workbook_has_a_row_for_each_item_under_chinese_headings(folder):
    rows, _ = opened([item(), item(item_id="T-2", server_type=["1", "2"], is_online=True)])
    headings = list(columns(region_name))
    assert list(rows[0]) == headings
    first, second = (dict(zip(headings, row, strict=True)) for row in rows[1:])
    assert (first["事项编号"], second["事项编号"]) == ("T-1", "T-2")
    assert first["事项类型"] == "行政许可"
    assert first["所在区划"] == "昆明市"
    assert second["服务对象"] == "自然人、企业法人"
    assert (first["网上办理"], second["网上办理"]) == ("否", "是")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x")', "＝1+1", "@SUM(1)", "-1+1"])
def test_nothing_in_a_workbook_is_run(folder, name):
    rows, sheet = opened([item(task_name=name)])
    assert rows[1][1] == f"'{name}"
    assert {one.data_type for row in sheet.iter_rows() for one in row} <= {"s", "n", "inlineStr"}


def test_the_last_row_of_a_full_workbook_says_that_there_is_more(folder):
    book = [item(item_id=f"T-{number}") for number in range(4)]
    rows, _ = opened(book, most=3)
    assert [row[0] for row in rows[1:4]] == ["T-0", "T-1", "T-2"]
    assert "上限" in rows[4][0]
    assert len(rows) == 5
    assert "前 3 项" in rows[4][0]
    exactly, _ = opened(book[:3], most=3)
    assert len(exactly) == 4


def test_a_workbook_of_long_texts_ends_before_it_fills_the_disk(folder):
    book = [item(item_id=f"T-{number}", accept_condition="条" * 900) for number in range(4)]
    rows, _ = opened(book, letters=1000)
    assert [row[0] for row in rows[1:3]] == ["T-0", "T-1"]
    assert "前 2 项" in rows[3][0]
    assert len(rows) == 4


def test_a_long_text_is_shortened_and_says_so(folder):
    rows, _ = opened([item(accept_condition="条" * 40_000)])
    said = dict(zip(rows[0], rows[1], strict=True))["受理条件"]
    assert len(said) == LONGEST + 2
    assert said.endswith("……")
    assert cell("条") == "条"


def test_an_unfinished_workbook_leaves_nothing_behind(folder):
    book = Workbook(region_name)
    book.add([item()])
    assert list(folder.iterdir())
    book.close()
    assert list(folder.iterdir()) == []
