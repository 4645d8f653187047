"""What the quality rules say, as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zhengtong.catalogue.v1 import catalogue_pb2
from zhengtong.catalogue.v1 import catalogue_service_pb2 as service_pb

from services.catalogue.domain import quality

if TYPE_CHECKING:
    from services.catalogue.usecases import Marks


def check_message(found: quality.Quality) -> service_pb.CheckItemResponse:
    return service_pb.CheckItemResponse(
        score=found.score,
        findings=[finding_message(one) for one in found.findings],
    )


def finding_message(found: quality.Finding) -> catalogue_pb2.QualityFinding:
    return catalogue_pb2.QualityFinding(
        rule=found.rule.number,
        says=found.rule.says,
        blocking=found.rule.blocking,
        fields=found.fields,
    )


def report_message(body: str, marks: Marks) -> catalogue_pb2.QualityReport:
    return catalogue_pb2.QualityReport(
        dept_code="" if body == marks.name else body,
        dept_name=marks.name,
        item_count=marks.items,
        score=round(marks.score, 1),
        failed_rules=[
            catalogue_pb2.FailedRule(
                rule=rule.number,
                says=rule.says,
                item_count=marks.failing[rule.number],
                item_ids=marks.examples[rule.number],
            )
            for rule in quality.rules()
            if rule.number in marks.failing
        ],
    )
