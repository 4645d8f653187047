"""Stores of identity that keep things in memory; each passes the suite of the real ones."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from services.common.errors import Stale
from services.common.identifiers import is_within, normalise_code
from services.identity.domain import (
    AccountNotFound,
    ClientNotFound,
    LoginTaken,
    MandateNotFound,
    PersonKnown,
    Tries,
)
from services.identity.domain.clients import ClientInvalid
from services.identity.domain.tries import faded


class FakeAccounts:
    def __init__(self, now=None):
        self.now = now
        self.accounts, self.hashes, self.outside = {}, {}, {}

    def get(self, account_id):
        if account_id not in self.accounts:
            raise AccountNotFound
        return self.accounts[account_id]

    def by_login(self, login):
        for one in self.accounts.values():
            if one.login == login:
                return one
        raise AccountNotFound

    def find_person(self, identity_number):
        number = normalise_code(identity_number)
        known = (one for one in self.accounts.values() if one.identity_number == number)
        return next(known, None)

    def find_outside(self, issuer, subject):
        return self.accounts.get(self.outside.get((issuer, subject)))

    def link_outside(self, account_id, issuer, subject):
        self.outside[issuer, subject] = account_id

    def password_of(self, account_id):
        return self.hashes.get(account_id, "")

    def open(self, account, password):
        if any(one.login == account.login for one in self.accounts.values()):
            raise LoginTaken
        if account.identity_number and self.find_person(account.identity_number):
            raise PersonKnown
        return self._keep(account, password)

    def save(self, account, password=None):
        before = self.accounts.get(account.account_id)
        if (before.version if before else 0) != account.version - 1:
            raise Stale(account.account_id)
        return self._keep(account, password)

    def _keep(self, account, password):
        kept = replace(account, update_time=self.now)
        self.accounts[account.account_id] = kept
        if password is not None:
            self.hashes[account.account_id] = password
        return kept

    def page(self, *, region, after, size):
        found = [
            one
            for account_id, one in sorted(self.accounts.items())
            if account_id > after and one.region and is_within(one.region, region)
        ]
        return found[:size]


class FakeSessions:
    def __init__(self, now=None):
        self.now = now
        self.sessions, self.endings = {}, []

    def begin(self, session):
        self.sessions[session.session_id] = session

    def find(self, session_id):
        return self.sessions.get(session_id)

    def renew(self, session, generation):
        known = self.sessions.get(session.session_id)
        if known is None or known.generation != generation:
            raise Stale(session.session_id)
        self.sessions[session.session_id] = session

    def of_account(self, account_id, size):
        own = [
            one
            for one in self.sessions.values()
            if one.account_id == account_id and one.expire_time > self.now
        ]
        return sorted(own, key=lambda one: one.start_time, reverse=True)[:size]

    def end(self, ids):
        for one in ids:
            self.sessions.pop(one, None)
            self.endings.append(one)

    def end_oldest(self, account_id, *, but):
        self.end([one.session_id for one in self.of_account(account_id, None)[but:]])

    def end_all(self, account_id, *, but=""):
        own = [one for one in self.sessions.values() if one.account_id == account_id]
        self.end([one.session_id for one in own if one.session_id != but])


class FakeMandates:
    def __init__(self, now=None):
        self.now = now
        self.mandates = {}

    def get(self, mandate_id):
        if mandate_id not in self.mandates:
            raise MandateNotFound
        return self.mandates[mandate_id]

    def of_account(self, account_id, subject_code=""):
        return [
            one
            for one in self.mandates.values()
            if one.account_id == account_id
            and one.holds(self.now)
            and subject_code in {"", one.subject_code}
        ][:50]

    def grant(self, mandate):
        self.mandates[mandate.mandate_id] = replace(mandate, update_time=self.now)
        return self.mandates[mandate.mandate_id]

    def end(self, mandate):
        if self.get(mandate.mandate_id).version != mandate.version - 1:
            raise Stale(mandate.mandate_id)
        return self.grant(mandate)

    def page(self, *, subject_code, active, after, size):
        found = sorted(self.mandates.items())
        return [
            one
            for mandate_id, one in found
            if mandate_id > after
            and one.subject_code == subject_code
            and active in (None, one.active)
        ][:size]


class FakeClients:
    def __init__(self, now=None):
        self.now = now
        self.clients, self.keys = {}, {}

    def get(self, client_id):
        if client_id not in self.clients:
            raise ClientNotFound
        return self.clients[client_id]

    def by_key(self, key):
        hashed = hashlib.sha256(key.encode()).hexdigest()
        return self._one(lambda one: self.keys[one.client_id] == hashed)

    def by_certificate(self, certificate):
        return self._one(lambda one: certificate in one.certificates)

    def _one(self, fits):
        return next((one for one in self.clients.values() if one.active and fits(one)), None)

    def register(self, client, key):
        return self._keep(client, key)

    def save(self, client, key=None):
        if self.get(client.client_id).version != client.version - 1:
            raise Stale(client.client_id)
        return self._keep(client, key)

    def _keep(self, client, key):
        others = [one for one in self.clients.values() if one.client_id != client.client_id]
        if any(set(one.certificates) & set(client.certificates) for one in others):
            raise ClientInvalid(client.client_id)
        self.clients[client.client_id] = replace(client, update_time=self.now)
        self.keys[client.client_id] = key or self.keys[client.client_id]
        return self.clients[client.client_id]

    def page(self, *, region, after, size):
        found = sorted(self.clients.items())
        return [
            one for client_id, one in found if client_id > after and is_within(one.region, region)
        ][:size]


class FakeTries:
    """Tries of one moment after the other; `now` is set by the test."""

    def __init__(self, now=None):
        self.now = now
        self.rows = {}

    def of_login(self, login):
        return self.rows.get(("login", login), Tries())

    def of_address(self, address):
        return self.rows.get(("address", address), Tries())

    def begin(self, login, seen):
        if self.of_login(login) != seen:
            return False
        self.rows["login", login] = Tries(seen.failures + 1, self.now)
        return True

    def failed_from(self, address):
        before = faded(self.of_address(address), now=self.now)
        self.rows["address", address] = Tries(before.failures + 1, self.now)

    def forget(self, login):
        self.rows.pop(("login", login), None)


class FakePasswords:
    """Hashes that cost nothing; how many were checked is counted."""

    def __init__(self):
        self.checked = 0

    def fits(self, hashed, password):
        self.checked += 1
        return bool(hashed) and hashed == f"hash of {password}"
