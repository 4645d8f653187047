"""zhengtong.dossier.v1.DossierService over gRPC: one department's part of a dossier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zhengtong.dossier.v1 import dossier_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc
    from zhengtong.dossier.v1 import dossier_service_pb2 as pb

    from services.common.grpc_host.department import Department
    from services.common.transaction import Unit


class DossierServicer(pb_grpc.DossierServiceServicer):
    """Args: part: as in the department's Plan."""

    def __init__(
        self, department: Department, part: Callable[[Unit, str], pb.GetPartResponse]
    ) -> None:
        self._department = department
        self._part = part

    def GetPart(  # noqa: N802  (named by the proto)
        self, request: pb.GetPartRequest, context: grpc.ServicerContext
    ) -> pb.GetPartResponse:
        unit = self._department.reading()
        answer = self._part(unit, request.subject_code)
        answer.as_of_time.FromDatetime(unit.now)
        return answer
