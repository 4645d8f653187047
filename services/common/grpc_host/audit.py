"""zhengtong.audit.v1.AuditService over gRPC: records and proofs of one department."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from zhengtong.audit.v1 import audit_pb2
from zhengtong.audit.v1 import audit_service_pb2 as pb
from zhengtong.audit.v1 import audit_service_pb2_grpc as pb_grpc

from services.common.audit import reading
from services.common.audit.reading import Question
from services.common.audit.records import LEAF
from services.common.errors import Invalid, Violation
from services.common.paging import page_position, page_size, page_token, token_invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    import grpc

    from services.common.audit.heads import Head
    from services.common.grpc_host.department import Department

_ACTS = {"change": audit_pb2.AUDIT_ACT_CHANGE, "look": audit_pb2.AUDIT_ACT_LOOK}


class AnotherDepartment(Invalid):
    """The call names a department, and this is another."""

    reason = "AUDIT_DEPARTMENT_WRONG"


class AuditServicer(pb_grpc.AuditServiceServicer):
    def __init__(self, department: Department) -> None:
        self._department = department
        self._database = department.database

    def GetTreeHead(  # noqa: N802  (named by the proto)
        self, request: pb.GetTreeHeadRequest, context: grpc.ServicerContext
    ) -> pb.GetTreeHeadResponse:
        self._meant(request)
        head = reading.newest_head(self._database)
        waiting = reading.backlog(self._database)
        return pb.GetTreeHeadResponse(
            head=_head_message(head),
            unsealed=waiting.count,
            oldest_unsealed_time=waiting.oldest,
        )

    def ListAuditRecords(  # noqa: N802  (named by the proto)
        self, request: pb.ListAuditRecordsRequest, context: grpc.ServicerContext
    ) -> pb.ListAuditRecordsResponse:
        self._meant(request)
        size = page_size(request.page_size)
        asked = _question(request)
        name = f"audit/{asked}"
        before = _place(page_position(name, request.page_token, 2))
        found = reading.records(self._database, asked, limit=size + 1, before=before)
        self._department.looked(["audit", *filter(None, [request.subject])])
        more = ""
        if len(found) > size:
            last = found[size - 1]
            more = page_token(name, [last["time"].isoformat(), last["_id"]])
        return pb.ListAuditRecordsResponse(
            records=[_record_message(row) for row in found[:size]], next_page_token=more
        )

    def ListAuditLeaves(  # noqa: N802  (named by the proto)
        self, request: pb.ListAuditLeavesRequest, context: grpc.ServicerContext
    ) -> pb.ListAuditLeavesResponse:
        self._meant(request)
        count = page_size(request.page_size)
        size = reading.tree_size(self._database, request.tree_size, "tree_size")
        name = f"audit/leaves/{request.tree_size}"
        position = page_position(name, request.page_token, 2)
        first, size = _leaves_left(position) or (max(request.first_index, 0), size)
        end = min(first + count, size)
        leaves = reading.leaves(self._database, first, end)
        self._department.looked([f"audit/leaves/{first}-{end}"])
        return pb.ListAuditLeavesResponse(
            leaves=leaves, next_page_token=page_token(name, [end, size]) if end < size else ""
        )

    def GetInclusionProof(  # noqa: N802  (named by the proto)
        self, request: pb.GetInclusionProofRequest, context: grpc.ServicerContext
    ) -> pb.GetInclusionProofResponse:
        self._meant(request)
        size = reading.tree_size(self._database, request.tree_size, "tree_size")
        index, leaf, path = reading.inclusion(self._database, request.record_id, size)
        return pb.GetInclusionProofResponse(
            leaf_index=index,
            leaf_hash=leaf.hex(),
            tree_size=size,
            path=[one.hex() for one in path],
        )

    def GetConsistencyProof(  # noqa: N802  (named by the proto)
        self, request: pb.GetConsistencyProofRequest, context: grpc.ServicerContext
    ) -> pb.GetConsistencyProofResponse:
        self._meant(request)
        size = reading.tree_size(self._database, request.second_size, "second_size")
        # 0 is not "now" here: it is the empty tree, which every tree begins with.
        old = request.first_size and reading.tree_size(
            self._database, request.first_size, "first_size"
        )
        path = reading.consistency(self._database, old, size)
        return pb.GetConsistencyProofResponse(
            first_size=old, second_size=size, path=[one.hex() for one in path]
        )

    def _meant(self, request: Any) -> None:
        """Raises: AnotherDepartment: the call was brought to the wrong door."""
        if request.department not in ("", self._department.name):
            text = f"这里是部门 {self._department.name}。"
            raise AnotherDepartment(text, Violation("department", text))


def _place(position: list[Any] | None) -> tuple[datetime, str] | None:
    """The time and id in a token; tokens can be made up."""
    if position is None:
        return None
    try:
        return datetime.fromisoformat(position[0]), str(position[1])
    except (TypeError, ValueError):
        raise token_invalid() from None


def _leaves_left(position: list[Any] | None) -> tuple[int, int] | None:
    """The next leaf and the end in a token; tokens can be made up."""
    if position is None:
        return None
    first, size = position
    if not isinstance(first, int) or not isinstance(size, int) or not 0 <= first <= size:
        raise token_invalid()
    return first, size


def _question(request: pb.ListAuditRecordsRequest) -> Question:
    return Question(
        subject=request.subject,
        principal=request.principal,
        since=request.from_time.ToDatetime(UTC) if request.HasField("from_time") else None,
        until=request.until_time.ToDatetime(UTC) if request.HasField("until_time") else None,
    )


def _head_message(head: Head) -> audit_pb2.TreeHead:
    return audit_pb2.TreeHead(
        department=head.department,
        tree_size=head.size,
        root_hash=head.root.hex(),
        signed_time=head.time,
        public_key=head.public_key.hex(),
        key_id=head.key_id,
        signature=head.signature.hex(),
    )


def _record_message(row: Mapping[str, Any]) -> audit_pb2.AuditRecord:
    return audit_pb2.AuditRecord(
        record_id=row["_id"],
        act=_ACTS.get(row.get("act", "change"), audit_pb2.AUDIT_ACT_UNSPECIFIED),
        time=row["time"],
        principal=row["principal"],
        kind=row["kind"],
        on_behalf_of=row["on_behalf_of"],
        purpose=row["purpose"],
        call=row["call"],
        subjects=row["subjects"],
        request_id=row["request_id"],
        traceparent=row["traceparent"],
        leaf_index=row.get(LEAF),
        approved_by=row.get("approved_by", ""),
    )
