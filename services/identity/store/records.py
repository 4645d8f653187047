"""Domain values as documents and back, but for what is sealed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from bson.int64 import Int64

from services.common.identifiers import region_ancestors
from services.identity.domain import Client, Mandate, Session

if TYPE_CHECKING:
    Document = dict[str, Any]


def outside(issuer: str, subject: str) -> str:
    return f"{issuer}\n{subject}"


def session_document(session: Session) -> Document:
    return {
        "_id": session.session_id,
        "account": session.account_id,
        "start_time": session.start_time,
        "renew_time": session.renew_time,
        "address": session.address,
        "generation": Int64(session.generation),
        "on_behalf_of": session.on_behalf_of,
        "expire_time": session.expire_time,
    }


def session_of(document: Document) -> Session:
    return Session(
        session_id=document["_id"],
        account_id=document["account"],
        start_time=document["start_time"],
        renew_time=document["renew_time"],
        address=document["address"],
        generation=int(document["generation"]),
        on_behalf_of=document["on_behalf_of"],
    )


def mandate_document(mandate: Mandate) -> Document:
    return {
        "_id": mandate.mandate_id,
        "version": Int64(mandate.version),
        "representative": mandate.representative,
        "subject_code": mandate.subject_code,
        "account": mandate.account_id,
        "login": mandate.login,
        "granted_by": mandate.granted_by,
        "scopes": list(mandate.scopes),
        "expire_date": mandate.expire_date.isoformat() if mandate.expire_date else "",
        "active": mandate.active,
    }


def mandate_of(document: Document) -> Mandate:
    last = document["expire_date"]
    return Mandate(
        mandate_id=document["_id"],
        representative=document["representative"],
        subject_code=document["subject_code"],
        account_id=document["account"],
        login=document.get("login", ""),  # a mandate that an older version wrote has none
        granted_by=document["granted_by"],
        scopes=tuple(document["scopes"]),
        expire_date=date.fromisoformat(last) if last else None,
        active=document["active"],
        version=int(document["version"]),
        update_time=document["update_time"],
    )


def client_document(client: Client) -> Document:
    document = {
        "_id": client.client_id,
        "version": Int64(client.version),
        "name": client.name,
        "department": client.department,
        "region": client.region,
        "regions": [client.region, *region_ancestors(client.region)],
        "leads": client.leads,
        "institution": client.institution,
        "rights": list(client.rights),
        "rate": client.rate,
        "certificate_required": client.certificate_required,
        "active": client.active,
    }
    # A unique index counts an empty list as one value, an absent one as none.
    return document | ({"certificates": list(client.certificates)} if client.certificates else {})


def client_of(document: Document) -> Client:
    return Client(
        client_id=document["_id"],
        name=document["name"],
        department=document["department"],
        region=document["region"],
        rights=tuple(document["rights"]),
        leads=document["leads"],
        institution=document["institution"],
        rate=document["rate"],
        certificates=tuple(document.get("certificates", ())),
        certificate_required=document["certificate_required"],
        active=document["active"],
        version=int(document["version"]),
        update_time=document["update_time"],
    )
