"""What the collections of credit hold."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import mongoengine as me

from services.credit.domain import Penalty, Permit, Record, Subject

Document = dict[str, Any]


class SubjectContent(me.EmbeddedDocument):
    """The subject itself, as `fields.plain` has it."""

    subject_code = me.StringField(required=True, regex=r"[0-9A-Z]{18}")
    name = me.StringField(required=True, max_length=200)
    subject_type = me.StringField()
    status = me.StringField()
    legal_representative = me.StringField(max_length=50)
    establish_date = me.StringField()
    registration_authority = me.StringField(max_length=200)
    address = me.StringField(max_length=300)
    region_code = me.StringField(regex=r"[0-9]{12}")
    registered_capital = me.StringField()


class DecisionContent(me.EmbeddedDocument):
    """What permits and penalties have alike."""

    subject_code = me.StringField(required=True, regex=r"[0-9A-Z]{18}")
    subject_name = me.StringField(required=True, max_length=200)
    subject_type = me.StringField()
    document_number = me.StringField(max_length=128)
    category = me.StringField(max_length=256)
    content = me.StringField(max_length=4000)
    decision_date = me.StringField(required=True)
    valid_until_date = me.StringField()
    authority_name = me.StringField(required=True, max_length=200)
    authority_code = me.StringField(max_length=18)
    source_name = me.StringField(max_length=200)
    source_code = me.StringField(max_length=18)
    remark = me.StringField(max_length=4000)
    legal_representative = me.StringField(max_length=50)

    meta: ClassVar[Document] = {"abstract": True}


class PermitContent(DecisionContent):
    permit_id = me.StringField(required=True)
    document_name = me.StringField(max_length=200)
    certificate_name = me.StringField(max_length=200)
    certificate_number = me.StringField(max_length=128)
    valid_from_date = me.StringField()
    validity = me.StringField(max_length=1)


class PenaltyContent(DecisionContent):
    penalty_id = me.StringField(required=True)
    offence = me.StringField(max_length=2000)
    facts = me.StringField(max_length=5000)
    basis = me.StringField(max_length=2048)
    fine_amount = me.StringField()
    confiscated_amount = me.StringField()
    revoked_certificate = me.StringField(max_length=400)
    publish_until_date = me.StringField()


class KeptDocument(me.Document):
    """A record and what credit knows about it."""

    id = me.StringField(primary_key=True, max_length=32)
    version = me.LongField(required=True, min_value=1)
    tick = me.LongField(required=True)
    public = me.BooleanField(required=True)
    update_time = me.DateTimeField(required=True)
    digest = me.BinaryField(required=True, max_bytes=16)

    meta: ClassVar[Document] = {"abstract": True}


class SubjectDocument(KeptDocument):
    record = me.EmbeddedDocumentField(SubjectContent, required=True)

    meta: ClassVar[Document] = {"collection": "subjects", "auto_create_index": False}


class DecisionDocument(KeptDocument):
    """A permit or penalty.

    `place` is its decision date and id: what lists are in order of. `visible_until` lies in the
    past once it is withdrawn, so that one comparison with the clock tells what is public.
    """

    place = me.StringField(required=True)
    visible_until = me.DateTimeField(required=True)

    meta: ClassVar[Document] = {
        "abstract": True,
        "auto_create_index": False,
        "indexes": [
            ("-place", "visible_until"),
            ("record.subject_code", "-place", "visible_until"),
        ],
    }


class PermitDocument(DecisionDocument):
    record = me.EmbeddedDocumentField(PermitContent, required=True)

    meta: ClassVar[Document] = {"collection": "permits"}


class PenaltyDocument(DecisionDocument):
    record = me.EmbeddedDocumentField(PenaltyContent, required=True)

    meta: ClassVar[Document] = {"collection": "penalties"}


DOCUMENTS: Final[dict[type[Record], Any]] = {
    Subject: SubjectDocument,
    Permit: PermitDocument,
    Penalty: PenaltyDocument,
}
COLLECTIONS: Final[dict[type[Record], str]] = {
    kind: document._meta["collection"]  # noqa: SLF001  (it has no public name)
    for kind, document in DOCUMENTS.items()
}
