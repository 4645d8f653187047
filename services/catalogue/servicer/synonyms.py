"""Groups of synonyms of the one-stop query."""

import grpc
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages, usecases
from services.catalogue.servicer.desk import Desk
from services.catalogue.store import MongoSynonyms
from services.common.paging import page_position, page_size, page_token
from services.common.transaction import Unit


class Synonyms(Desk):
    """Words that find each other in the one-stop query (同义词组)."""

    def ListSynonymGroups(
        self, request: pb.ListSynonymGroupsRequest, context: grpc.ServicerContext
    ) -> pb.ListSynonymGroupsResponse:
        question, size = "synonym-groups", page_size(request.page_size)
        position = page_position(question, request.page_token) or [""]
        synonyms = MongoSynonyms(self._department.reading())
        found = synonyms.page(after=position[0], size=size + 1)
        more = page_token(question, [found[size - 1].group.name]) if len(found) > size else ""
        shown = [messages.synonyms_message(kept) for kept in found[:size]]
        return pb.ListSynonymGroupsResponse(groups=shown, next_page_token=more)

    def GetSynonymGroup(
        self, request: pb.GetSynonymGroupRequest, context: grpc.ServicerContext
    ) -> pb.GetSynonymGroupResponse:
        synonyms = MongoSynonyms(self._department.reading())
        kept = usecases.get_synonyms(request.group_name, synonyms=synonyms)
        return pb.GetSynonymGroupResponse(group=messages.synonyms_message(kept))

    def SaveSynonymGroup(
        self, request: pb.SaveSynonymGroupRequest, context: grpc.ServicerContext
    ) -> pb.SaveSynonymGroupResponse:
        group = messages.synonyms_of(request.group)

        def work(unit: Unit) -> pb.SaveSynonymGroupResponse:
            kept = usecases.save_synonyms(
                group, seen=request.version, caller=unit.caller, synonyms=MongoSynonyms(unit)
            )
            return pb.SaveSynonymGroupResponse(group=messages.synonyms_message(kept))

        return self._department.change(request, pb.SaveSynonymGroupResponse, work)

    def RemoveSynonymGroup(
        self, request: pb.RemoveSynonymGroupRequest, context: grpc.ServicerContext
    ) -> pb.RemoveSynonymGroupResponse:
        def work(unit: Unit) -> pb.RemoveSynonymGroupResponse:
            usecases.remove_synonyms(
                request.group_name,
                seen=request.version,
                caller=unit.caller,
                synonyms=MongoSynonyms(unit),
            )
            return pb.RemoveSynonymGroupResponse()

        return self._department.change(request, pb.RemoveSynonymGroupResponse, work)
