"""What the database holds of items: schema, validation and indexes."""

from typing import Final

import mongoengine as me

COLLECTION: Final = "items"
VERSIONS: Final = "item_versions"
EVENTS: Final = "life_events"
QUESTIONNAIRES: Final = "questionnaires"
BASICS: Final = "basic_items"


class LegalBasisDocument(me.EmbeddedDocument):
    law_name = me.StringField(required=True)
    document_number = me.StringField()
    article = me.StringField()
    content = me.StringField()
    issuer = me.StringField()
    effective_date = me.StringField()


class HandlingStepDocument(me.EmbeddedDocument):
    step = me.StringField(required=True)
    officer = me.StringField()
    time_limit = me.StringField()
    standard = me.StringField()


class FeeDocument(me.EmbeddedDocument):
    fee_name = me.StringField(required=True)
    fee_stand = me.StringField()
    by_law = me.StringField()
    is_desc = me.BooleanField()
    desc_explain = me.StringField()


class MaterialDocument(me.EmbeddedDocument):
    name = me.StringField(required=True)
    material_type = me.StringField()
    material_format = me.StringField()
    is_need = me.StringField()
    source_type = me.StringField()
    source_explain = me.StringField()
    by_law = me.StringField()
    accept_stand = me.StringField()
    fill_explain = me.StringField()
    page_num = me.IntField(min_value=0)
    copy_num = me.IntField(min_value=0)
    page_format = me.StringField()
    form_guid = me.StringField()
    example_guid = me.StringField()
    receive_type = me.ListField(me.StringField())
    trust_level = me.StringField()
    order_num = me.IntField(min_value=0)


class RemedyDocument(me.EmbeddedDocument):
    kind = me.StringField(required=True)
    body = me.StringField(required=True)
    address = me.StringField()
    phone = me.StringField()


class HandlingItemDocument(me.EmbeddedDocument):
    code = me.StringField(required=True, max_length=50)
    name = me.StringField(required=True)
    accept_condition = me.StringField()
    promise_day = me.IntField(min_value=0)
    promise_type = me.StringField()
    materials = me.ListField(me.StringField())


class IntermediaryDocument(me.EmbeddedDocument):
    name = me.StringField(required=True)
    by_law = me.StringField()
    fee_stand = me.StringField()
    explain = me.StringField()


class QuestionDocument(me.EmbeddedDocument):
    question = me.StringField(required=True)
    answer = me.StringField(required=True)
    order = me.IntField(min_value=0)


class ItemContent(me.EmbeddedDocument):
    """The item itself, as `fields.plain` has it."""

    task_name = me.StringField(required=True, max_length=300)
    alias = me.ListField(me.StringField())
    catalog_code = me.StringField(max_length=64)
    local_catalog_code = me.StringField(max_length=64)
    task_code = me.StringField(max_length=64)
    local_task_code = me.StringField(max_length=64)
    task_handle_item = me.StringField(max_length=50)
    parent_code = me.StringField(max_length=64)
    task_type = me.StringField(required=True, max_length=2)
    task_version = me.IntField(min_value=0)
    plan_effective_date = me.StringField()
    plan_cancel_date = me.StringField()
    by_law = me.EmbeddedDocumentListField(LegalBasisDocument)
    power_source = me.StringField()
    use_level = me.StringField()
    authority_division = me.StringField()
    exercise_content = me.StringField()
    jurisdiction = me.StringField()
    dept_code = me.StringField(max_length=18)
    dept_name = me.StringField(required=True, max_length=200)
    dept_type = me.StringField()
    entrust_name = me.StringField()
    accept_org = me.StringField()
    decide_org = me.StringField()
    undertake_org = me.StringField()
    undertake_org_code = me.StringField(max_length=18)
    region_code = me.StringField(required=True, regex=r"[0-9]{12}")
    other_dept = me.ListField(me.StringField())
    other_dept_code = me.ListField(me.StringField())
    anticipate_day = me.IntField(min_value=0)
    anticipate_type = me.StringField()
    anticipate_explain = me.StringField()
    promise_day = me.IntField(min_value=0)
    promise_type = me.StringField()
    promise_explain = me.StringField()
    project_type = me.StringField()
    examine_type = me.StringField()
    special_procedure = me.ListField(me.StringField())
    accept_condition = me.StringField()
    handle_type = me.ListField(me.StringField())
    online_handle_depth = me.ListField(me.StringField())
    limit_scene_num = me.IntField(min_value=0)
    limit_scene_explain = me.StringField()
    is_online = me.BooleanField()
    online_handle_url = me.StringField()
    mobile_terminal_url = me.StringField()
    is_entry_center = me.BooleanField()
    transact_addr = me.StringField()
    transact_time = me.StringField()
    is_schedule = me.BooleanField()
    is_pay_online = me.BooleanField()
    is_express = me.BooleanField()
    handle_area = me.StringField()
    handle_flow = me.EmbeddedDocumentListField(HandlingStepDocument)
    link_way = me.StringField()
    supervise_way = me.StringField()
    remedies = me.EmbeddedDocumentListField(RemedyDocument)
    deliver_type = me.ListField(me.StringField())
    is_service_terminals = me.BooleanField()
    limit_explain = me.StringField()
    server_type = me.ListField(me.StringField())
    user_topic_type = me.ListField(me.StringField())
    corp_topic_type = me.ListField(me.StringField())
    result_name = me.StringField()
    result_type = me.StringField()
    result_guid = me.StringField()
    finish_type = me.StringField()
    result_validity = me.StringField()
    annual_check = me.StringField()
    is_fee = me.BooleanField()
    fee_basis = me.StringField()
    fees = me.EmbeddedDocumentListField(FeeDocument)
    service_type = me.StringField()
    intermediaries = me.EmbeddedDocumentListField(IntermediaryDocument)
    materials = me.EmbeddedDocumentListField(MaterialDocument)
    faqs = me.EmbeddedDocumentListField(QuestionDocument)
    handle_items = me.EmbeddedDocumentListField(HandlingItemDocument)


class QualityDocument(me.EmbeddedDocument):
    """What the quality rules said of an item when it was kept."""

    score = me.IntField(required=True, min_value=0, max_value=100)
    failed = me.ListField(me.StringField())


class PlanDocument(me.EmbeddedDocument):
    """What takes the item's place on a day to come; without an item nothing waits any more."""

    version = me.LongField(required=True, min_value=1)
    begins = me.DateTimeField()
    item = me.EmbeddedDocumentField(ItemContent)


class ItemDocument(me.Document):
    """An item and what the catalogue knows about it."""

    id = me.StringField(primary_key=True, max_length=64)
    version = me.LongField(required=True, min_value=1)
    tick = me.LongField(required=True)
    public = me.BooleanField(required=True)
    state = me.StringField(required=True, max_length=1)
    reason = me.StringField(max_length=500)
    moved_to = me.StringField(max_length=64)
    update_time = me.DateTimeField(required=True)
    digest = me.BinaryField(required=True, max_bytes=16)
    regions = me.ListField(me.StringField())
    shelves = me.ListField(me.StringField())
    body = me.StringField(required=True, max_length=200)
    visible_from = me.DateTimeField(required=True)
    visible_until = me.DateTimeField(required=True)
    quality = me.EmbeddedDocumentField(QualityDocument, required=True)
    item = me.EmbeddedDocumentField(ItemContent, required=True)
    plan = me.EmbeddedDocumentField(PlanDocument)

    meta = {
        "collection": COLLECTION,
        "auto_create_index": False,
        "indexes": [
            ("public", "_id"),
            ("shelves", "_id"),
            ("item.dept_code", "_id"),
            ("public", "item.dept_code", "visible_until", "visible_from"),
            ("public", "item.catalog_code", "item.region_code"),
            ("public", "body", "_id"),
            ("public", "regions", "body", "_id"),
            {"fields": ["plan.begins"], "sparse": True},
        ],
    }


class ItemVersionDocument(me.Document):
    """What an item was before it was changed: its id and version, and all that was kept."""

    id = me.StringField(primary_key=True, max_length=80)
    item_id = me.StringField(required=True, max_length=64)
    version = me.LongField(required=True, min_value=1)
    state = me.StringField(required=True, max_length=1)
    reason = me.StringField(max_length=500)
    update_time = me.DateTimeField(required=True)
    item = me.EmbeddedDocumentField(ItemContent, required=True)

    meta = {
        "collection": VERSIONS,
        "auto_create_index": False,
        "indexes": [("item_id", "-version")],
    }


class BasicItemContent(me.EmbeddedDocument):
    """The item of the basic catalogue itself, as `fields.plain` has it."""

    catalog_code = me.StringField(required=True, max_length=64)
    catalog_name = me.StringField(required=True, max_length=300)
    task_type = me.StringField(required=True, max_length=2)
    by_law = me.EmbeddedDocumentListField(LegalBasisDocument)
    use_levels = me.ListField(me.StringField())
    dept_code = me.StringField(required=True, max_length=18)
    dept_name = me.StringField(required=True, max_length=200)
    server_type = me.ListField(me.StringField())
    region_code = me.StringField(required=True, regex=r"[0-9]{12}")
    remark = me.StringField()


class BasicItemDocument(me.Document):
    """An item of the basic catalogue under its 基本编码, also one that was taken back."""

    id = me.StringField(primary_key=True, max_length=64)
    version = me.LongField(required=True, min_value=1)
    tick = me.LongField(required=True)
    active = me.BooleanField(required=True)
    reason = me.StringField(max_length=500)
    update_time = me.DateTimeField(required=True)
    basic = me.EmbeddedDocumentField(BasicItemContent, required=True)

    meta = {
        "collection": BASICS,
        "auto_create_index": False,
        "indexes": [("active", "_id"), ("active", "basic.task_type", "_id")],
    }


class EventStepDocument(me.EmbeddedDocument):
    item_id = me.StringField(max_length=64)
    catalog_code = me.StringField(max_length=12)
    condition = me.StringField()


class LifeEventContent(me.EmbeddedDocument):
    """The life event itself, as `fields.plain` has it."""

    event_id = me.StringField(required=True, max_length=60)
    title = me.StringField(required=True, max_length=100)
    alias = me.ListField(me.StringField())
    summary = me.StringField()
    server_type = me.ListField(me.StringField())
    region_code = me.StringField(required=True, regex=r"[0-9]{12}")
    dept_code = me.StringField(required=True, max_length=18)
    dept_name = me.StringField(required=True, max_length=200)
    joint_day = me.IntField(min_value=0)
    joint_type = me.StringField()
    steps = me.EmbeddedDocumentListField(EventStepDocument)


class LifeEventDocument(me.Document):
    """A life event, also one that was taken back."""

    id = me.StringField(primary_key=True, max_length=60)
    version = me.LongField(required=True, min_value=1)
    tick = me.LongField(required=True)
    active = me.BooleanField(required=True)
    reason = me.StringField(max_length=500)
    update_time = me.DateTimeField(required=True)
    event = me.EmbeddedDocumentField(LifeEventContent, required=True)

    meta = {
        "collection": EVENTS,
        "auto_create_index": False,
        "indexes": [("active", "_id"), ("active", "event.region_code", "_id")],
    }


class OptionDocument(me.EmbeddedDocument):
    label = me.StringField(required=True)
    leads_to = me.StringField(required=True)


class AskDocument(me.EmbeddedDocument):
    key = me.StringField(required=True)
    question = me.StringField(required=True)
    explain = me.StringField()
    options = me.EmbeddedDocumentListField(OptionDocument)


class OutcomeDocument(me.EmbeddedDocument):
    key = me.StringField(required=True)
    eligible = me.BooleanField()
    says = me.StringField(required=True)
    handle_item = me.StringField()
    materials = me.ListField(me.StringField())


class ExampleDocument(me.EmbeddedDocument):
    answers = me.ListField(me.StringField())
    outcome = me.StringField(required=True)


class QuestionnaireContent(me.EmbeddedDocument):
    """The questionnaire itself, as `fields.plain` has it."""

    item_id = me.StringField(required=True, max_length=64)
    questions = me.EmbeddedDocumentListField(AskDocument)
    outcomes = me.EmbeddedDocumentListField(OutcomeDocument)
    examples = me.EmbeddedDocumentListField(ExampleDocument)


class QuestionnaireDocument(me.Document):
    """A questionnaire under its item's id, also one that was taken back."""

    id = me.StringField(primary_key=True, max_length=64)
    version = me.LongField(required=True, min_value=1)
    tick = me.LongField(required=True)
    active = me.BooleanField(required=True)
    update_time = me.DateTimeField(required=True)
    questionnaire = me.EmbeddedDocumentField(QuestionnaireContent, required=True)

    meta = {"collection": QUESTIONNAIRES, "auto_create_index": False, "indexes": []}
