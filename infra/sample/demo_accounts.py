"""One account for each role, to try the platform with; where ZHENGTONG_DEMO=1 only."""

import json
import uuid
from typing import Any, Final

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from zhengtong.access.v1 import access_pb2
from zhengtong.identity.v1 import identity_service_pb2 as pb
from zhengtong.identity.v1 import identity_service_pb2_grpc as pb_grpc

from gateway.cli.surroundings import platform
from gateway.portal.demo import ACCOUNTS, DemoAccount
from infra.sample.places import FOLDER
from services.common.settings import Settings

DEPARTMENT: Final = "identity"
TIMEOUT: Final = 15.0
KNOWN: Final = "LOGIN_TAKEN"


def make_demo_accounts() -> None:
    """Make those that are not there yet; nothing where they are not wanted."""
    if not Settings.from_env().demo:
        return
    known, signer = platform()
    token = signer.token(signer.own(), DEPARTMENT)
    with grpc.insecure_channel(known.grpc_addresses[DEPARTMENT]) as channel:
        stub: Any = pb_grpc.IdentityServiceStub
        make = stub(channel).MakeDemoAccount
        for account in ACCOUNTS:
            try:
                make(
                    request_of(account),
                    metadata=[("authorization", f"Bearer {token}")],
                    timeout=TIMEOUT,
                )
            except grpc.RpcError as error:
                if _reason(error) != KNOWN:
                    raise


def request_of(account: DemoAccount) -> pb.MakeDemoAccountRequest:
    """What makes one: officers belong to the first body of the sample's province."""
    body = json.loads((FOLDER / "departments.json").read_text("utf-8"))[0]
    company = json.loads((FOLDER / "institutions.json").read_text("utf-8"))[0]["code"]
    role: Any = access_pb2.Role.Value(f"ROLE_{account.role.upper()}")
    asked = pb.MakeDemoAccountRequest(
        login=account.login,
        password=account.password,
        name=f"演示{account.title}",
        roles=[role],
        request_id=uuid.uuid4().hex,
    )
    if account.role == "person":
        asked.subject_code = company
    elif account.role == "institution_user":
        asked.institution_id = company
    else:
        asked.dept_code, asked.region_code = body["code"], body["region_code"]
    return asked


def _reason(error: Any) -> str:
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status else ():
        detail.Unpack(info)
    return str(info.reason)


if __name__ == "__main__":
    make_demo_accounts()
