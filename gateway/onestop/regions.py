"""Regions that a question may name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from gateway.onestop import pinyin
from services.common.identifiers import region_ancestors, region_code

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHORTEST_CODE = 4  # 53 may be a number of anything
_FEWEST_LETTERS = 4  # of a name in 拼音


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
        self._spelt = _spelt(self._named)
        self._below: dict[str, list[str]] = {}
        for one in self.by_code:
            for above in region_ancestors(one)[:1]:
                self._below.setdefault(above, []).append(one)
        self._tops = [one for one in self.by_code if not region_ancestors(one)]
        self.beginnings = frozenset(name[0] for name in (*self._named, *self._apart, *self.by_code))

    def called(self, name: str, *, apart: bool) -> Region | None:
        """The region of that name.

        Args:
            apart: the name stands between blanks. Some names are everyday words as well (安宁,
                古城) or codes (5301, 530100), and count only then.
        """
        return self._named.get(name) or (self._called_apart(name) if apart else None)

    def spelt(self, word: str) -> Region | None:
        """The region whose name is written so in 拼音; of several the one that comes first."""
        return self._spelt.get(word)

    def _called_apart(self, name: str) -> Region | None:
        code = region_code(name) if len(name) >= _SHORTEST_CODE else None
        return self._apart.get(name) or self.by_code.get(code or "")

    def inside(self, code: str) -> list[str]:
        """The regions one level below; below the highest ones where none is named."""
        below = [code] if code else self._tops
        return [inner for outer in below for inner in self._below.get(outer, [])]

    def name_of(self, code: str) -> str:
        """Its name; the code itself where the region is unknown."""
        region = self.by_code.get(code)
        return region.name if region else code


def _spelt(named: Mapping[str, Region]) -> dict[str, Region]:
    spelt: dict[str, Region] = {}
    for name, region in named.items():
        letters = "".join(pinyin.syllables(name))
        if len(letters) >= _FEWEST_LETTERS:
            spelt.setdefault(letters, region)
    return spelt
