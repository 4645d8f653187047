"""The linked data of the catalogue against the published shapes of CPSV-AP 3.2.0."""

from collections import Counter
from pathlib import Path

import pyshacl
import pytest
from rdflib import DCAT, DCTERMS, FOAF, RDF, SKOS, Graph, Namespace
from zhengtong.catalogue.v1 import catalogue_pb2 as pb

from gateway.onestop.regions import Regions
from gateway.standards.open_data.cpsv import graph_of
from gateway.standards.open_data.iris import CPSV, CV, ELI, Iris
from services.catalogue import messages, usecases
from services.catalogue.domain import SHAPES as ROW_SHAPES
from services.common.rows import Report, shape_of, stream_rows
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fakes import FakeCatalogue

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "infra" / "sample" / "items.json"
STANDARDS = ROOT.parent / "shared" / "data" / "standards"
PUBLISHED = STANDARDS / "cpsv-ap-3.2.0" / "cpsv-ap-SHACL.ttl"
SH = Namespace("http://www.w3.org/ns/shacl#")
IRIS = Iris("https://zwfw.example.gov.cn")
PAGE = 200

needs_shapes = pytest.mark.skipif(
    not PUBLISHED.exists(), reason="the published shapes of CPSV-AP are not beside this checkout"
)

MANDATORY = {
    (CPSV.PublicService, DCTERMS.identifier),
    (CPSV.PublicService, DCTERMS.title),
    (CPSV.PublicService, DCTERMS.description),
    (CPSV.PublicService, CV.hasCompetentAuthority),
    (CV.PublicOrganisation, SKOS.prefLabel),
    (CV.PublicOrganisation, DCTERMS.spatial),
    (CPSV.Rule, DCTERMS.identifier),
    (CPSV.Rule, DCTERMS.title),
    (CPSV.Rule, DCTERMS.description),
    (CV.Requirement, DCTERMS.identifier),
    (CV.Requirement, DCTERMS.title),
    (CV.Evidence, DCTERMS.identifier),
    (CV.Evidence, DCTERMS.title),
    (CV.Output, DCTERMS.identifier),
    (CV.Output, DCTERMS.title),
    (CV.Cost, DCTERMS.identifier),
    (CV.Channel, DCTERMS.identifier),
    (DCAT.Dataset, DCTERMS.title),
    (DCAT.Dataset, DCTERMS.description),
    (DCAT.Dataset, DCTERMS.publisher),
    (FOAF.Agent, DCTERMS.identifier),
    (FOAF.Agent, DCTERMS.title),
}
"""What the shapes ask for at least once, of the classes that the export has."""

LINKED = {
    (CPSV.PublicService, CV.hasCompetentAuthority): CV.PublicOrganisation,
    (CPSV.PublicService, CPSV.hasInput): CV.Evidence,
    (CPSV.PublicService, CPSV.produces): CV.Output,
    (CPSV.PublicService, CPSV.follows): CPSV.Rule,
    (CPSV.PublicService, CV.hasLegalResource): ELI.LegalResource,
    (CPSV.PublicService, CV.hasCost): CV.Cost,
    (CPSV.PublicService, CV.hasChannel): CV.Channel,
    (CPSV.PublicService, CV.contactPoint): CV.ContactPoint,
    (CPSV.PublicService, CV.holdsRequirement): CV.Requirement,
    (CPSV.PublicService, DCTERMS.spatial): DCTERMS.Location,
    (CPSV.PublicService, DCTERMS.language): DCTERMS.LinguisticSystem,
    (CPSV.PublicService, DCTERMS.isPartOf): DCAT.Dataset,
    (CPSV.PublicService, DCTERMS.type): SKOS.Concept,
}
"""Of which class what a service is linked with must be."""


@pytest.fixture(scope="module")
def shapes():
    return Graph().parse(PUBLISHED)


@pytest.fixture(scope="module")
def catalogue():
    rows = list(stream_rows(SAMPLE))
    store = FakeCatalogue(NOW)
    report = Report(shape_of(rows, "", ROW_SHAPES))
    usecases.import_items(rows, report, caller=SYSTEM, store=store)
    kept = [messages.item_message(one) for _, one in sorted(store.items.items())]
    assert len(kept) == len(rows) > PAGE
    return kept


def told(items):
    return graph_of(items, IRIS, Regions().name_of, page=IRIS.page("/open-data/items.ttl"))


def pages(items):
    return [items[at : at + PAGE] for at in range(0, len(items), PAGE)]


def conforms(graph, shapes):
    return pyshacl.validate(graph, shacl_graph=shapes, inference="none")[::2]


@needs_shapes
def test_every_page_of_the_whole_sample_conforms_to_the_published_shapes(catalogue, shapes):
    for items in pages(catalogue):
        good, report = conforms(told(items), shapes)
        assert good, report


def test_every_page_has_as_many_things_of_each_kind_as_the_catalogue(catalogue):
    everything = Counter()
    for items in pages(catalogue):
        graph = told(items)
        counted = {
            CPSV.PublicService: len(items),
            CV.PublicOrganisation: len({one.dept_code for one in items}),
            DCTERMS.Location: len({one.region_code for one in items}),
            CV.Evidence: sum(len(one.materials) for one in items),
            CV.Output: sum(bool(one.result_name) and one.result_type != "4" for one in items),
            CPSV.Rule: sum(len(one.by_law) for one in items),
            ELI.LegalResource: len(
                {(law.law_name, law.document_number) for one in items for law in one.by_law}
            ),
            CV.Requirement: sum(bool(one.accept_condition) for one in items),
            CV.Cost: sum(len(one.fees) for one in items),
            CV.Channel: sum(len(set(one.handle_type)) for one in items),
            CV.ContactPoint: sum(bool(one.link_way) for one in items),
            DCAT.Dataset: 1,
            FOAF.Agent: 1,
        }
        found = {kind: len(set(graph.subjects(RDF.type, kind))) for kind in counted}
        assert found == counted
        everything.update(counted)
    assert everything[CPSV.PublicService] == len(catalogue)
    assert all(everything.values())


@needs_shapes
def test_the_list_of_what_is_mandatory_is_that_of_the_shapes(catalogue, shapes):
    ours = set(told(catalogue[:PAGE]).objects(None, RDF.type))
    asked = {
        (kind, shapes.value(property_, SH.path))
        for shape, kind in shapes.subject_objects(SH.targetClass)
        if kind in ours
        for property_ in shapes.objects(shape, SH.property)
        if shapes.value(property_, SH.minCount) is not None
    }
    assert asked == MANDATORY


@pytest.fixture(scope="module")
def rich():
    """One item that has a part of every kind."""
    return pb.Item(
        item_id="T-1",
        state=pb.ITEM_STATE_PUBLISHED,
        task_name="食品经营许可",
        task_type="01",
        dept_name="昆明市市场监督管理局",
        region_code="530100000000",
        accept_condition="有场所",
        by_law=[{"law_name": "食品安全法"}],
        materials=[{"name": "申请表"}],
        result_name="食品经营许可证",
        fees=[{"fee_name": "工本费", "fee_stand": "10元"}],
        handle_type=["1"],
        link_way="0871-12345",
    )


@needs_shapes
@pytest.mark.parametrize(("kind", "property_"), sorted(MANDATORY))
def test_without_what_is_mandatory_a_page_does_not_conform(rich, shapes, kind, property_):
    graph = told([rich])
    assert conforms(graph, shapes)[0]
    (one,) = graph.subjects(RDF.type, kind)
    assert list(graph.objects(one, property_))
    graph.remove((one, property_, None))
    assert not conforms(graph, shapes)[0]


@needs_shapes
@pytest.mark.parametrize(("link", "kind"), sorted(LINKED.items()))
def test_what_is_linked_without_its_class_does_not_conform(rich, shapes, link, kind):
    graph = told([rich])
    (one,) = graph.subjects(RDF.type, link[0])
    for linked in list(graph.objects(one, link[1])):
        assert (linked, RDF.type, kind) in graph
        graph.remove((linked, RDF.type, None))
    assert not conforms(graph, shapes)[0]
