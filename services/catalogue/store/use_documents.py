"""What the database holds of how much items are used: schema, validation and indexes."""

from typing import Any, ClassVar, Final

import mongoengine as me

USES: Final = "uses"


class DayDocument(me.EmbeddedDocument):
    """Openings of one day."""

    day = me.StringField(required=True, max_length=10)
    count = me.LongField(required=True, min_value=1)


class UseDocument(me.Document):
    """How much the items of a family are used, under the family; who used them is nowhere."""

    id = me.StringField(primary_key=True)
    days = me.EmbeddedDocumentListField(DayDocument, max_length=30)
    use_class = me.IntField(min_value=0, max_value=6)
    told = me.BooleanField(required=True)
    version = me.LongField(required=True, min_value=0)
    falls_on = me.StringField(max_length=10)
    expire_time = me.DateTimeField()

    meta: ClassVar[dict[str, Any]] = {
        "collection": USES,
        "auto_create_index": False,
        "indexes": [("told", "_id"), {"fields": ["falls_on"], "sparse": True}],
    }
