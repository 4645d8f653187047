"""zhengtong.catalogue.v1.CatalogueService over gRPC."""

import logging
import os
import secrets

import grpc
from zhengtong.catalogue.v1 import catalogue_service_pb2_grpc as pb_grpc

from services.catalogue import store
from services.catalogue.domain import CodeProfile
from services.catalogue.domain.codes import ProfileUnknown, profile_of
from services.catalogue.servicer.basic_items import BasicItems
from services.catalogue.servicer.dossier import part
from services.catalogue.servicer.drafts import Drafts
from services.catalogue.servicer.gaps import Gaps
from services.catalogue.servicer.imports import Imports
from services.catalogue.servicer.items import Items
from services.catalogue.servicer.life_events import LifeEvents
from services.catalogue.servicer.lists import Lists
from services.catalogue.servicer.questionnaires import Questionnaires
from services.catalogue.servicer.succession import Successions
from services.catalogue.servicer.synonyms import Synonyms
from services.catalogue.servicer.uses import Uses
from services.common.grpc_host import Department, Plan
from services.common.personal import keys
from services.common.personal.vault import Vault
from services.common.settings import CODE_PROFILE, SettingMissing, Settings

logger = logging.getLogger(__name__)


class CatalogueServicer(
    Imports,
    Items,
    Successions,
    LifeEvents,
    Questionnaires,
    BasicItems,
    Lists,
    Drafts,
    Gaps,
    Synonyms,
    Uses,
    pb_grpc.CatalogueServiceServicer,
):
    """All calls of the service; each group in its own file."""


def attach(server: grpc.Server, department: Department) -> None:
    """Add the department's calls to a server. Raises: SettingMissing."""
    servicer = CatalogueServicer(department, _profile(Settings.from_env()), _vault())
    pb_grpc.add_CatalogueServiceServicer_to_server(servicer, server)


def _profile(settings: Settings) -> CodeProfile:
    try:
        return profile_of(settings.code_profile)
    except ProfileUnknown as error:
        raise SettingMissing(f"{CODE_PROFILE}：{error}") from error


def _vault() -> Vault:
    """The keys that texts of gaps are found by.

    Without any, the process makes one of its own: what three askers did not have before it stops
    is counted anew, and nothing else depends on it.

    Raises:
        SettingMissing: the keys that were set cannot be read.
    """
    if os.environ.get(keys.FILE) or os.environ.get(keys.VALUE):
        return Vault.from_env()
    logger.warning("%s is not set: gaps are counted by a key of this process", keys.FILE)
    passing = secrets.token_bytes(keys.KEY_BYTES)
    return Vault(keys.Ring({"passing": passing}, (passing,)))


PLAN = Plan(
    service="zhengtong.catalogue.v1.CatalogueService",
    ensure=store.ensure,
    snapshot=store.snapshot,
    attach=attach,
    part=part,
)
