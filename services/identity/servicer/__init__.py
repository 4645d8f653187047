"""zhengtong.identity.v1.IdentityService over gRPC."""

from __future__ import annotations

import grpc
from zhengtong.identity.v1 import identity_service_pb2_grpc as pb_grpc

from services.common.grpc_host import Department, Plan
from services.common.personal.vault import Vault
from services.common.settings import Settings
from services.identity import store
from services.identity.servicer.accounts import Accounts
from services.identity.servicer.clients import Clients
from services.identity.servicer.mandates import Mandates
from services.identity.servicer.own import OwnAccount
from services.identity.servicer.sessions import Sessions
from services.identity.store import Secrets
from services.identity.store.secrets import Tokens


class IdentityServicer(
    OwnAccount, Mandates, Accounts, Clients, Sessions, pb_grpc.IdentityServiceServicer
):
    """All calls of the service; each group in its own file."""


def attach(server: grpc.Server, department: Department) -> None:
    """Add the department's calls to a server."""
    settings = Settings.from_env()
    secrets = Secrets(Tokens.load(settings.keys_dir), Vault.from_env())
    servicer = IdentityServicer(department, secrets, demo=settings.demo)
    pb_grpc.add_IdentityServiceServicer_to_server(servicer, server)


PLAN = Plan(
    service="zhengtong.identity.v1.IdentityService",
    ensure=store.ensure,
    snapshot=store.snapshot,
    attach=attach,
)
