"""Departmental systems: registered, changed, found by the key or certificate they show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.identity import domain
from services.identity.domain import Client, clients

if TYPE_CHECKING:
    from collections.abc import Collection

    from services.common.access import Caller
from services.identity.usecases.ports import (
    Clients,
    Sessions,
)


def register_client(
    client: Client, key: str, *, grantable: Collection[str], caller: Caller, store: Clients
) -> Client:
    """Register a departmental system. Raises: ClientInvalid, OutOfReach."""
    client = clients.checked(client, grantable)
    clients.check_may_govern(caller, client)
    return store.register(client, key)


def revise_client(  # noqa: PLR0913  (plain data)
    client: Client,
    *,
    grantable: Collection[str],
    caller: Caller,
    seen: int,
    store: Clients,
    open_sessions: Sessions,
) -> Client:
    """Change what a client may do. Raises: ClientNotFound, ClientInvalid, OutOfReach, Stale."""
    known = _client_governed(client.client_id, caller, seen, store)
    changed = replace(clients.checked(client, grantable), version=known.version + 1)
    clients.check_may_govern(caller, changed)
    open_sessions.end([known.client_id])
    return store.save(changed)


def replace_key(  # noqa: PLR0913  (plain data)
    client_id: str,
    key: str,
    *,
    caller: Caller,
    seen: int,
    store: Clients,
    open_sessions: Sessions,
) -> Client:
    """Give a client a new key. Raises: ClientNotFound, OutOfReach, Stale."""
    known = _client_governed(client_id, caller, seen, store)
    open_sessions.end([client_id])
    return store.save(replace(known, version=known.version + 1), key)


def end_client(
    client_id: str, *, caller: Caller, seen: int, store: Clients, open_sessions: Sessions
) -> Client:
    """Take a client out of use for good. Raises: ClientNotFound, OutOfReach, Stale."""
    known = _client_governed(client_id, caller, seen, store)
    open_sessions.end([client_id])
    return store.save(replace(known, active=False, version=known.version + 1))


def _client_governed(client_id: str, caller: Caller, seen: int, store: Clients) -> Client:
    known = store.get(client_id)
    clients.check_may_govern(caller, known)
    if not known.active:
        raise clients.ClientAlreadyEnded
    domain.check_version(known.version, seen)
    return known


def resolve(key: str, certificate: str, *, store: Clients) -> Client:
    """Whose key or certificate it is.

    Raises:
        KeyUnknown: nobody's, of one out of use, or the certificate is missing or another's.
    """
    shown = store.by_certificate(certificate) if certificate else None
    found = store.by_key(key) if key else shown
    if found is None or (shown is not None and shown.client_id != found.client_id):
        raise domain.KeyUnknown
    if found.certificate_required and shown is None:
        raise domain.KeyUnknown
    return found
