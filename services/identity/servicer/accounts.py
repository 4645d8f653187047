"""Accounts as administrators govern them, and the command line opens the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from zhengtong.identity.v1 import identity_service_pb2 as pb

from services.common.paging import page_size, page_token
from services.identity import domain, messages, usecases
from services.identity.servicer.desk import OF_PERSONS, Desk, new_id, place_after
from services.identity.store import (
    MongoMandates,
    MongoSessions,
)

if TYPE_CHECKING:
    from services.common.transaction import Unit


class Accounts(Desk):
    """Accounts as administrators govern them, and the command line opens the first."""

    def OpenAccount(
        self, request: pb.OpenAccountRequest, context: grpc.ServicerContext
    ) -> pb.OpenAccountResponse:
        account = domain.opened(
            account_id=new_id("a"),
            login=request.login,
            name=request.name,
            roles=messages.role_names(request.roles),
            department=request.dept_code,
            region=request.region_code,
            institution=request.institution_id,
        )
        answer: pb.OpenAccountResponse = self._open(request, pb.OpenAccountResponse, account)
        return answer

    def ReviseAccount(
        self, request: pb.ReviseAccountRequest, context: grpc.ServicerContext
    ) -> pb.ReviseAccountResponse:
        def work(unit: Unit) -> pb.ReviseAccountResponse:
            account = usecases.revise(
                request.account_id,
                roles=messages.role_names(request.roles),
                department=request.dept_code,
                region=request.region_code,
                institution=request.institution_id,
                caller=unit.caller,
                seen=request.version,
                accounts=self._accounts(unit),
                store=MongoSessions(unit),
            )
            return pb.ReviseAccountResponse(account=messages.account_message(account))

        return self._department.change(request, pb.ReviseAccountResponse, work, secret=OF_PERSONS)

    def DisableAccount(
        self, request: pb.DisableAccountRequest, context: grpc.ServicerContext
    ) -> pb.DisableAccountResponse:
        answer: pb.DisableAccountResponse = self._govern(
            request, pb.DisableAccountResponse, active=False
        )
        return answer

    def EnableAccount(
        self, request: pb.EnableAccountRequest, context: grpc.ServicerContext
    ) -> pb.EnableAccountResponse:
        answer: pb.EnableAccountResponse = self._govern(
            request, pb.EnableAccountResponse, active=True
        )
        return answer

    def ResetPassword(
        self, request: pb.ResetPasswordRequest, context: grpc.ServicerContext
    ) -> pb.ResetPasswordResponse:
        password = self._passwords.first()
        hashed = self._passwords.hash(password)
        answer: pb.ResetPasswordResponse = self._govern(
            request, pb.ResetPasswordResponse, {"password": password}, password=hashed
        )
        return answer

    def _govern(
        self, request: Any, answer: type[Any], more: dict[str, str] | None = None, **change: Any
    ) -> Any:
        def work(unit: Unit) -> Any:
            account = usecases.govern(
                request.account_id,
                caller=unit.caller,
                seen=request.version,
                accounts=self._accounts(unit),
                store=MongoSessions(unit),
                **change,
            )
            return answer(account=messages.account_message(account), **(more or {}))

        return self._department.change(request, answer, work, secret=(*(more or ()), *OF_PERSONS))

    def GetAccount(
        self, request: pb.GetAccountRequest, context: grpc.ServicerContext
    ) -> pb.GetAccountResponse:
        unit = self._department.reading()
        account = self._accounts(unit).get(request.account_id)
        domain.check_may_see(unit.caller, account)
        self._department.looked([account.account_id])
        return pb.GetAccountResponse(account=messages.account_message(account))

    def ListAccounts(
        self, request: pb.ListAccountsRequest, context: grpc.ServicerContext
    ) -> pb.ListAccountsResponse:
        unit = self._department.reading()
        region = request.region_code or unit.caller.region
        domain.check_region(unit.caller, region)
        size, question = page_size(request.page_size), f"accounts/{region}"
        after = place_after(question, request.page_token)
        found = self._accounts(unit).page(region=region, after=after, size=size + 1)
        more = page_token(question, [found[size - 1].account_id]) if len(found) > size else ""
        self._department.looked([one.account_id for one in found[:size]])
        return pb.ListAccountsResponse(
            accounts=[messages.account_message(one) for one in found[:size]], next_page_token=more
        )

    def MakeAdministrator(
        self, request: pb.MakeAdministratorRequest, context: grpc.ServicerContext
    ) -> pb.MakeAdministratorResponse:
        account = domain.opened(
            account_id=new_id("a"),
            login=request.login,
            name=request.name,
            roles=(domain.ADMINISTRATOR,),
            department=request.dept_code,
            region=request.region_code,
            institution="",
        )
        answer: pb.MakeAdministratorResponse = self._open(
            request, pb.MakeAdministratorResponse, account
        )
        return answer

    def MakeDemoAccount(
        self, request: pb.MakeDemoAccountRequest, context: grpc.ServicerContext
    ) -> pb.MakeDemoAccountResponse:
        if not self._demo:
            raise domain.demo.DemoOff
        account = domain.demo.made(
            account_id=new_id("a"),
            login=request.login,
            name=request.name,
            roles=messages.role_names(request.roles),
            department=request.dept_code,
            region=request.region_code,
            institution=request.institution_id,
        )
        hashed = self._passwords.hash(request.password)

        def work(unit: Unit) -> pb.MakeDemoAccountResponse:
            kept = self._accounts(unit).open(account, hashed)
            if request.subject_code:
                MongoMandates(unit).grant(
                    domain.mandates.appointed(
                        mandate_id=new_id("m"),
                        subject_code=request.subject_code,
                        account=kept,
                        by=unit.caller.principal,
                    )
                )
            return pb.MakeDemoAccountResponse(account=messages.account_message(kept))

        return self._department.change(
            request, pb.MakeDemoAccountResponse, work, secret=("password",)
        )
