"""Where the sample plays: the regions of 云南 and the bodies that work in them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from services.common.identifiers import (
    RegionLevel,
    organisation_code_check_char,
    region_ancestors,
    region_code,
    region_level,
    uscc_check_char,
)

FOLDER = Path(__file__).parent

Row = dict[str, Any]


def read(name: str) -> Any:
    """Read a JSON file of the sample, by its path from the sample's folder."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


@cache
def regions() -> dict[str, Row]:
    """Index the regions by their 12-digit code."""
    return {region["code"]: region for region in read("regions.json")}


def region(code: str) -> Row:
    """Get a region by a code of any length."""
    return regions()[region_code(code) or code]


def level(code: str) -> RegionLevel:
    """Tell the level of a region by a code of any length."""
    found = region_level(region_code(code) or code)
    if found is None:
        raise KeyError(code)
    return found


def prefecture(code: str) -> Row:
    """Get what belongs to the 州市 around a place: dialling code, host name, coordinates."""
    whole = region_code(code) or code
    around = [whole, *region_ancestors(whole)]
    keys = read("authored/places.json")["prefectures"]
    return dict(next(keys[place[:4]] for place in around if place[:4] in keys))


def expanded(places: list[str]) -> list[str]:
    """Replace group names such as `@prefectures` by the codes they stand for, each code once."""
    groups = read("authored/places.json")["groups"]
    return list(dict.fromkeys(code for place in places for code in groups.get(place, [place])))


def credit_code(registry: str, region_code_: str, body: str) -> str:
    """Make a synthetic 统一社会信用代码 with both check characters.

    Args:
        registry: the first two characters, such as `11`.
        body: the first eight characters of the 组织机构代码.
    """
    first17 = f"{registry}{region_code_[:6]}{body}{organisation_code_check_char(body)}"
    return first17 + uscc_check_char(first17)


def dial(code: str, number: int) -> str:
    """Make a telephone number that cannot be real: no local number begins with 0."""
    area = prefecture(code)["dial"]
    return f"{area}-{number % 10**7:08d}" if area == "0871" else f"{area}-{number % 10**6:07d}"
