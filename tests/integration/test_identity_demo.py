"""Accounts to try the platform with: there where they are wanted, good for nothing elsewhere."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from zhengtong.identity.v1 import identity_service_pb2 as pb
from zhengtong.identity.v1 import identity_service_pb2_grpc as pb_grpc

from gateway.portal.demo import ACCOUNTS
from infra.local.keys import make_pair
from infra.local.ports import PortClaims
from infra.sample.demo_accounts import request_of
from services.common.access import ANONYMOUS
from services.common.callers import Signer
from services.common.grpc_host import Department
from services.common.grpc_host.host import Running
from services.common.settings import Settings
from services.identity import store
from services.identity.servicer import PLAN, IdentityServicer
from services.identity.store import Secrets
from services.identity.store.secrets import Tokens
from tests.integration.test_personal_resealing import NEW_LINES, vault_of

ADDRESS = replace(ANONYMOUS, address="192.0.2.1")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    keys = tmp_path_factory.mktemp("keys")
    for principal in ("gateway", "cli", "identity"):
        make_pair(keys, principal)
    claims = PortClaims()
    listen = f"identity=127.0.0.1:{claims.claim()}"
    yield Settings.from_env({"ZHENGTONG_KEYS_DIR": str(keys), "ZHENGTONG_GRPC_LISTEN": listen})
    claims.release()


@pytest.fixture
def identity(database, settings):
    """Runs identity on one database, with demo accounts wanted or not."""
    store.ensure(database)
    vault = vault_of(*NEW_LINES)
    secrets = Secrets(Tokens.load(settings.keys_dir), vault)

    @contextlib.contextmanager
    def running(*, demo):
        def attach(server, department):
            servicer = IdentityServicer(department, secrets, demo=demo)
            pb_grpc.add_IdentityServiceServicer_to_server(servicer, server)

        department = Department("identity", database, lambda: datetime.now(UTC))
        server = Running(department, replace(PLAN, attach=attach), settings)
        with grpc.insecure_channel(settings.grpc_listen["identity"]) as channel:
            yield Asking(pb_grpc.IdentityServiceStub(channel), settings)
        server.stop()

    return running


class Asking:
    """Makes calls as the command line, or as somebody whom the gateway speaks for."""

    def __init__(self, stub, settings):
        self._stub = stub
        self._signers = {name: Signer.load(settings.keys_dir, name) for name in ("cli", "gateway")}

    def make(self, account):
        return self._ask("MakeDemoAccount", request_of(account), "cli")

    def sign_in(self, account):
        request = pb.SignInRequest(login=account.login, password=account.password)
        return self._ask("SignIn", request, "gateway", ADDRESS).ticket

    def renew(self, token):
        request = pb.RenewSessionRequest(refresh_token=token)
        return self._ask("RenewSession", request, "gateway", ANONYMOUS).ticket

    def _ask(self, method, request, by, caller=None):
        signer = self._signers[by]
        token = signer.token(caller or signer.own(), "identity")
        metadata = [("authorization", f"Bearer {token}")]
        return getattr(self._stub, method)(request, metadata=metadata, timeout=10)


def refused(act, *words):
    with pytest.raises(grpc.RpcError) as caught:
        act(*words)
    info = error_details_pb2.ErrorInfo()
    for detail in rpc_status.from_call(caught.value).details:
        detail.Unpack(info)
    return info.reason


def test_every_role_has_an_account_that_signs_in(identity):
    with identity(demo=True) as asking:
        for account in ACCOUNTS:
            asking.make(account)
            signed = asking.sign_in(account).account
            assert (signed.login, signed.password_expired) == (account.login, False)
        assert refused(asking.make, ACCOUNTS[0]) == "LOGIN_TAKEN"


def test_where_they_are_not_wanted_none_is_made(identity):
    with identity(demo=False) as asking:
        assert refused(asking.make, ACCOUNTS[0]) == "DEMO_OFF"
        assert refused(asking.sign_in, ACCOUNTS[0]) == "SIGN_IN_REFUSED"


def test_those_made_before_are_good_for_nothing_afterwards(identity):
    with identity(demo=True) as asking:
        asking.make(ACCOUNTS[0])
        token = asking.sign_in(ACCOUNTS[0]).refresh_token
    with identity(demo=False) as asking:
        assert refused(asking.sign_in, ACCOUNTS[0]) == "SIGN_IN_REFUSED"
        assert refused(asking.renew, token) == "SESSION_ENDED"
    with identity(demo=True) as asking:
        assert asking.sign_in(ACCOUNTS[0]).refresh_token
        assert refused(asking.renew, token) == "SESSION_ENDED"
