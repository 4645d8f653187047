"""What the database holds of groups of synonyms: schema, validation and indexes."""

from typing import Any, ClassVar, Final

import mongoengine as me

SYNONYMS: Final = "synonym_groups"


class SynonymGroupContent(me.EmbeddedDocument):
    """The group itself, as `fields.plain` has it."""

    name = me.StringField(required=True, max_length=40)
    words = me.ListField(me.StringField(max_length=20), max_length=30)
    note = me.StringField(max_length=200)


class SynonymGroupDocument(me.Document):
    """A group under its name, also one whose edit was forgotten."""

    id = me.StringField(primary_key=True, max_length=40)
    version = me.LongField(required=True, min_value=1)
    tick = me.LongField(required=True)
    active = me.BooleanField(required=True)
    update_time = me.DateTimeField(required=True)
    group = me.EmbeddedDocumentField(SynonymGroupContent, required=True)

    meta: ClassVar[dict[str, Any]] = {
        "collection": SYNONYMS,
        "auto_create_index": False,
        "indexes": [("active", "_id")],
    }
