"""What belongs to one item, as CPSV-AP has it: rules, evidence, output, costs, channels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rdflib import DCTERMS, FOAF, RDF, SKOS, XSD, Graph, Literal, URIRef

from gateway.portal import labels
from gateway.standards.open_data import topics
from gateway.standards.open_data.iris import CHINESE, CPSV, CV, ELI, TIME, YUAN, outward

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rdflib.term import Node
    from zhengtong.catalogue.v1 import catalogue_pb2

    from gateway.standards.open_data.iris import Iris

NO_RESULT: Final = "4"
WINDOW, WEB, MOBILE = "1", "2", "3"
_PHONE: Final = re.compile(r"\+?[0-9][0-9\- ]{2,24}", re.ASCII)
_YUAN: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,2})?)\s*元", re.ASCII)


class Putting:
    """Puts statements into a graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def link(self, subject: Node, property_: URIRef, object_: Node) -> None:
        self._graph.add((subject, property_, object_))

    def text(self, subject: Node, property_: URIRef, text: str) -> None:
        self._graph.add((subject, property_, Literal(text)))

    def zh(self, subject: Node, property_: URIRef, text: str) -> None:
        """Text for people; none where it is blank."""
        if text:
            self._graph.add((subject, property_, Literal(text, lang="zh")))

    def thing(
        self, one: URIRef, kind: URIRef, *, identifier: str, title: str = "", description: str = ""
    ) -> None:
        """What a thing is, and what nearly everything has."""
        self.link(one, RDF.type, kind)
        self.text(one, DCTERMS.identifier, identifier)
        self.zh(one, DCTERMS.title, title)
        self.zh(one, DCTERMS.description, description)


def concept(put: Putting, iris: Iris, scheme: str, names: Mapping[str, str], code: str) -> URIRef:
    """What a code stands for; a code that no table knows is called by itself."""
    one = iris.shared(scheme, code)
    put.link(one, RDF.type, SKOS.Concept)
    put.text(one, SKOS.notation, code)
    put.zh(one, SKOS.prefLabel, names.get(code, code))
    return one


def belongings(put: Putting, iris: Iris, service: URIRef, item: catalogue_pb2.Item) -> None:
    """All that belongs to an item, linked with it."""
    telling = _Belongings(put, iris, service, item)
    telling.rules()
    telling.requirement()
    telling.evidence()
    telling.output()
    telling.costs()
    telling.channels()
    telling.contact()


class _Belongings:
    """Tells of one item; its parts are numbered as the item has them."""

    def __init__(self, put: Putting, iris: Iris, service: URIRef, item: catalogue_pb2.Item) -> None:
        self._put = put
        self._iris = iris
        self._service = service
        self._item = item

    def rules(self) -> None:
        """设定依据: the article is the rule, its law the legal resource that it implements."""
        for number, basis in enumerate(self._item.by_law, 1):
            name = " ".join(part for part in (basis.law_name, basis.article) if part)
            rule = self._part(
                CPSV.Rule, CPSV.follows, f"rule-{number}", name, basis.content or name
            )
            law = self._iris.named("law", basis.law_name, basis.document_number)
            self._put.link(law, RDF.type, ELI.LegalResource)
            self._put.zh(law, DCTERMS.title, basis.law_name)
            if basis.document_number:
                self._put.text(law, DCTERMS.identifier, basis.document_number)
            self._put.link(rule, CPSV.implements, law)
            self._put.link(rule, DCTERMS.language, CHINESE)
            self._put.link(self._service, CV.hasLegalResource, law)

    def requirement(self) -> None:
        """受理条件."""
        if said := self._item.accept_condition:
            self._part(CV.Requirement, CV.holdsRequirement, "requirement", "受理条件", said)

    def evidence(self) -> None:
        """申请材料."""
        for number, material in enumerate(self._item.materials, 1):
            said = "\n".join(
                text for text in (material.accept_stand, material.fill_explain) if text
            )
            one = self._part(CV.Evidence, CPSV.hasInput, f"material-{number}", material.name, said)
            if code := material.material_type:
                self._typed(one, "material-type", topics.MATERIAL_TYPES, code)

    def output(self) -> None:
        """审批结果."""
        item = self._item
        if not item.result_name or item.result_type == NO_RESULT:
            return
        one = self._part(CV.Output, CPSV.produces, "result", item.result_name)
        if code := item.result_type:
            self._typed(one, "result-type", labels.RESULT_TYPES, code)

    def costs(self) -> None:
        """收费项目; an amount only where the standard is nothing but one."""
        for number, fee in enumerate(self._item.fees, 1):
            said = "：".join(text for text in (fee.fee_name, fee.fee_stand) if text)
            one = self._part(CV.Cost, CV.hasCost, f"fee-{number}", "", said)
            if amount := _YUAN.fullmatch(fee.fee_stand.strip()):
                value = Literal(amount[1], datatype=XSD.double, normalize=False)
                self._put.link(one, CV.hasValue, value)
                self._put.link(YUAN, RDF.type, SKOS.Concept)
                self._put.link(one, CV.currency, YUAN)

    def channels(self) -> None:
        """办理形式: where each leads, and for the window when it is open."""
        item = self._item
        leads = {WINDOW: item.transact_addr, WEB: item.online_handle_url}
        leads[MOBILE] = item.mobile_terminal_url
        for code in dict.fromkeys(item.handle_type):
            key = f"channel-{code}"
            one = self._part(CV.Channel, CV.hasChannel, key, "", leads.get(code, ""))
            self._typed(one, "channel-type", labels.HANDLE_TYPES, code)
            if code in (WEB, MOBILE) and (address := outward(leads[code])):
                self._put.link(one, FOAF.page, address)
            if code == WINDOW and item.transact_time:
                hours = self._iris.item(item.item_id, "hours")
                self._put.link(hours, RDF.type, TIME.TemporalEntity)
                self._put.zh(hours, DCTERMS.description, item.transact_time)
                self._put.link(one, CV.openingHours, hours)

    def contact(self) -> None:
        """咨询方式."""
        if not (said := self._item.link_way):
            return
        contact = self._iris.item(self._item.item_id, "contact")
        self._put.link(contact, RDF.type, CV.ContactPoint)
        if _PHONE.fullmatch(said):
            self._put.text(contact, CV.telephone, said)
        else:
            self._put.zh(contact, DCTERMS.description, said)
        self._put.link(self._service, CV.contactPoint, contact)

    def _part(
        self, kind: URIRef, property_: URIRef, key: str, title: str, description: str = ""
    ) -> URIRef:
        one = self._iris.item(self._item.item_id, key)
        identifier = f"{self._item.item_id}/{key}"
        self._put.thing(one, kind, identifier=identifier, title=title, description=description)
        self._put.link(self._service, property_, one)
        return one

    def _typed(self, one: URIRef, scheme: str, names: Mapping[str, str], code: str) -> None:
        self._put.link(one, DCTERMS.type, concept(self._put, self._iris, scheme, names, code))
