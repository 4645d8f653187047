"""One's own account: registering, the password, the sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
from zhengtong.identity.v1 import identity_service_pb2 as pb

from services.common.grpc_host.door import CALL
from services.identity import domain, messages, usecases
from services.identity.domain import PasswordWrong
from services.identity.servicer.desk import OF_PERSONS, Desk, new_id
from services.identity.store import (
    MongoClients,
    MongoMandates,
    MongoSessions,
    MongoTries,
)

if TYPE_CHECKING:
    from services.common.errors import DomainError
    from services.common.transaction import Unit


class OwnAccount(Desk):
    """One's own account: registering, the password, the sessions."""

    def RegisterAccount(
        self, request: pb.RegisterAccountRequest, context: grpc.ServicerContext
    ) -> pb.RegisterAccountResponse:
        now, address = self._department.clock(), CALL.get().caller.address
        tries = MongoTries(self._department.database, now)
        usecases.check_address(address, now=now, tries=tries)
        account = domain.registered(
            account_id=new_id("a"),
            login=request.login,
            name=request.name,
            identity_number=request.identity_number,
            phone=request.phone,
            now=now,
        )
        domain.check_password(request.password, account)
        if address:  # counted before it is known what comes of it: many may come at one moment
            tries.failed_from(address)
        hashed = self._passwords.hash(request.password)

        def work(unit: Unit) -> pb.RegisterAccountResponse:
            kept = self._accounts(unit).open(account, hashed)
            return pb.RegisterAccountResponse(account=messages.account_message(kept, own=True))

        secret = ("password", "name", "identity_number", "phone", *OF_PERSONS)
        return self._department.change(request, pb.RegisterAccountResponse, work, secret=secret)

    def GetMyAccount(
        self, request: pb.GetMyAccountRequest, context: grpc.ServicerContext
    ) -> pb.GetMyAccountResponse:
        unit = self._department.reading()
        if unit.caller.kind == "client":
            client = MongoClients(unit).get(unit.caller.principal)
            return pb.GetMyAccountResponse(client=messages.client_message(client))
        account = self._accounts(unit).get(unit.caller.principal)
        own = MongoMandates(unit).of_account(account.account_id)
        return pb.GetMyAccountResponse(
            account=messages.account_message(account, own=True),
            mandates=[messages.mandate_message(one) for one in own if one.holds(unit.now)],
        )

    def ChangePassword(
        self, request: pb.ChangePasswordRequest, context: grpc.ServicerContext
    ) -> pb.ChangePasswordResponse:
        refusal, hashed, seen = self._new_password(request)

        def work(unit: Unit) -> pb.ChangePasswordResponse:
            if refusal:
                raise refusal
            changed = usecases.set_password(
                unit.caller.principal,
                hashed,
                keep=unit.caller.session,
                seen=seen,
                accounts=self._accounts(unit),
                store=MongoSessions(unit),
            )
            return pb.ChangePasswordResponse(account=messages.account_message(changed, own=True))

        return self._department.change(
            request,
            pb.ChangePasswordResponse,
            work,
            secret=("password", "new_password", *OF_PERSONS),
        )

    def _new_password(
        self, request: pb.ChangePasswordRequest
    ) -> tuple[DomainError | None, str, int]:
        """Why not, or the hash and for which version of the account.

        A repeated request gets its answer although the password is new.
        """
        try:
            account = self._prove(request.password)
        except PasswordWrong as refusal:
            return refusal, "", 0
        domain.check_password(request.new_password, account, "new_password")
        domain.check_is_another(request.new_password, request.password)
        return None, self._passwords.hash(request.new_password), account.version

    def ListMySessions(
        self, request: pb.ListMySessionsRequest, context: grpc.ServicerContext
    ) -> pb.ListMySessionsResponse:
        unit = self._department.reading()
        found = MongoSessions(unit).of_account(unit.caller.principal, domain.sessions.MOST)
        current = unit.caller.session
        return pb.ListMySessionsResponse(
            sessions=[messages.session_message(one, current=current) for one in found]
        )

    def EndMySession(
        self, request: pb.EndMySessionRequest, context: grpc.ServicerContext
    ) -> pb.EndMySessionResponse:
        def work(unit: Unit) -> pb.EndMySessionResponse:
            usecases.end_own(request.session_id, caller=unit.caller, store=MongoSessions(unit))
            return pb.EndMySessionResponse()

        return self._department.change(request, pb.EndMySessionResponse, work)
