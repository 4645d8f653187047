"""One department that serves for a test, called by any method as anybody."""

import importlib
from contextlib import contextmanager
from dataclasses import replace

import grpc
from google.protobuf.descriptor_pool import Default as DefaultPool
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from infra.local import keys
from infra.local.ports import PortClaims
from services.common import transaction
from services.common.callers import Signer
from services.common.grpc_host import Department
from services.common.grpc_host.host import Running
from services.common.review import store as review_store
from services.common.settings import Settings
from tests.conftest import NOW


class House:
    """A department, its database and a channel to it."""

    def __init__(self, department, database, address, channel, signer):
        self.department = department
        self.database = database
        self.address = address
        self._channel = channel
        self._signer = signer

    def call(self, method, caller, request=None, **fields):
        """The response of a call named by its full method."""
        described = DefaultPool().FindMethodByName(method)
        if request is None:
            request = GetMessageClass(described.input_type)(**fields)
        service, _, name = method.rpartition(".")
        make = self._channel.unary_unary(
            f"/{service}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(described.output_type).FromString,
        )
        token = self._signer.token(caller, self.department.name)
        return make(request, metadata=[("authorization", f"Bearer {token}")], timeout=30)

    def refused(self, method, caller, request=None, **fields):
        """Code and reason of the refusal of a call."""
        try:
            answer = self.call(method, caller, request, **fields)
        except grpc.RpcError as error:
            info = error_details_pb2.ErrorInfo()
            for detail in rpc_status.from_call(error).details:
                detail.Unpack(info)
            return error.code().name, info.reason
        raise AssertionError(f"answered: {answer}")

    def told(self):
        """How many facts the log has."""
        return self.database["events"].count_documents({})


@contextmanager
def serving(name, database, keys_dir, clock=lambda: NOW, principal="gateway"):
    """A department with everything a real one has, on a port of its own, and who calls it."""
    plan = importlib.import_module(f"services.{name}.servicer").PLAN
    transaction.ensure(database)
    plan.ensure(database)
    review_store.ensure(database)
    with PortClaims() as claims:
        address = f"127.0.0.1:{claims.claim()}"
        settings = replace(Settings.from_env({}), keys_dir=keys_dir, grpc_listen={name: address})
        department = Department(name, database, clock)
        running = Running(department, plan, settings)
        signer = Signer.load(keys_dir, principal)
        try:
            with grpc.insecure_channel(address) as channel:
                yield House(department, database, address, channel, signer)
        finally:
            running.stop()


def made_keys(folder):
    """Keys of every principal of the platform."""
    for principal in keys.PRINCIPALS:
        keys.make_pair(folder, principal)
    return folder
