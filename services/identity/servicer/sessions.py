"""Sessions: begun, renewed, ended, and which have ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import grpc
from bson import ObjectId
from bson.errors import InvalidId
from zhengtong.identity.v1 import identity_service_pb2 as pb

from services.common.grpc_host.door import CALL
from services.common.paging import page_position, page_token, token_invalid
from services.identity import domain, store, usecases
from services.identity.domain import SessionEnded
from services.identity.servicer.desk import Desk, new_id
from services.identity.store import (
    MongoMandates,
    MongoSessions,
)

if TYPE_CHECKING:
    from services.common.transaction import Unit


MOST_ENDINGS = 10_000
_ENDINGS = "endings"
_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Sessions(Desk):
    """Sessions: begun, renewed, ended, and which have ended."""

    def SignIn(self, request: pb.SignInRequest, context: grpc.ServicerContext) -> pb.SignInResponse:
        address = CALL.get().caller.address
        known = self._check(request.login, request.password, address)

        def work(unit: Unit) -> pb.SignInResponse:
            account = self._accounts(unit).get(known.account_id)
            if account.version != known.version:  # disabled, or with another password, by now
                raise domain.SignInRefused
            return pb.SignInResponse(ticket=self._ticket(self._signed(unit, account, address)))

        return self._department.change(request, pb.SignInResponse, work)

    def SignInOutside(
        self, request: pb.SignInOutsideRequest, context: grpc.ServicerContext
    ) -> pb.SignInOutsideResponse:
        def work(unit: Unit) -> pb.SignInOutsideResponse:
            account = usecases.sign_in_outside(
                issuer=request.issuer,
                subject=request.subject,
                name=request.name,
                identity_number=request.identity_number,
                phone=request.phone,
                account_id=new_id("a"),
                now=unit.now,
                accounts=self._accounts(unit),
                store=MongoSessions(unit),
            )
            signed = self._signed(unit, account, request.address)
            return pb.SignInOutsideResponse(ticket=self._ticket(signed))

        return self._department.change(request, pb.SignInOutsideResponse, work)

    def RenewSession(
        self, request: pb.RenewSessionRequest, context: grpc.ServicerContext
    ) -> pb.RenewSessionResponse:
        named = self._tokens.read_refresh(request.refresh_token)
        if named is None:
            raise SessionEnded

        def work(unit: Unit) -> pb.RenewSessionResponse:
            signed = usecases.renew(
                *named,
                request.on_behalf_of,
                now=unit.now,
                accounts=self._accounts(unit),
                store=MongoSessions(unit),
                held=MongoMandates(unit),
            )
            if signed and not domain.demo.usable(signed.account, demo=self._demo):
                MongoSessions(unit).end([named[0]])
                signed = None
            return pb.RenewSessionResponse(ticket=self._ticket(signed) if signed else None)

        answer = self._department.change(request, pb.RenewSessionResponse, work)
        if not answer.HasField("ticket"):
            raise SessionEnded  # after the commit that ended the session
        return answer

    def SignOut(
        self, request: pb.SignOutRequest, context: grpc.ServicerContext
    ) -> pb.SignOutResponse:
        named = self._tokens.read_refresh(request.refresh_token)

        def work(unit: Unit) -> pb.SignOutResponse:
            sessions = MongoSessions(unit)
            if named and sessions.find(named[0]):
                sessions.end([named[0]])
            return pb.SignOutResponse()

        return self._department.change(request, pb.SignOutResponse, work)

    def ListEndings(
        self, request: pb.ListEndingsRequest, context: grpc.ServicerContext
    ) -> pb.ListEndingsResponse:
        now = self._department.clock()
        after = request.after_time.ToDatetime(now.tzinfo)
        place = _place_of(request.page_token)
        ids, more = store.endings(self._department.database, after, MOST_ENDINGS, place)
        token = _token_of(*more) if more else ""
        return pb.ListEndingsResponse(ids=ids, as_of_time=now, next_page_token=token)


def _token_of(time: datetime, last: ObjectId) -> str:
    return page_token(_ENDINGS, [(time - _EPOCH) // _MILLISECOND, str(last)])


def _place_of(token: str) -> tuple[datetime, ObjectId] | None:
    """Raises: PageTokenInvalid."""
    position = page_position(_ENDINGS, token, 2)
    if position is None:
        return None
    try:
        return _EPOCH + position[0] * _MILLISECOND, ObjectId(position[1])
    except (TypeError, OverflowError, InvalidId):
        raise token_invalid() from None
