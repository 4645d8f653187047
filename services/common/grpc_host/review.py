"""zhengtong.review.v1.ReviewService over gRPC: what waits for a reviewer in one department."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zhengtong.review.v1 import review_service_pb2 as pb
from zhengtong.review.v1 import review_service_pb2_grpc as pb_grpc

from services.common import review
from services.common.paging import page_position, page_size, page_token
from services.common.review.messages import content_of, state_of, submission_message
from services.common.review.store import Submissions

if TYPE_CHECKING:
    import grpc

    from services.common.grpc_host.department import Department
    from services.common.transaction import Unit


class ReviewServicer(pb_grpc.ReviewServiceServicer):
    def __init__(self, department: Department) -> None:
        self._department = department

    def ListSubmissions(  # noqa: N802  (named by the proto)
        self, request: pb.ListSubmissionsRequest, context: grpc.ServicerContext
    ) -> pb.ListSubmissionsResponse:
        unit = self._department.reading()
        scope, size = review.scope_of(unit.caller), page_size(request.page_size)
        question = f"submissions/{scope}/{request.state}"
        position = page_position(question, request.page_token) or [""]
        found = Submissions(unit).page(
            scope, state=state_of(request.state), after=str(position[0]), size=size + 1
        )
        more = page_token(question, [found[size - 1][0]]) if len(found) > size else ""
        submissions = [submission_message(one) for _, one in found[:size]]
        return pb.ListSubmissionsResponse(submissions=submissions, next_page_token=more)

    def GetSubmission(  # noqa: N802  (named by the proto)
        self, request: pb.GetSubmissionRequest, context: grpc.ServicerContext
    ) -> pb.GetSubmissionResponse:
        unit = self._department.reading()
        submission = Submissions(unit).get(request.submission_id)
        review.check_seen_by(unit.caller, submission)
        asked = Submissions(unit).request_of(submission.submission_id)
        return pb.GetSubmissionResponse(
            submission=submission_message(submission), content=content_of(submission.call, asked)
        )

    def ApproveSubmission(  # noqa: N802  (named by the proto)
        self, request: pb.ApproveSubmissionRequest, context: grpc.ServicerContext
    ) -> pb.ApproveSubmissionResponse:
        def work(unit: Unit) -> pb.ApproveSubmissionResponse:
            submissions = Submissions(unit)
            submission = submissions.get(request.submission_id)
            review.check_version(submission, request.version)
            approved = review.approve(submission, unit.caller, request.opinion, unit.now)
            asked = submissions.request_of(submission.submission_id)
            self._department.carry_out(unit, submission, asked)
            submissions.settle(approved)
            unit.noted.append(submission.submission_id)
            return pb.ApproveSubmissionResponse(submission=submission_message(approved))

        # Carrying out an import takes as long as the import.
        return self._department.change(request, pb.ApproveSubmissionResponse, work, alone=True)

    def RejectSubmission(  # noqa: N802  (named by the proto)
        self, request: pb.RejectSubmissionRequest, context: grpc.ServicerContext
    ) -> pb.RejectSubmissionResponse:
        def work(unit: Unit) -> pb.RejectSubmissionResponse:
            submission = Submissions(unit).get(request.submission_id)
            review.check_version(submission, request.version)
            rejected = review.reject(submission, unit.caller, request.opinion, unit.now)
            Submissions(unit).settle(rejected)
            unit.noted.append(submission.submission_id)
            return pb.RejectSubmissionResponse(submission=submission_message(rejected))

        return self._department.change(request, pb.RejectSubmissionResponse, work)

    def WithdrawSubmission(  # noqa: N802  (named by the proto)
        self, request: pb.WithdrawSubmissionRequest, context: grpc.ServicerContext
    ) -> pb.WithdrawSubmissionResponse:
        def work(unit: Unit) -> pb.WithdrawSubmissionResponse:
            submission = Submissions(unit).get(request.submission_id)
            review.check_version(submission, request.version)
            withdrawn = review.withdraw(submission, unit.caller, unit.now)
            Submissions(unit).settle(withdrawn)
            unit.noted.append(submission.submission_id)
            return pb.WithdrawSubmissionResponse(submission=submission_message(withdrawn))

        return self._department.change(request, pb.WithdrawSubmissionResponse, work)
