"""Regions that a question may name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Region:
    """A region: 12-digit code and official name."""

    code: str
    name: str


class Regions:
    """The regions of the province, by code and by the names people use."""

    def __init__(self) -> None:
        rows = json.loads(files("gateway.onestop.data").joinpath("regions.json").read_bytes())
        self.by_code: dict[str, Region] = {}
        self._named: dict[str, Region] = {}
        self._apart: dict[str, Region] = {}
        for row in rows:
            region = Region(row["code"], row["name"])
            self.by_code[region.code] = region
            self._named |= dict.fromkeys([region.name, *row["names"]], region)
            self._apart |= dict.fromkeys(row.get("apart", ()), region)
        self.beginnings = frozenset(name[0] for name in (*self._named, *self._apart))

    def called(self, name: str, *, apart: bool) -> Region | None:
        """The region of that name.

        Args:
            apart: the name stands between blanks. Some names are everyday words as well (安宁,
                古城) and count only then.
        """
        return self._named.get(name) or (self._apart.get(name) if apart else None)

    def name_of(self, code: str) -> str:
        """Its name; the code itself where the region is unknown."""
        region = self.by_code.get(code)
        return region.name if region else code
