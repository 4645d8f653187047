"""What the database holds of drafts: schema, validation and indexes."""

from typing import Any, ClassVar, Final

import mongoengine as me

DRAFTS: Final = "item_drafts"


class DraftDocument(me.Document):
    """A draft; what its editor has written lies as it came, whatever an item would have to be."""

    id = me.StringField(primary_key=True, max_length=40)
    version = me.LongField(required=True, min_value=1)
    place = me.StringField(required=True, max_length=80)
    task_name = me.StringField(required=True, max_length=300)
    dept_code = me.StringField(required=True, max_length=18)
    region_code = me.StringField(required=True, regex=r"[0-9]{12}")
    regions = me.ListField(me.StringField(max_length=12))
    create_time = me.DateTimeField(required=True)
    save_time = me.DateTimeField(required=True)
    expire_time = me.DateTimeField(required=True)
    item = me.DictField(required=True)

    meta: ClassVar[dict[str, Any]] = {
        "collection": DRAFTS,
        "auto_create_index": False,
        "indexes": [("dept_code", "regions", "-place"), ("regions", "-place")],
    }
