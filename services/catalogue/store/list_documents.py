"""What the database holds of lists: schema, validation and indexes."""

from typing import Final

import mongoengine as me

from services.catalogue.store.documents import LegalBasisDocument

ENTRIES: Final = "list_entries"
ADJUSTMENTS: Final = "list_adjustments"


class EntryContent(me.EmbeddedDocument):
    """The entry itself, as `fields.plain` has it."""

    kind = me.StringField(required=True, max_length=16)
    dept_code = me.StringField(required=True, max_length=18)
    dept_name = me.StringField(required=True, max_length=200)
    region_code = me.StringField(required=True, regex=r"[0-9]{12}")
    entry_code = me.StringField(required=True, max_length=64)
    name = me.StringField(required=True, max_length=300)
    task_type = me.StringField(max_length=2)
    content = me.StringField(max_length=5000)
    accountability = me.StringField(max_length=5000)
    by_law = me.EmbeddedDocumentListField(LegalBasisDocument)
    item_ids = me.ListField(me.StringField(max_length=64))


class EntryDocument(me.Document):
    """An entry and what the catalogue knows about it."""

    id = me.StringField(primary_key=True, max_length=120)
    version = me.LongField(required=True, min_value=1)
    in_force = me.BooleanField(required=True)
    kind = me.StringField(required=True, max_length=16)
    dept_code = me.StringField(required=True, max_length=18)
    regions = me.ListField(me.StringField())
    update_time = me.DateTimeField(required=True)
    entry = me.EmbeddedDocumentField(EntryContent, required=True)

    meta = {
        "collection": ENTRIES,
        "auto_create_index": False,
        "indexes": [
            ("in_force", "_id"),
            ("in_force", "kind", "_id"),
            ("in_force", "dept_code", "_id"),
            ("in_force", "regions", "_id"),
            ("in_force", "kind", "regions", "_id"),
        ],
    }


class FieldChangeDocument(me.EmbeddedDocument):
    field = me.StringField(required=True)
    before = me.StringField()
    after = me.StringField()


class EntryDifferenceDocument(me.EmbeddedDocument):
    entry_code = me.StringField(required=True, max_length=64)
    name = me.StringField(required=True, max_length=300)
    action = me.StringField(required=True, max_length=16)
    version = me.LongField(required=True, min_value=1)
    other_dept_code = me.StringField(max_length=18)
    other_dept_name = me.StringField(max_length=200)
    fields = me.EmbeddedDocumentListField(FieldChangeDocument)


class AdjustmentContent(me.EmbeddedDocument):
    """The adjustment itself, as `fields.plain` has it."""

    adjustment_id = me.StringField(required=True, max_length=48)
    number = me.LongField(required=True, min_value=1)
    kind = me.StringField(required=True, max_length=16)
    dept_code = me.StringField(required=True, max_length=18)
    dept_name = me.StringField(required=True, max_length=200)
    region_code = me.StringField(required=True, regex=r"[0-9]{12}")
    reason = me.StringField(required=True, max_length=1000)
    document_name = me.StringField(required=True, max_length=300)
    document_number = me.StringField(max_length=100)
    differences = me.EmbeddedDocumentListField(EntryDifferenceDocument, required=True)
    adjust_time = me.DateTimeField(required=True)


class AdjustmentDocument(me.Document):
    """An adjustment; nothing changes or removes one."""

    id = me.StringField(primary_key=True, max_length=48)
    order = me.StringField(required=True, max_length=80)
    tick = me.LongField(required=True)
    kind = me.StringField(required=True, max_length=16)
    dept_code = me.StringField(required=True, max_length=18)
    regions = me.ListField(me.StringField())
    adjustment = me.EmbeddedDocumentField(AdjustmentContent, required=True)

    meta = {
        "collection": ADJUSTMENTS,
        "auto_create_index": False,
        "indexes": [
            ("order",),
            ("kind", "order"),
            ("dept_code", "order"),
            ("regions", "order"),
            ("kind", "regions", "order"),
            ("kind", "dept_code", "adjustment.number"),
        ],
    }
