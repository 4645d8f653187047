"""Reading the values of one record, field by field: a table of readers for each kind of record.

A reader takes a value as JSON or a CSV cell has it and gives the plain value of the domain, or
raises FieldInvalid with what to do about it, in Chinese. Absent values (None, blank) give the
reader's `absent`.
"""

from services.common.fields.readers import (
    FieldInvalid,
    Reader,
    amount,
    code,
    codes,
    day,
    flag,
    matching,
    moment,
    number,
    read_record,
    records,
    region,
    shown,
    text,
    texts,
    uscc,
    whole,
)
from services.common.fields.values import plain, plain_part, restore

__all__ = [
    "FieldInvalid",
    "Reader",
    "amount",
    "code",
    "codes",
    "day",
    "flag",
    "matching",
    "moment",
    "number",
    "plain",
    "plain_part",
    "read_record",
    "records",
    "region",
    "restore",
    "shown",
    "text",
    "texts",
    "uscc",
    "whole",
]
