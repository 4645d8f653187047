"""Identity on a real database behind the real door, and people who call it."""

from __future__ import annotations

import base64
import contextlib
from dataclasses import dataclass, replace
from datetime import timedelta

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from joserfc import jwt
from joserfc.jwk import OKPKey
from zhengtong.access.v1 import access_pb2
from zhengtong.identity.v1 import identity_service_pb2 as pb
from zhengtong.identity.v1 import identity_service_pb2_grpc

from infra.local import keys
from infra.local.ports import PortClaims
from services.common import identifiers
from services.common.access import ANONYMOUS, Caller
from services.common.callers import Signer
from services.common.grpc_host import Department
from services.common.grpc_host.host import Running
from services.common.settings import Settings
from services.identity import store
from services.identity.servicer import PLAN
from tests.conftest import NOW

YUNNAN, KUNMING, WUHUA, DALI = "530000000000", "530100000000", "530102000000", "532901000000"
DEPARTMENT = "11530000MB2XA0017A"


def body_of(region):
    """The 统一社会信用代码 of a department that a region registered."""
    code = f"11{region[:6]}MB2XA0017"
    return code + identifiers.uscc_check_char(code)


COMPANY, OTHER_COMPANY = "91530100010090011J", "91530300030090035F"
ADDRESS = "192.0.2.7"
PASSWORD = "Kunming-spring-27"
RING = " ".join(
    f"{name}:{base64.b64encode(bytes([n]) * 32).decode()}"
    for n, name in enumerate(("2027", "match"), 1)
)
PERMISSION = "credit.subject.register"


def resident_id(number):
    """A right 公民身份号码 of nobody."""
    first = f"53010219900101{number:03}"
    total = sum(int(d) * w for d, w in zip(first, identifiers._ID_WEIGHTS, strict=True))
    return first + identifiers._ID_CHECKS[total % 11]


class Clock:
    """Stands still until a test sets it."""

    now = NOW

    def __call__(self):
        return self.now

    def pass_(self, **time):
        self.now += timedelta(**time)


@dataclass
class House:
    """The calls of identity, as anybody who likes to make them."""

    stub: object
    signers: dict
    clock: Clock
    database: object
    key: OKPKey

    def ask(self, call, caller=ANONYMOUS, **fields):
        request = getattr(pb, f"{call}Request")(**fields)
        signer = self.signers.get(caller.principal, self.signers["gateway"])
        metadata = [("authorization", f"Bearer {signer.token(caller, 'identity')}")]
        return getattr(self.stub, call)(request, metadata=metadata, timeout=30)

    def refused(self, call, caller=ANONYMOUS, **fields):
        """Reason of a refusal."""
        with pytest.raises(grpc.RpcError) as refusal:
            self.ask(call, caller, **fields)
        return reason_of(refusal.value)

    def register(self, login="zhangsan", number=1, **changes):
        """A person's account, and the person as a caller."""
        fields = {
            "login": login,
            "password": PASSWORD,
            "name": "张三丰",
            "identity_number": resident_id(number),
            "phone": "13812343210",
        } | changes
        account = self.ask("RegisterAccount", anonymous(), **fields).account
        return account, Caller(account.account_id, "account", roles=("person",))

    def sign_in(self, login="zhangsan", password=PASSWORD, address=ADDRESS):
        return self.ask("SignIn", anonymous(address), login=login, password=password).ticket

    def renew(self, ticket, **fields):
        return self.ask("RenewSession", refresh_token=ticket.refresh_token, **fields).ticket

    def as_caller(self, ticket):
        claims = self.claims(ticket)
        return Caller(
            claims["sub"],
            "account",
            roles=tuple(claims["roles"]),
            region=claims.get("region", ""),
            department=claims.get("department", ""),
            session=claims["sid"],
        )

    def claims(self, ticket):
        return jwt.decode(ticket.access_token, self.key, algorithms=["Ed25519"]).claims

    def open(self, admin, login="officer", role="item_editor", region=WUHUA, **fields):
        fields = {"name": "李小敏", "dept_code": DEPARTMENT} | fields
        roles = [access_pb2.Role.Value(f"ROLE_{role.upper()}")]
        return self.ask(
            "OpenAccount", admin, login=login, roles=roles, region_code=region, **fields
        )


def anonymous(address=ADDRESS):
    return replace(ANONYMOUS, address=address)


def administrator(region=YUNNAN, principal="admin-1"):
    return Caller(
        principal, "account", roles=("administrator",), department=DEPARTMENT, region=region
    )


CLI = Caller("cli", "service")
GATEWAY = Caller("gateway", "service")


def system(**changes):
    """A client as an administrator registers one."""
    return {
        "name": "市监局业务系统",
        "dept_code": DEPARTMENT,
        "region_code": KUNMING,
        "rights": [PERMISSION],
    } | changes


def reason_of(error):
    for detail in rpc_status.from_call(error).details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info.reason
    return error.code().name


def make_keys(folder):
    for principal in keys.PRINCIPALS:
        keys.make_pair(folder, principal)
    return folder


@contextlib.contextmanager
def house(database, keys_dir, monkeypatch):
    monkeypatch.setenv("ZHENGTONG_KEYS_DIR", str(keys_dir))
    monkeypatch.setenv("ZHENGTONG_PERSONAL_KEYS", RING)
    store.ensure(database)
    with PortClaims() as claims:
        address = f"127.0.0.1:{claims.claim()}"
        settings = replace(
            Settings.from_env({}), keys_dir=keys_dir, grpc_listen={"identity": address}
        )
        clock = Clock()
        running = Running(Department("identity", database, clock), PLAN, settings)
        signers = {name: Signer.load(keys_dir, name) for name in ("gateway", "cli")}
        key = OKPKey.import_key((keys_dir / "identity.pub").read_bytes())
        with grpc.insecure_channel(address) as channel:
            stub = identity_service_pb2_grpc.IdentityServiceStub(channel)
            yield House(stub, signers, clock, database, key)
        running.stop()
