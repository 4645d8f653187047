"""What a service item is: the fields of the 实施清单 (GB/T 39046-2020, table 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone

from services.common.identifiers import is_task_code

LEGAL_ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """What an item rests on (设定依据)."""

    law_name: str = ""
    document_number: str = ""
    article: str = ""
    content: str = ""
    issuer: str = ""
    effective_date: str = ""


@dataclass(frozen=True, slots=True)
class HandlingStep:
    """One step of the handling (办理环节)."""

    step: str = ""
    officer: str = ""
    time_limit: str = ""
    standard: str = ""


@dataclass(frozen=True, slots=True)
class Fee:
    """A fee (收费项目)."""

    fee_name: str = ""
    fee_stand: str = ""
    by_law: str = ""
    is_desc: bool = False
    desc_explain: str = ""


@dataclass(frozen=True, slots=True)
class Material:
    """Something the applicant hands in (申请材料)."""

    name: str = ""
    material_type: str = ""
    material_format: str = ""
    is_need: str = ""
    source_type: str = ""
    source_explain: str = ""
    by_law: str = ""
    accept_stand: str = ""
    fill_explain: str = ""
    page_num: int = 0
    copy_num: int = 0
    page_format: str = ""
    receive_type: tuple[str, ...] = ()
    trust_level: str = ""
    form_guid: str = ""
    example_guid: str = ""
    order_num: int = 0


@dataclass(frozen=True, slots=True)
class Remedy:
    """Where somebody turns who disagrees (行政复议、行政诉讼)."""

    kind: str = ""
    body: str = ""
    address: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class HandlingItem:
    """One way an item is applied for (业务办理项): 新办, 变更, 延续 …

    Args:
        materials: names of those of the item's materials that it asks for; none: all.
    """

    code: str = ""
    name: str = ""
    accept_condition: str = ""
    promise_day: int = 0
    promise_type: str = ""
    materials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Intermediary:
    """A service of others that has to be had before (中介服务)."""

    name: str = ""
    by_law: str = ""
    fee_stand: str = ""
    explain: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A frequent question (常见问题)."""

    question: str = ""
    answer: str = ""
    order: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """A service item as one body carries it out (实施清单).

    The names are those of the national exchange; the proto says each in Chinese. Codes are kept as
    the tables of `tables` have them, dates as ISO 8601.
    """

    task_name: str = ""
    alias: tuple[str, ...] = ()
    catalog_code: str = ""
    local_catalog_code: str = ""
    task_code: str = ""
    local_task_code: str = ""
    task_handle_item: str = ""
    parent_code: str = ""
    task_type: str = ""
    task_version: int = 0
    plan_effective_date: str = ""
    plan_cancel_date: str = ""
    by_law: tuple[LegalBasis, ...] = ()
    power_source: str = ""
    use_level: str = ""
    authority_division: str = ""
    exercise_content: str = ""
    jurisdiction: str = ""
    dept_code: str = ""
    dept_name: str = ""
    dept_type: str = ""
    entrust_name: str = ""
    accept_org: str = ""
    decide_org: str = ""
    undertake_org: str = ""
    undertake_org_code: str = ""
    region_code: str = ""
    other_dept: tuple[str, ...] = ()
    other_dept_code: tuple[str, ...] = ()
    anticipate_day: int = 0
    anticipate_type: str = ""
    anticipate_explain: str = ""
    promise_day: int = 0
    promise_type: str = ""
    promise_explain: str = ""
    project_type: str = ""
    examine_type: str = ""
    special_procedure: tuple[str, ...] = ()
    accept_condition: str = ""
    handle_type: tuple[str, ...] = ()
    online_handle_depth: tuple[str, ...] = ()
    limit_scene_num: int = 0
    limit_scene_explain: str = ""
    is_online: bool = False
    online_handle_url: str = ""
    mobile_terminal_url: str = ""
    is_entry_center: bool = False
    transact_addr: str = ""
    transact_time: str = ""
    is_schedule: bool = False
    is_pay_online: bool = False
    is_express: bool = False
    handle_area: str = ""
    handle_flow: tuple[HandlingStep, ...] = ()
    link_way: str = ""
    supervise_way: str = ""
    remedies: tuple[Remedy, ...] = ()
    deliver_type: tuple[str, ...] = ()
    is_service_terminals: bool = False
    limit_explain: str = ""
    server_type: tuple[str, ...] = ()
    user_topic_type: tuple[str, ...] = ()
    corp_topic_type: tuple[str, ...] = ()
    result_name: str = ""
    result_type: str = ""
    result_guid: str = ""
    finish_type: str = ""
    result_validity: str = ""
    annual_check: str = ""
    is_fee: bool = False
    fee_basis: str = ""
    fees: tuple[Fee, ...] = ()
    service_type: str = ""
    intermediaries: tuple[Intermediary, ...] = ()
    materials: tuple[Material, ...] = ()
    faqs: tuple[Question, ...] = ()
    handle_items: tuple[HandlingItem, ...] = ()

    @property
    def item_id(self) -> str:
        """实施编码, or 地方实施编码 where the body has no other."""
        return self.task_code or self.local_task_code

    @property
    def body(self) -> str:
        """What tells the body in charge: its 统一社会信用代码, else its name."""
        return self.dept_code or self.dept_name

    @property
    def family(self) -> str:
        """What the same item of other bodies shares: its 基本编码, which a 实施编码 ends with."""
        national = self.task_code[-12:] if is_task_code(self.task_code) else ""
        return self.catalog_code or national or self.local_catalog_code or self.task_name

    def visibility(self) -> tuple[datetime | None, datetime | None]:
        """From when and until when the item is shown, in UTC; None: without beginning or end.

        Rule I-6: whole days of Asia/Shanghai.
        """
        return _midnight(self.plan_effective_date), _midnight(self.plan_cancel_date)


def _midnight(day: str) -> datetime | None:
    if not day:
        return None
    return datetime.combine(datetime.fromisoformat(day), time(), LEGAL_ZONE).astimezone(UTC)
