"""The documents of identity: their shapes, their validation, their indexes."""

from __future__ import annotations

from typing import Final

import mongoengine as me

ACCOUNTS: Final = "accounts"
SESSIONS: Final = "sessions"
MANDATES: Final = "mandates"
CLIENTS: Final = "clients"
TRIES: Final = "tries"
ENDINGS: Final = "endings"


class AccountDocument(me.Document):
    """An account; what is known of the person is sealed, and matched by a keyed HMAC."""

    id = me.StringField(primary_key=True, max_length=40)
    version = me.LongField(required=True, min_value=1)
    tick = me.LongField(required=True)
    login = me.StringField(required=True, max_length=64)
    name = me.BinaryField(required=True)
    roles = me.ListField(me.StringField(), required=True)
    department = me.StringField(max_length=18)
    region = me.StringField(max_length=12)
    regions = me.ListField(me.StringField())
    institution = me.StringField(max_length=18)
    identity_number = me.BinaryField()
    identity_match = me.BinaryField(max_bytes=32)
    phone = me.BinaryField()
    active = me.BooleanField(required=True)
    password = me.StringField()
    password_expired = me.BooleanField(required=True)
    demo = me.BooleanField()
    outside = me.ListField(me.StringField())
    latest_session = me.StringField(max_length=40)
    update_time = me.DateTimeField(required=True)

    meta = {
        "collection": ACCOUNTS,
        "auto_create_index": False,
        "indexes": [
            {"fields": ["login"], "unique": True},
            {"fields": ["identity_match"], "unique": True, "sparse": True},
            {"fields": ["outside"], "unique": True, "sparse": True},
            ("regions", "_id"),
        ],
    }


class SessionDocument(me.Document):
    """A session that has not ended."""

    id = me.StringField(primary_key=True, max_length=40)
    account = me.StringField(required=True)
    start_time = me.DateTimeField(required=True)
    renew_time = me.DateTimeField(required=True)
    address = me.StringField()
    generation = me.LongField(required=True, min_value=1)
    on_behalf_of = me.StringField(max_length=18)
    expire_time = me.DateTimeField(required=True)

    meta = {
        "collection": SESSIONS,
        "auto_create_index": False,
        "indexes": [("account", "-start_time")],
    }


class MandateDocument(me.Document):
    """A mandate, also one that has ended."""

    id = me.StringField(primary_key=True, max_length=40)
    version = me.LongField(required=True, min_value=1)
    tick = me.LongField(required=True)
    representative = me.BooleanField(required=True)
    subject_code = me.StringField(required=True, max_length=18)
    account = me.StringField(required=True)
    login = me.StringField(max_length=64)
    granted_by = me.StringField(required=True)
    scopes = me.ListField(me.StringField())
    expire_date = me.StringField(max_length=10)
    active = me.BooleanField(required=True)
    update_time = me.DateTimeField(required=True)

    meta = {
        "collection": MANDATES,
        "auto_create_index": False,
        "indexes": [
            ("subject_code", "_id"),
            ("subject_code", "active", "_id"),
            ("account", "active"),
        ],
    }


class ClientDocument(me.Document):
    """A client and the hash of its key."""

    id = me.StringField(primary_key=True, max_length=40)
    version = me.LongField(required=True, min_value=1)
    tick = me.LongField(required=True)
    name = me.StringField(required=True, max_length=100)
    department = me.StringField(required=True, max_length=18)
    region = me.StringField(required=True, max_length=12)
    regions = me.ListField(me.StringField(), required=True)
    leads = me.BooleanField(required=True)
    institution = me.StringField(max_length=18)
    rights = me.ListField(me.StringField(), required=True)
    rate = me.IntField(min_value=0)
    certificates = me.ListField(me.StringField(max_length=64))
    certificate_required = me.BooleanField(required=True)
    active = me.BooleanField(required=True)
    key = me.StringField(required=True, max_length=64)
    update_time = me.DateTimeField(required=True)

    meta = {
        "collection": CLIENTS,
        "auto_create_index": False,
        "indexes": [
            {"fields": ["key"], "unique": True},
            {"fields": ["certificates"], "unique": True, "sparse": True},
            ("regions", "_id"),
        ],
    }
