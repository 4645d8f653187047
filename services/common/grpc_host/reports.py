"""The report of an import, as its message."""

from zhengtong.imports.v1 import imports_pb2

from services.common.rows import Report


def report_message(report: Report) -> imports_pb2.Report:
    return imports_pb2.Report(
        read=report.read,
        created=report.created,
        changed=report.changed,
        unchanged=report.unchanged,
        rejected=report.rejected,
        kept=report.kept,
        shape=report.shape,
        notes=[imports_pb2.Note(row=one.row, text=one.text) for one in report.notes],
        rejections=[
            imports_pb2.Rejection(row=one.row, field=one.field, reason=one.reason)
            for one in report.rejections
        ],
    )
