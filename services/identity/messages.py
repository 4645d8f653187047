"""Domain values to protobuf messages and back. The only file that knows both shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zhengtong.access.v1 import access_pb2
from zhengtong.identity.v1 import identity_events_pb2 as events_pb
from zhengtong.identity.v1 import identity_pb2 as pb

from services.common.personal.masks import mask_name, mask_phone, mask_resident_id
from services.identity.domain import Account, Client, Mandate, Session

if TYPE_CHECKING:
    from collections.abc import Iterable

_PREFIX = "ROLE_"
_ACCOUNT_STATES = {True: pb.ACCOUNT_STATE_ACTIVE, False: pb.ACCOUNT_STATE_DISABLED}
_GRANT_STATES = {True: pb.GRANT_STATE_ACTIVE, False: pb.GRANT_STATE_ENDED}


def grant_state_of(state: pb.GrantState) -> bool | None:
    """Whether a list asks for what is in force, or for what ended; None: for both."""
    states = {pb.GRANT_STATE_ACTIVE: True, pb.GRANT_STATE_ENDED: False}
    return states.get(state)


def role_names(roles: Iterable[int]) -> list[str]:
    """Roles as callers carry them; an unknown number as one that no rule knows."""
    names: dict[int, str] = {int(number): name for name, number in access_pb2.Role.items()}
    return [names.get(role, str(role)).removeprefix(_PREFIX).lower() for role in roles]


def _role_numbers(roles: Iterable[str]) -> list[Any]:
    return [access_pb2.Role.Value(f"{_PREFIX}{role.upper()}") for role in roles]


def account_message(account: Account, *, own: bool = False) -> pb.Account:
    """An account, masked; one's own name is shown whole (rule A-1)."""
    shown = own or bool(account.department)
    return pb.Account(
        account_id=account.account_id,
        login=account.login,
        name=account.name if shown else mask_name(account.name),
        roles=_role_numbers(account.roles),
        dept_code=account.department,
        region_code=account.region,
        institution_id=account.institution,
        state=_ACCOUNT_STATES[account.active],
        identity_number=mask_resident_id(account.identity_number),
        phone=mask_phone(account.phone),
        password_expired=account.password_expired,
        version=account.version,
        update_time=account.update_time,
    )


def session_message(session: Session, *, current: str) -> pb.Session:
    return pb.Session(
        session_id=session.session_id,
        start_time=session.start_time,
        seen_time=session.renew_time,
        expire_time=session.expire_time,
        address=session.address,
        current=session.session_id == current,
    )


def mandate_message(mandate: Mandate) -> pb.Mandate:
    kind = pb.MANDATE_KIND_REPRESENTATIVE if mandate.representative else pb.MANDATE_KIND_AGENT
    return pb.Mandate(
        mandate_id=mandate.mandate_id,
        kind=kind,
        subject_code=mandate.subject_code,
        account_id=mandate.account_id,
        login=mandate.login,
        scopes=mandate.scopes,
        expire_date=mandate.expire_date.isoformat() if mandate.expire_date else "",
        granted_by=mandate.granted_by,
        state=_GRANT_STATES[mandate.active],
        version=mandate.version,
        update_time=mandate.update_time,
    )


def client_of(message: pb.Client, client_id: str) -> Client:
    """The client a caller hands in; its id, state and version are never the caller's to say."""
    return Client(
        client_id=client_id,
        name=message.name,
        department=message.dept_code,
        region=message.region_code,
        rights=tuple(message.rights),
        leads=message.leads,
        institution=message.institution_id,
        rate=message.rate_per_second,
        certificates=tuple(message.certificates),
        certificate_required=message.certificate_required,
    )


def client_message(client: Client) -> pb.Client:
    return pb.Client(
        client_id=client.client_id,
        name=client.name,
        dept_code=client.department,
        region_code=client.region,
        leads=client.leads,
        institution_id=client.institution,
        rights=client.rights,
        rate_per_second=client.rate,
        certificates=client.certificates,
        certificate_required=client.certificate_required,
        state=_GRANT_STATES[client.active],
        version=client.version,
        update_time=client.update_time,
    )


def account_opened(account: Account) -> events_pb.AccountOpened:
    return events_pb.AccountOpened(account_id=account.account_id)


def account_revised(account: Account) -> events_pb.AccountRevised:
    return events_pb.AccountRevised(account_id=account.account_id)


def mandate_granted(mandate: Mandate) -> events_pb.MandateGranted:
    return events_pb.MandateGranted(
        mandate_id=mandate.mandate_id, subject_code=mandate.subject_code
    )


def mandate_ended(mandate: Mandate) -> events_pb.MandateEnded:
    return events_pb.MandateEnded(mandate_id=mandate.mandate_id, subject_code=mandate.subject_code)


def client_registered(client: Client) -> events_pb.ClientRegistered:
    return events_pb.ClientRegistered(client_id=client.client_id)


def client_revised(client: Client) -> events_pb.ClientRevised:
    return events_pb.ClientRevised(client_id=client.client_id)
