"""What somebody may ask a list of items for: each part narrows it, a blank part does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from services.common.identifiers import is_within

if TYPE_CHECKING:
    from services.catalogue.domain.item import Item

ONE: Final = ("catalog_code", "dept_code", "project_type", "use_level", "task_type")
"""Parts that an item has one value of."""
SOME: Final = ("corp_topic_type", "user_topic_type", "server_type")
"""Parts that an item may have several values of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The filters of a list; all of them hold together.

    Args:
        region_code: of this region or of one below it.
        is_online: whether it can be asked for online; None asks for either.
    """

    region_code: str = ""
    catalog_code: str = ""
    dept_code: str = ""
    project_type: str = ""
    use_level: str = ""
    task_type: str = ""
    corp_topic_type: str = ""
    user_topic_type: str = ""
    server_type: str = ""
    is_online: bool | None = None

    def parts(self) -> dict[str, Any]:
        """What is asked for beside the region, by the item's field."""
        asked = {name: getattr(self, name) for name in (*ONE, *SOME)}
        given: dict[str, Any] = {name: value for name, value in asked.items() if value}
        return given if self.is_online is None else given | {"is_online": self.is_online}

    def matches(self, item: Item) -> bool:
        """Whether an item is what was asked for."""
        if self.region_code and not is_within(item.region_code, self.region_code):
            return False
        for name, value in self.parts().items():
            own = getattr(item, name)
            if value not in own if name in SOME else value != own:
                return False
        return True
