"""Drafts: save, get, list, discard. What they hold is not kept for a repeated request."""

import secrets

import grpc
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages, usecases
from services.catalogue.servicer.desk import Desk
from services.catalogue.store import MongoDrafts, MongoStore
from services.common.paging import page_position, page_size, page_token
from services.common.transaction import Unit


class Drafts(Desk):
    """Items while their editors prepare them (草稿)."""

    def SaveDraft(
        self, request: pb.SaveDraftRequest, context: grpc.ServicerContext
    ) -> pb.SaveDraftResponse:
        content, new_id = messages.draft_content_of(request.item), secrets.token_hex(16)

        def work(unit: Unit) -> pb.SaveDraftResponse:
            draft = usecases.save_draft(
                request.draft_id,
                content,
                expected=request.expected_version,
                new_id=new_id,
                now=unit.now,
                caller=unit.caller,
                drafts=MongoDrafts(unit),
            )
            judgement = usecases.judge_draft(draft, self._profile, store=MongoStore(unit))
            return pb.SaveDraftResponse(**messages.judged(draft, judgement))

        return self._department.change(request, pb.SaveDraftResponse, work, secret=("draft.item",))

    def GetDraft(
        self, request: pb.GetDraftRequest, context: grpc.ServicerContext
    ) -> pb.GetDraftResponse:
        unit = self._department.reading()
        draft = usecases.get_draft(request.draft_id, caller=unit.caller, drafts=MongoDrafts(unit))
        judgement = usecases.judge_draft(draft, self._profile, store=MongoStore(unit))
        return pb.GetDraftResponse(**messages.judged(draft, judgement))

    def ListDrafts(
        self, request: pb.ListDraftsRequest, context: grpc.ServicerContext
    ) -> pb.ListDraftsResponse:
        question, size = f"drafts/{request.dept_code}", page_size(request.page_size)
        position, unit = (
            page_position(question, request.page_token) or [""],
            self._department.reading(),
        )
        found = usecases.list_drafts(
            dept_code=request.dept_code,
            before=str(position[0]),
            size=size + 1,
            caller=unit.caller,
            drafts=MongoDrafts(unit),
        )
        more = page_token(question, [found[size - 1].place]) if len(found) > size else ""
        shown = [messages.outline_message(draft) for draft in found[:size]]
        return pb.ListDraftsResponse(drafts=shown, next_page_token=more)

    def DiscardDraft(
        self, request: pb.DiscardDraftRequest, context: grpc.ServicerContext
    ) -> pb.DiscardDraftResponse:
        def work(unit: Unit) -> pb.DiscardDraftResponse:
            usecases.discard_draft(
                request.draft_id,
                seen=request.version,
                caller=unit.caller,
                drafts=MongoDrafts(unit),
            )
            return pb.DiscardDraftResponse()

        return self._department.change(request, pb.DiscardDraftResponse, work)
