"""Facts of other departments that websites hears: what they made public is counted, once each."""

from typing import Any

from zhengtong.catalogue.v1 import catalogue_events_pb2 as catalogue
from zhengtong.credit.v1 import credit_events_pb2 as credit
from zhengtong.utilities.v1 import utilities_events_pb2 as utilities

from services.common.delivery import Event, reacts
from services.websites import usecases
from services.websites.domain import Publication, legal_day
from services.websites.store import MongoStore
from services.websites.usecases import Store

ImportPublished = catalogue.ImportPublished | credit.ImportPublished | utilities.ImportPublished


class Worker:
    name = "websites"
    store = MongoStore

    @reacts(catalogue.ItemPublished)
    def count_an_item(self, event: Event[catalogue.ItemPublished], store: Store) -> None:
        usecases.count(published(event, "item"), store=store)

    @reacts(catalogue.LifeEventPublished)
    def count_a_life_event(self, event: Event[catalogue.LifeEventPublished], store: Store) -> None:
        usecases.count(published(event, "life_event"), store=store)

    @reacts(catalogue.BasicItemPublished)
    def count_a_basic_item(self, event: Event[catalogue.BasicItemPublished], store: Store) -> None:
        usecases.count(published(event, "basic_item"), store=store)

    @reacts(catalogue.QuestionnairePublished)
    def count_a_questionnaire(
        self, event: Event[catalogue.QuestionnairePublished], store: Store
    ) -> None:
        usecases.count(published(event, "questionnaire"), store=store)

    @reacts(credit.SubjectRegistered)
    def count_a_subject(self, event: Event[credit.SubjectRegistered], store: Store) -> None:
        usecases.count(published(event, "subject"), store=store)

    @reacts(credit.PermitDisclosed)
    def count_a_permit(self, event: Event[credit.PermitDisclosed], store: Store) -> None:
        usecases.count(published(event, "permit"), store=store)

    @reacts(credit.PenaltyDisclosed)
    def count_a_penalty(self, event: Event[credit.PenaltyDisclosed], store: Store) -> None:
        usecases.count(published(event, "penalty"), store=store)

    @reacts(utilities.InstitutionPublished)
    def count_an_institution(
        self, event: Event[utilities.InstitutionPublished], store: Store
    ) -> None:
        usecases.count(published(event, "institution"), store=store)

    @reacts(utilities.OutageAnnounced)
    def count_an_outage(self, event: Event[utilities.OutageAnnounced], store: Store) -> None:
        usecases.count(published(event, "outage"), store=store)

    @reacts(catalogue.ImportPublished)
    @reacts(credit.ImportPublished)
    @reacts(utilities.ImportPublished)
    def count_an_import(self, event: Event[ImportPublished], store: Store) -> None:
        publication = published(event, event.fact.kind, event.fact.count)
        usecases.count(publication, store=store)


def published(event: Event[Any], kind: str, count: int = 1) -> Publication:
    """What a fact says became public; it counts for the department that told it."""
    return Publication(legal_day(event.time), event.source.removeprefix("/"), kind, count)
