"""What the database holds of institutions and notices: schema, validation and indexes."""

from typing import Any, ClassVar

import mongoengine as me


class OfficeDocument(me.EmbeddedDocument):
    office_id = me.StringField(required=True, max_length=64)
    name = me.StringField(required=True)
    address = me.StringField()
    hours = me.StringField()
    phone = me.StringField()
    longitude = me.FloatField(min_value=-180, max_value=180)
    latitude = me.FloatField(min_value=-90, max_value=90)


class InstitutionContent(me.EmbeddedDocument):
    """The institution itself, as `fields.plain` has it."""

    institution_id = me.StringField(required=True, max_length=18)
    name = me.StringField(required=True, max_length=200)
    sector = me.StringField(required=True)
    region_code = me.StringField(required=True, regex=r"[0-9]{12}")
    department = me.StringField()
    address = me.StringField()
    phone = me.StringField()
    website = me.StringField()
    offices = me.EmbeddedDocumentListField(OfficeDocument, max_length=200)


class OutageContent(me.EmbeddedDocument):
    """The notice itself, as `fields.plain` has it."""

    outage_id = me.StringField(required=True, max_length=64)
    sector = me.StringField(required=True)
    kind = me.StringField(required=True)
    start_time = me.DateTimeField(required=True)
    expected_restore_time = me.DateTimeField(required=True)
    area_region_codes = me.ListField(me.StringField(regex=r"[0-9]{12}"), required=True)
    area_text = me.StringField(required=True)
    institution_id = me.StringField(max_length=18)
    institution_name = me.StringField(required=True)
    reason = me.StringField()
    households = me.IntField(min_value=0)
    publish_time = me.DateTimeField(required=True)
    phone = me.StringField()


class KeptDocument(me.Document):
    """What the department knows about a thing of either kind."""

    id = me.StringField(primary_key=True, max_length=64)
    version = me.LongField(required=True, min_value=1)
    tick = me.LongField(required=True)
    public = me.BooleanField(required=True)
    update_time = me.DateTimeField(required=True)
    digest = me.BinaryField(required=True, max_bytes=16)
    regions = me.ListField(me.StringField())

    meta: ClassVar[dict[str, Any]] = {"abstract": True}


class InstitutionDocument(KeptDocument):
    institution = me.EmbeddedDocumentField(InstitutionContent, required=True)

    meta = {
        "collection": "institutions",
        "auto_create_index": False,
        "indexes": [
            ("public", "_id"),
            ("public", "regions", "_id"),
            ("public", "institution.sector", "_id"),
        ],
    }


class OutageDocument(KeptDocument):
    """A notice.

    Args:
        place: `Outage.place`, so that pages follow one another by one comparison.
    """

    place = me.StringField(required=True)
    outage = me.EmbeddedDocumentField(OutageContent, required=True)

    meta = {
        "collection": "outages",
        "auto_create_index": False,
        "indexes": [
            ("public", "_id"),
            ("public", "-place"),
            ("public", "regions", "-place"),
            ("public", "outage.area_region_codes", "-place"),
            ("public", "outage.sector", "-place"),
            ("public", "outage.institution_id", "outage.expected_restore_time"),
        ],
    }
