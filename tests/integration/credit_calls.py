"""Calls of CreditService, as their tests make them."""

import csv
import io

import grpc
import pytest
from google.api import httpbody_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from zhengtong.credit.v1 import credit_pb2
from zhengtong.credit.v1 import credit_service_pb2 as pb

from services.common.access import ANONYMOUS
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.unit.credit import rows

LISTS = {"Permit": ("ListPermits", "permits"), "Penalty": ("ListPenalties", "penalties")}


class Clock:
    """Stands still until a test sets it."""

    now = NOW

    def __call__(self):
        return self.now


class Client:
    """Calls as the operator, or as anybody."""

    def __init__(self, stub, signer, clock):
        self._stub = stub
        self._signer = signer
        self.clock = clock

    def __getattr__(self, call):
        return lambda **fields: self._call(call, SYSTEM, fields)

    def anybody(self, call, **fields):
        return self._call(call, ANONYMOUS, fields)

    def refused(self, call, **fields):
        """Code, reason and fields at fault of a refusal."""
        return told(self.refusal(call, **fields))

    def refusal(self, call, **fields):
        with pytest.raises(grpc.RpcError) as refusal:
            self._call(call, SYSTEM, fields)
        return refusal.value

    def disclose(self, noun, **changes):
        """The permit or penalty as it is after a call that discloses it."""
        name = noun.lower()
        answer = getattr(self, f"Disclose{noun}")(**{name: made(noun, **changes)})
        return getattr(answer, name)

    def withdraw(self, noun, one, reason="决定已被撤销", **fields):
        name = noun.lower()
        which = {f"{name}_id": getattr(one, f"{name}_id")}
        return getattr(getattr(self, f"Withdraw{noun}")(reason=reason, **which, **fields), name)

    def listed(self, noun, **fields):
        call, name = LISTS[noun]
        return list(getattr(self.anybody(call, **fields), name))

    def _call(self, call, caller, fields):
        request = getattr(pb, f"{call}Request")(**fields)
        metadata = [("authorization", f"Bearer {self._signer.token(caller, 'credit')}")]
        return getattr(self._stub, call)(request, metadata=metadata, timeout=20)


def told(error):
    status = rpc_status.from_call(error)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return error.code().name, info.reason, [one.field for one in bad.field_violations]


def made(noun, **changes):
    values = {"Subject": rows.subject, "Permit": rows.permit, "Penalty": rows.penalty}[noun]()
    values.pop("status", None)
    return getattr(credit_pb2, noun)(**values | changes)


def body(content):
    return httpbody_pb2.HttpBody(content_type="text/csv", data=content)


def csv_of(values):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(values[0]))
    writer.writeheader()
    writer.writerows(values)
    return text.getvalue().encode("utf-8-sig")
