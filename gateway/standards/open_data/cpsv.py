"""Items as CPSV-AP 3.2.0, the European vocabulary for public services.

What the vocabulary has no word for stays out: a time limit in working days is told in the
description, since xsd:duration knows none. `dct:spatial`, types and topics are concepts of our
own, named as the national code tables name them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rdflib import DCAT, DCTERMS, FOAF, RDF, RDFS, SKOS, XSD, Graph, Literal, URIRef

from gateway.portal import labels
from gateway.portal.writing import limit
from gateway.standards.open_data import parts, topics
from gateway.standards.open_data.iris import (
    ADMS,
    CHINESE,
    CPSV,
    CV,
    ELI,
    HYDRA,
    LOCN,
    PAGE,
    TIME,
    Iris,
)
from gateway.standards.open_data.terms import LICENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from zhengtong.catalogue.v1 import catalogue_pb2

_PREFIXES: Final = {
    "adms": ADMS,
    "cpsv": CPSV,
    "cv": CV,
    "dcat": DCAT,
    "dct": DCTERMS,
    "eli": ELI,
    "foaf": FOAF,
    "hydra": HYDRA,
    "locn": LOCN,
    "rdf": RDF,
    "rdfs": RDFS,
    "skos": SKOS,
    "time": TIME,
    "xsd": XSD,
}
CONTEXT: Final = {name: str(space) for name, space in _PREFIXES.items()}
"""For JSON-LD: the prefixes by which names are shortened."""
_SPANS: Final = {"2": "P{}D", "3": "PT{}H", "4": "P{}M", "5": "P{}Y"}


def graph_of(
    items: Iterable[catalogue_pb2.Item],
    iris: Iris,
    region_name: Callable[[str], str],
    *,
    page: URIRef,
    onward: URIRef | None = None,
) -> Graph:
    """One page of the catalogue; it needs no other page to be whole.

    Args:
        region_name: the name of a region by its code.
        page: where this page is.
        onward: where the next one is; None: there is none.
    """
    telling = _Telling(iris, region_name)
    telling.dataset(page, onward)
    for item in items:
        telling.service(item)
    return telling.graph


def duration(number: int, unit: str) -> str:
    """A time limit as xsd:duration; empty for working days, which it cannot say, and for none."""
    return _SPANS[unit].format(number) if number > 0 and unit in _SPANS else ""


class _Telling:
    """Writes one graph; what several items share is written once."""

    def __init__(self, iris: Iris, region_name: Callable[[str], str]) -> None:
        self.graph = Graph(bind_namespaces="none")
        for name, space in _PREFIXES.items():
            self.graph.bind(name, space)
        self._iris = iris
        self._region_name = region_name
        self._dataset = iris.shared("dataset", "items")
        self._put = parts.Putting(self.graph)

    def dataset(self, page: URIRef, onward: URIRef | None) -> None:
        """What all of this is a part of, who gives it, and where it goes on."""
        put, landing = self._put, URIRef(self._iris.origin + PAGE)
        publisher = self._iris.shared("publisher", "zhengtong")
        put.thing(publisher, FOAF.Agent, identifier=self._iris.origin, title="政通")
        put.thing(
            self._dataset,
            DCAT.Dataset,
            identifier=str(self._dataset),
            title="政务服务事项目录",
            description="本平台公开的全部在用政务服务事项。",
        )
        put.zh(self._dataset, DCTERMS.rights, LICENCE)
        put.link(self._dataset, DCTERMS.publisher, publisher)
        put.link(landing, RDF.type, FOAF.Document)
        put.link(self._dataset, DCAT.landingPage, landing)
        put.link(page, RDF.type, HYDRA.PartialCollectionView)
        if onward is not None:
            put.link(page, HYDRA.next, onward)

    def service(self, item: catalogue_pb2.Item) -> None:
        """One item with all that belongs to it."""
        put, service = self._put, self._iris.item(item.item_id, "service")
        put.thing(
            service,
            CPSV.PublicService,
            identifier=item.item_id,
            title=item.task_name,
            description=described(item, self._region_name(item.region_code)),
        )
        put.link(service, DCTERMS.isPartOf, self._dataset)
        put.link(service, DCTERMS.spatial, self._location(item.region_code))
        put.link(service, CV.hasCompetentAuthority, self._organisation(item))
        put.link(CHINESE, RDF.type, DCTERMS.LinguisticSystem)
        put.link(service, DCTERMS.language, CHINESE)
        for name in item.alias:
            put.zh(service, DCAT.keyword, name)
        if length := _processing(item):
            said = Literal(length, datatype=XSD.duration, normalize=False)
            self.graph.add((service, CV.processingTime, said))
        self._classes(service, item)
        parts.belongings(put, self._iris, service, item)

    def _classes(self, service: URIRef, item: catalogue_pb2.Item) -> None:
        said = (
            (DCTERMS.type, "task-type", labels.TASK_TYPES, [item.task_type]),
            (DCTERMS.audience, "audience", labels.SERVER_TYPES, item.server_type),
            (CV.thematicArea, "person-topic", topics.PERSON_TOPICS, item.user_topic_type),
            (
                CV.thematicArea,
                "organisation-topic",
                topics.ORGANISATION_TOPICS,
                item.corp_topic_type,
            ),
            (ADMS.status, "status", _STATES, [str(item.state)]),
        )
        for property_, scheme, names, codes in said:
            for code in codes:
                concept = parts.concept(self._put, self._iris, scheme, names, code)
                self._put.link(service, property_, concept)

    def _organisation(self, item: catalogue_pb2.Item) -> URIRef:
        """The body in charge; by its name and region where it has no code."""
        code = item.dept_code
        body = (
            self._iris.shared("body", code)
            if code
            else self._iris.named("body", item.dept_name, item.region_code)
        )
        self._put.link(body, RDF.type, CV.PublicOrganisation)
        if code:
            self._put.text(body, DCTERMS.identifier, code)
        self._put.zh(body, SKOS.prefLabel, item.dept_name)
        self._put.link(body, DCTERMS.spatial, self._location(item.region_code))
        return body

    def _location(self, code: str) -> URIRef:
        location = self._iris.shared("region", code)
        self._put.link(location, RDF.type, DCTERMS.Location)
        self._put.text(location, DCTERMS.identifier, code)
        self._put.zh(location, RDFS.label, self._region_name(code))
        return location


_STATES: Final[Mapping[str, str]] = {
    str(number): name for number, name in labels.ITEM_STATES.items()
}


def described(item: catalogue_pb2.Item, region: str) -> str:
    """What an item is, in a few sentences: the list itself has no field for that."""
    kind = labels.TASK_TYPES.get(item.task_type, "政务服务事项")
    said = [f"{region}{kind}，由{item.dept_name}办理。"]
    lines = (
        ("受理条件", item.accept_condition),
        ("承诺办结时限", limit(item.promise_day, item.promise_type, item.promise_explain)),
        ("法定办结时限", limit(item.anticipate_day, item.anticipate_type, item.anticipate_explain)),
    )
    said += [f"{name}：{text}" for name, text in lines if text]
    return "\n".join(said)


def _processing(item: catalogue_pb2.Item) -> str:
    """What was promised; what the law says only where nothing was promised."""
    if item.promise_day:
        return duration(item.promise_day, item.promise_type)
    return duration(item.anticipate_day, item.anticipate_type)
