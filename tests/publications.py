"""A sample request of every call that makes something public, and officers who may make it."""

import base64
import json
from dataclasses import dataclass, replace

from google.protobuf import json_format
from google.protobuf.descriptor_pool import Default as DefaultPool
from google.protobuf.message_factory import GetMessageClass

from services.common.access import Caller
from services.common.grpc_host.door import needed_of

DEPARTMENT, ANOTHER = "11530000015100012L", "12530000431200012W"
INSTITUTION = "91530100010090011J"
KUNMING, WUHUA, QUJING = "530100000000", "530102000000", "530300000000"

ITEM = {
    "task_name": "食品经营许可",
    "task_type": "01",
    "dept_name": "昆明市市场监督管理局",
    "dept_code": DEPARTMENT,
    "region_code": KUNMING,
    "local_task_code": "T-1",
}
SUCCESSION = {
    "from_dept_code": DEPARTMENT,
    "to_dept_code": DEPARTMENT,
    "to_dept_name": "昆明市市场监督管理委员会",
    "reason": "机构更名",
}
BASIC_ITEM = {
    "catalog_code": "530131009000",
    "catalog_name": "食品经营许可",
    "task_type": "01",
    "dept_code": DEPARTMENT,
    "dept_name": "云南省市场监督管理局",
    "region_code": "530000000000",
}
LIFE_EVENT = {
    "event_id": "open-restaurant",
    "title": "开饭店一件事",
    "region_code": KUNMING,
    "dept_code": DEPARTMENT,
    "dept_name": "昆明市市场监督管理局",
    "steps": [{"item_id": "T-1"}, {"item_id": "T-2"}],
}
QUESTIONNAIRE = {
    "item_id": "T-1",
    "questions": [
        {
            "key": "place",
            "question": "有固定的经营场所吗？",
            "options": [
                {"label": "有", "leads_to": "can"},
                {"label": "没有", "leads_to": "cannot"},
            ],
        }
    ],
    "outcomes": [
        {"key": "can", "eligible": True, "says": "可以申请。"},
        {"key": "cannot", "says": "暂时不能申请，请先落实经营场所。"},
    ],
    "examples": [
        {"answers": ["有"], "outcome": "can"},
        {"answers": ["没有"], "outcome": "cannot"},
    ],
}
ADJUSTMENT = {
    "kind": "LIST_KIND_DUTY",
    "dept_name": "昆明市市场监督管理局",
    "dept_code": DEPARTMENT,
    "region_code": KUNMING,
    "reason": "机构职责调整",
    "document_name": "昆明市市场监督管理局职能配置规定",
    "changes": [
        {
            "action": "LIST_ACTION_ADD",
            "entry": {"entry_code": "ZR-1", "name": "食品安全监督管理"},
        }
    ],
}
SUBJECT = {
    "region_code": KUNMING,
    "subject_code": "91530100MA6K00014D",
    "name": "昆明云岭商贸有限公司（示例）",
}
DECISION = {
    "subject_code": SUBJECT["subject_code"],
    "subject_name": SUBJECT["name"],
    "subject_type": "法人及非法人组织",
    "legal_representative": "张三",
    "document_number": "昆市监许〔2026〕3号",
    "category": "普通",
    "content": "食品经营",
    "decision_date": "2026-11-02",
    "valid_until_date": "2031-11-01",
    "authority_name": "昆明市市场监督管理局",
    "authority_code": DEPARTMENT,
    "source_name": "昆明市市场监督管理局",
    "source_code": DEPARTMENT,
}
PENALTY = {"document_number": "昆市监罚〔2026〕3号", "offence": "超范围经营", "facts": "……"}
INSTITUTION_RECORD = {
    "institution_id": INSTITUTION,
    "name": "昆明示例自来水有限公司",
    "sector": "SECTOR_WATER",
    "region_code": KUNMING,
}
OUTAGE = {
    "outage_id": "KM-1",
    "sector": "SECTOR_WATER",
    "kind": "OUTAGE_KIND_PLANNED",
    "start_time": "2026-11-25T02:00:00Z",
    "expected_restore_time": "2026-11-25T10:00:00Z",
    "area_region_codes": [WUHUA],
    "area_text": "五华区翠湖片区",
    "institution_id": INSTITUTION,
    "institution_name": "昆明示例自来水有限公司",
}
SITE = {
    "site_id": "5301000003",
    "name": "昆明市水务局网站",
    "hosts": ["swj.km.gov.cn"],
    "unit": "昆明市水务局",
    "region_code": KUNMING,
    "state": "SITE_STATE_OPEN",
}
MAPPING = {
    "old_url": "http://swj.km.gov.cn/a.html",
    "kind": "MAPPING_KIND_MOVED",
    "new_url": "https://www.km.gov.cn/a/",
}


@dataclass(frozen=True)
class Publication:
    """One call with the fields of its request.

    Args:
        method: full name.
        before: what must be public first.
        region: of those who write and review it.
    """

    method: str
    fields: dict
    before: tuple["Publication", ...] = ()
    region: str = KUNMING

    @property
    def department(self):
        return self.method.split(".")[1]

    def request(self, **changes):
        """The message; fields as protobuf JSON has them."""
        kind = GetMessageClass(DefaultPool().FindMethodByName(self.method).input_type)
        message = json_format.ParseDict(self.fields, kind())
        for name, value in changes.items():
            setattr(message, name, value)
        return message

    def author(self):
        """An officer who may make the call, over what the sample says."""
        roles = sorted(needed_of(self.method).roles - {"client"})
        author = officer("author", *roles[:1], region=self.region)
        return replace(author, institution=INSTITUTION)

    def reviewer(self):
        """An officer who may approve it."""
        return reviewer(region=self.region)


def officer(name, *roles, department=DEPARTMENT, region=KUNMING):
    return Caller(name, "account", roles=roles, department=department, region=region)


def reviewer(name="reviewer", **where):
    return officer(name, "publication_reviewer", **where)


def outsider(caller):
    """The same officer in another department and region."""
    return replace(
        caller, principal="outsider", department=ANOTHER, region=QUJING, institution=ANOTHER
    )


def file(*rows):
    """A field `file` as protobuf JSON has it."""
    data = json.dumps(rows, ensure_ascii=False).encode()
    return {"content_type": "application/json", "data": base64.b64encode(data).decode()}


def _all():
    catalogue = "zhengtong.catalogue.v1.CatalogueService"
    credit = "zhengtong.credit.v1.CreditService"
    utilities = "zhengtong.utilities.v1.UtilitiesService"
    websites = "zhengtong.websites.v1.WebsitesService"
    site = Publication(f"{websites}.RegisterSite", {"site": SITE})
    publish = Publication(f"{catalogue}.PublishItem", {"item": ITEM})
    suspend = Publication(f"{catalogue}.SuspendItem", {"item_id": "T-1", "reason": "系统升级"})
    return (
        Publication(f"{catalogue}.ImportItems", {"file": file(ITEM), "shape": "standard"}),
        publish,
        Publication(
            f"{catalogue}.PublishBasicItem",
            {"basic_item": BASIC_ITEM},
            region=BASIC_ITEM["region_code"],
        ),
        Publication(f"{catalogue}.PublishLifeEvent", {"event": LIFE_EVENT}),
        Publication(
            f"{catalogue}.PublishQuestionnaire",
            {"questionnaire": QUESTIONNAIRE},
            before=(publish,),
        ),
        Publication(f"{catalogue}.SucceedBody", SUCCESSION, before=(publish,)),
        Publication(f"{catalogue}.ResumeItem", {"item_id": "T-1"}, before=(publish, suspend)),
        Publication(f"{catalogue}.AdjustList", ADJUSTMENT),
        Publication(f"{credit}.ImportRecords", {"file": file(SUBJECT), "shape": "subjects"}),
        Publication(f"{credit}.RegisterSubject", {"subject": SUBJECT}),
        Publication(f"{credit}.DisclosePermit", {"permit": DECISION}),
        Publication(f"{credit}.DisclosePenalty", {"penalty": DECISION | PENALTY}),
        Publication(
            f"{utilities}.ImportRecords",
            {"file": file(INSTITUTION_RECORD), "shape": "institutions"},
        ),
        Publication(f"{utilities}.PublishInstitution", {"institution": INSTITUTION_RECORD}),
        Publication(f"{utilities}.AnnounceOutage", {"outage": OUTAGE}),
        Publication(f"{websites}.ImportRecords", {"file": file(SITE), "shape": "sites"}),
        site,
        Publication(f"{websites}.AddMapping", {"mapping": MAPPING}, before=(site,)),
    )


PUBLICATIONS = _all()
