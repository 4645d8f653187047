"""What a public enterprise or institution is (公共企事业单位)."""

from dataclasses import dataclass

from services.utilities.domain.tables import Sector


@dataclass(frozen=True, slots=True)
class Office:
    """A place where an institution serves people (营业网点); degrees are those of CGCS2000."""

    office_id: str
    name: str
    address: str = ""
    hours: str = ""
    phone: str = ""
    longitude: float = 0.0
    latitude: float = 0.0


@dataclass(frozen=True, slots=True)
class Institution:
    """A public enterprise or institution, under its 统一社会信用代码."""

    institution_id: str
    name: str
    sector: Sector
    region_code: str
    department: str = ""
    address: str = ""
    phone: str = ""
    website: str = ""
    offices: tuple[Office, ...] = ()

    @property
    def subject(self) -> str:
        """What its facts are about."""
        return self.institution_id
