"""Code tables: sectors, kinds of outages, and the words people use for them.

Members have the names of the proto as values, so that what is kept is the JSON form of a message.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum


class Sector(Enum):
    """行业 (国办发〔2020〕50号; 云办发〔2016〕34号 三(四))."""

    EDUCATION = "SECTOR_EDUCATION"
    HEALTH = "SECTOR_HEALTH"
    WATER = "SECTOR_WATER"
    ELECTRICITY = "SECTOR_ELECTRICITY"
    GAS = "SECTOR_GAS"
    HEATING = "SECTOR_HEATING"
    TRANSPORT = "SECTOR_TRANSPORT"
    TELECOM = "SECTOR_TELECOM"
    SOCIAL_SECURITY = "SECTOR_SOCIAL_SECURITY"
    ENVIRONMENT = "SECTOR_ENVIRONMENT"
    AGRICULTURE = "SECTOR_AGRICULTURE"
    CULTURE = "SECTOR_CULTURE"
    SPORTS = "SECTOR_SPORTS"
    SCIENCE = "SECTOR_SCIENCE"
    FINANCE = "SECTOR_FINANCE"


class OutageKind(Enum):
    """类型 of an outage."""

    PLANNED = "OUTAGE_KIND_PLANNED"
    TEMPORARY = "OUTAGE_KIND_TEMPORARY"
    FAULT = "OUTAGE_KIND_FAULT"


@dataclass(frozen=True, slots=True)
class Words:
    """How people speak of a sector.

    Args:
        name: as the rules write it.
        said: other words for what it supplies, true of every institution of the sector.
        stopped: what an outage of it is called.
    """

    name: str
    said: tuple[str, ...] = ()
    stopped: str = "暂停服务"


SECTORS: dict[Sector, Words] = {
    Sector.EDUCATION: Words("教育"),
    Sector.HEALTH: Words("卫生健康", ("医疗卫生",), "停诊"),
    Sector.WATER: Words("供水", ("自来水", "用水", "水费"), "停水"),
    Sector.ELECTRICITY: Words("供电", ("用电", "电力", "电费"), "停电"),
    Sector.GAS: Words("供气", ("燃气", "天然气", "煤气"), "停气"),
    Sector.HEATING: Words("供热", ("供暖", "暖气"), "停热"),
    Sector.TRANSPORT: Words("公共交通", ("公交",), "停运"),
    Sector.TELECOM: Words("通信", ("电信",), "通信中断"),
    Sector.SOCIAL_SECURITY: Words("社会保障", ("社保",)),
    Sector.ENVIRONMENT: Words("环境保护", ("环保",)),
    Sector.AGRICULTURE: Words("农业农村", ("农业",)),
    Sector.CULTURE: Words("文化"),
    Sector.SPORTS: Words("体育"),
    Sector.SCIENCE: Words("科技"),
    Sector.FINANCE: Words("金融"),
}

OUTAGE_KINDS: dict[OutageKind, str] = {
    OutageKind.PLANNED: "计划",
    OutageKind.TEMPORARY: "临时",
    OutageKind.FAULT: "故障",
}


@dataclass(frozen=True, slots=True)
class LeadTime:
    """How long before it begins an outage must be announced, and how the law says it."""

    least: timedelta
    said: str


# Rule U-4: 城市供水条例 22, 城镇燃气管理条例 20, 电力供应与使用条例 28. The law gives the other
# sectors, and what nobody planned, no time; 临时检修停电 is told to 重要用户, not to the public.
LEAD_TIMES: dict[tuple[Sector, OutageKind], LeadTime] = {
    (Sector.WATER, OutageKind.PLANNED): LeadTime(timedelta(hours=24), "24 小时"),
    (Sector.GAS, OutageKind.PLANNED): LeadTime(timedelta(hours=48), "48 小时"),
    (Sector.ELECTRICITY, OutageKind.PLANNED): LeadTime(timedelta(days=7), "7 日"),
}
