"""A door of the gateway, with what tells it who is who."""

from __future__ import annotations

import pytest
from joserfc.jwk import OKPKey

from gateway.identity import Identity
from tests.unit.gateway.identity_door import Clock, FakeClients


@pytest.fixture(scope="module")
def signing():
    return OKPKey.generate_key("Ed25519")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def clients():
    return FakeClients()


@pytest.fixture
def door(tmp_path, signing, clients, clock):
    (tmp_path / "identity.pub").write_bytes(signing.as_pem(private=False))
    return Identity(tmp_path, clients, clock)
