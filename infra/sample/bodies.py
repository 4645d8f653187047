"""The departments of the sample: provincial ones, and the bureaus of 州市 and counties."""

from functools import cache

from infra.sample.places import Row, credit_code, read, region, regions
from services.common.identifiers import RegionLevel, region_level

PROVINCE = "530000000000"


@cache
def bodies() -> dict[tuple[str, str], Row]:
    """Index the departments by (kind, 12-digit region)."""
    authored = read("authored/departments.json")
    kinds = [kind for kind, *_ in authored["provincial"]]
    kinds += [kind for kind, *_ in authored["prefectural"] if kind not in kinds]
    ordinals = {kind: ordinal for ordinal, kind in enumerate(kinds, 1)}
    found = {}
    for kind, place, name, short_name in _named():
        registry = authored["registries"].get(kind, "11")
        code = credit_code(registry, place, f"{place[2:6]}{ordinals[kind]:04d}")
        found[kind, place] = {
            "name": name,
            "short_name": short_name,
            "code": code,
            "region_code": place,
        }
    return found


def body(kind: str, place: str) -> Row:
    """Get the department of a kind in a 12-digit region."""
    return bodies()[kind, place]


def _named() -> list[tuple[str, str, str, str]]:
    authored = read("authored/departments.json")
    rows = [(kind, PROVINCE, name, short) for kind, name, short in authored["provincial"]]
    for place, of_region in regions().items():
        if region_level(place) is RegionLevel.PREFECTURE:
            rows += [
                (
                    kind,
                    place,
                    _bureau(of_region["name"], kind, name),
                    of_region["short_name"] + short,
                )
                for kind, name, short in authored["prefectural"]
            ]
    for county in authored["counties"]:
        of_region = region(county)
        rows += [
            (
                kind,
                of_region["code"],
                _county_name(of_region) + name,
                of_region["short_name"] + short,
            )
            for kind, name, short in authored["county"]
        ]
    return rows


def _bureau(of: str, kind: str, name: str) -> str:
    return f"国家税务总局{of}{name}" if kind == "tax" else of + name


def _county_name(county: Row) -> str:
    """Put the city before its districts: 昆明市五华区, but 大理市."""
    name = str(county["name"])
    return str(regions()[county["parent"]]["name"]) + name if name.endswith("区") else name
