"""What a notice of an outage is (停水、停电、停气公告), and what the clock says of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.utilities.domain.tables import LEAD_TIMES, LeadTime, OutageKind, Sector

LONGEST = timedelta(days=366)
SHOWN_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Outage:
    """A notice; times are whole seconds in UTC.

    Args:
        publish_time: None until `domain.complete` has filled it.
    """

    outage_id: str
    sector: Sector
    kind: OutageKind
    start_time: datetime
    expected_restore_time: datetime
    area_region_codes: tuple[str, ...]
    area_text: str
    institution_id: str = ""
    institution_name: str = ""
    reason: str = ""
    households: int = 0
    publish_time: datetime | None = None
    phone: str = ""

    @property
    def subject(self) -> str:
        """What its facts are about."""
        return self.outage_id

    @property
    def place(self) -> str:
        """Where it stands in lists: a text that sorts by start, then by number."""
        return f"{place_of(self.start_time)}/{self.outage_id}"

    @property
    def visible_until(self) -> datetime:
        """When it leaves the search: Rule U-7, a day after supply is expected back."""
        return self.expected_restore_time + SHOWN_AFTER

    @property
    def missed_lead_time(self) -> LeadTime | None:
        """The lead time that the law asks for and this notice does not keep (Rule U-4)."""
        lead = LEAD_TIMES.get((self.sector, self.kind))
        if lead is None or self.publish_time is None:
            return None
        return lead if self.publish_time > self.start_time - lead.least else None

    def is_published(self, now: datetime) -> bool:
        """Whether its 发布时间 has come (Rule U-7)."""
        return self.publish_time is not None and self.publish_time <= now

    def is_listed(self, now: datetime) -> bool:
        """Whether it is published, and going on or still to come (Rule U-7)."""
        return self.is_published(now) and now < self.expected_restore_time


def place_of(moment: datetime) -> str:
    """A moment as a text that sorts as moments do."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
