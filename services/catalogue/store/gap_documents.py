"""What the database holds of gaps: schema, validation and indexes."""

from typing import Any, ClassVar, Final

import mongoengine as me

GAPS: Final = "gaps"
DAYS: Final = "gap_days"


class MonthDocument(me.EmbeddedDocument):
    """How often it was asked for in a month."""

    month = me.StringField(required=True, regex=r"[0-9]{4}-[0-9]{2}")
    count = me.LongField(required=True, min_value=1)


class GapDocument(me.Document):
    """A gap under a keyed HMAC of its text and region; the text and regions only once listed."""

    id = me.StringField(primary_key=True, max_length=64)
    region_code = me.StringField(max_length=12)
    regions = me.ListField(me.StringField(max_length=12))
    text = me.StringField(max_length=40)
    askers = me.LongField(required=True, min_value=0)
    months = me.EmbeddedDocumentListField(MonthDocument, required=True, max_length=24)
    first_day = me.StringField(required=True, max_length=10)
    last_day = me.StringField(required=True, max_length=10)
    outcome = me.IntField(min_value=0, max_value=4)
    item_id = me.StringField(max_length=64)
    note = me.StringField(max_length=200)
    settle_time = me.DateTimeField()
    version = me.LongField(required=True, min_value=0)
    expire_time = me.DateTimeField(required=True)

    meta: ClassVar[dict[str, Any]] = {
        "collection": GAPS,
        "auto_create_index": False,
        "indexes": [("regions", "last_day"), ("regions", "outcome", "last_day")],
    }
