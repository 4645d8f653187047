"""Who may act for an enterprise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
from zhengtong.identity.v1 import identity_service_pb2 as pb

from services.common.paging import page_size, page_token
from services.common.permissions import transferable
from services.identity import domain, messages, usecases
from services.identity.servicer.desk import Desk, new_id, place_after
from services.identity.store import (
    MongoMandates,
    MongoSessions,
)

if TYPE_CHECKING:
    from services.common.transaction import Unit


class Mandates(Desk):
    """Who may act for an enterprise."""

    def GrantMandate(
        self, request: pb.GrantMandateRequest, context: grpc.ServicerContext
    ) -> pb.GrantMandateResponse:
        def work(unit: Unit) -> pb.GrantMandateResponse:
            mandate = usecases.grant(
                mandate_id=new_id("m"),
                subject_code=request.subject_code,
                agent_login=request.agent_login,
                scopes=request.scopes,
                expire_date=request.expire_date,
                grantable=transferable(domain.PERSON),
                caller=unit.caller,
                now=unit.now,
                accounts=self._accounts(unit),
                store=MongoMandates(unit),
            )
            return pb.GrantMandateResponse(mandate=messages.mandate_message(mandate))

        return self._department.change(request, pb.GrantMandateResponse, work)

    def EndMandate(
        self, request: pb.EndMandateRequest, context: grpc.ServicerContext
    ) -> pb.EndMandateResponse:
        def work(unit: Unit) -> pb.EndMandateResponse:
            mandate = usecases.end_mandate(
                request.mandate_id,
                caller=unit.caller,
                seen=request.version,
                now=unit.now,
                store=MongoMandates(unit),
                open_sessions=MongoSessions(unit),
            )
            return pb.EndMandateResponse(mandate=messages.mandate_message(mandate))

        return self._department.change(request, pb.EndMandateResponse, work)

    def ListMandates(
        self, request: pb.ListMandatesRequest, context: grpc.ServicerContext
    ) -> pb.ListMandatesResponse:
        unit = self._department.reading()
        size = page_size(request.page_size)
        active = messages.grant_state_of(request.state)
        question = f"mandates/{request.subject_code}/{active}"
        found = usecases.list_mandates(
            subject_code=request.subject_code,
            caller=unit.caller,
            active=active,
            now=unit.now,
            store=MongoMandates(unit),
            after=place_after(question, request.page_token),
            size=size + 1,
        )
        more = page_token(question, [found[size - 1].mandate_id]) if len(found) > size else ""
        accounts = dict.fromkeys(one.account_id for one in found[:size])
        self._department.looked([request.subject_code, *accounts])
        return pb.ListMandatesResponse(
            mandates=[messages.mandate_message(one) for one in found[:size]], next_page_token=more
        )

    def AppointRepresentative(
        self, request: pb.AppointRepresentativeRequest, context: grpc.ServicerContext
    ) -> pb.AppointRepresentativeResponse:
        def work(unit: Unit) -> pb.AppointRepresentativeResponse:
            mandate = usecases.appoint(
                mandate_id=new_id("m"),
                subject_code=request.subject_code,
                account_id=request.account_id,
                caller=unit.caller,
                accounts=self._accounts(unit),
                store=MongoMandates(unit),
            )
            return pb.AppointRepresentativeResponse(mandate=messages.mandate_message(mandate))

        return self._department.change(request, pb.AppointRepresentativeResponse, work)
