"""The catalogue's part of a dossier."""

from zhengtong.dossier.v1.dossier_service_pb2 import GetPartResponse

from services.catalogue import messages, usecases
from services.catalogue.store import MongoStore
from services.common.transaction import Unit


def part(unit: Unit, subject_code: str) -> GetPartResponse:
    """What a dossier says of a body that implements items."""
    return messages.part_message(*usecases.part_of(subject_code, store=MongoStore(unit)))
