"""Public enterprises and institutions of the sample, and their outage notices."""

from collections.abc import Iterator
from typing import Any

from infra.sample.bodies import body
from infra.sample.places import Row, credit_code, dial, prefecture, read, region

_HOURS = {
    "12": "工作日 8:30—12:00，14:00—17:30",
    "91": "每日 9:00—17:00（法定节假日照常营业）",
}


def institutions() -> Iterator[Row]:
    """Make every institution of the sample; all names say that they are examples."""
    for number, row in enumerate(read("authored/institutions.json"), 1):
        yield _institution(number, row)


def outage_templates() -> Iterator[Row]:
    """Make every notice, its times as hours from the moment it is loaded (see `outages`)."""
    keys = [row[0] for row in read("authored/institutions.json")]
    known = dict(zip(keys, institutions(), strict=True))
    for number, row in enumerate(read("authored/outages.json"), 1):
        key, kind, reason, start, duration, lead, areas, area_text, households = row
        institution = known[key]
        yield {
            "notice_id": f"{institution['region_code'][:6]}-{institution['sector']}-{number:04d}",
            "sector": institution["sector"],
            "kind": kind,
            "institution_code": institution["code"],
            "reason": reason,
            "start_offset_hours": start,
            "expected_restore_offset_hours": start + duration,
            "publish_offset_hours": start + lead if kind == "fault" else start - lead,
            "area_region_codes": [region(area)["code"] for area in areas],
            "area_text": area_text,
            "households": households,
            "phone": institution["phone"],
        }


def _institution(number: int, row: list[Any]) -> Row:
    key, name, sector, place, department, registry, address, offices = row
    code = region(place)["code"]
    return {
        "code": credit_code(registry, code, f"{code[2:6]}9{number:03d}"),
        "name": f"{name}（示例）",
        "sector": sector,
        "region_code": code,
        "department": body(department, code)["name"],
        "address": address,
        "phone": dial(code, 600_000 + number),
        "website": f"https://www.{key}.example",
        "offices": [
            _office(
                code, f"{key}-{ordinal}", _HOURS[registry], text, 610_000 + number * 10 + ordinal
            )
            for ordinal, text in enumerate(offices, 1)
        ],
    }


def _office(code: str, office_id: str, hours: str, text: str, phone: int) -> Row:
    name, address, east, north = text.split("|")
    centre = prefecture(code)
    return {
        "office_id": office_id,
        "name": name,
        "address": address,
        "hours": hours,
        "phone": dial(code, phone),
        "longitude": round(centre["longitude"] + float(east), 6),
        "latitude": round(centre["latitude"] + float(north), 6),
    }
