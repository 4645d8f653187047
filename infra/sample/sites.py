"""Government sites of the sample, and where the addresses of the closed ones lead."""

from collections import Counter
from collections.abc import Iterator

from infra.sample.bodies import body
from infra.sample.places import Row, expanded, prefecture, read, region

_PORTAL = "www.yn.gov.example"


def sites() -> Iterator[Row]:
    """Make every site: portals first, then open, suspended and closed ones."""
    serials: Counter[str] = Counter()
    for site in _unnumbered():
        place = str(site["region_code"])[:6]
        serials[place] += 1
        yield {"site_id": f"{place}{serials[place]:04d}", **site}


def mappings() -> Iterator[tuple[str, str, int]]:
    """Make (old address, new address, status) for every page of every closed site."""
    authored = read("authored/sites.json")
    for _, host, *_ in authored["closed"]:
        for old, new, status in authored["pages"]:
            target = f"https://{_PORTAL}/{_column(host)}/{new}".rstrip("/") if status == 301 else ""
            yield f"http://{host}.gov.example/{old}", target, status


def _unnumbered() -> Iterator[Row]:
    authored = read("authored/sites.json")
    yield _site("云南省人民政府门户网站", _PORTAL, "云南省人民政府办公厅", "53", kind="portal")
    for place in expanded(["@prefectures"]):
        yield _government(place, prefecture(place)["host"])
    for place in authored["counties"]:
        yield _government(place, f"x{place[4:]}.{prefecture(place)['host']}")
    for state in ("open", "suspended"):
        for kind, place, *given_name in authored[state]:
            unit = body(kind, region(place)["code"])
            name = given_name[0] if given_name else f"{unit['name']}网站"
            host = f"{authored['labels'][kind]}.{prefecture(place)['host']}.gov.example"
            yield _site(name, host, unit["name"], place, state=state, unit_code=unit["code"])
    for name, host, department, place, kind in authored["closed"]:
        known = {"kind": kind, "state": "closed"}
        unit = name[:-2]
        if department:
            owner = body(department, region(place)["code"])
            unit, known["unit_code"] = owner["name"], owner["code"]
        yield _site(name, f"{host}.gov.example", unit, place, **known)


def _government(place: str, host: str) -> Row:
    name = region(place)["name"]
    unit = f"{name}人民政府办公室"
    return _site(f"{name}人民政府门户网站", f"www.{host}.gov.example", unit, place, kind="portal")


def _site(name: str, domain: str, unit: str, place: str, **known: str) -> Row:
    site = {"state": "open", "kind": "department"} | known
    moved = f"https://{_PORTAL}/{_column(domain.removesuffix('.gov.example'))}"
    return {
        "name": name,
        "domain": domain,
        "homepage": moved if site["state"] == "closed" else f"https://{domain}",
        "unit": unit,
        "region_code": region(place)["code"],
        **site,
    }


def _column(host: str) -> str:
    """Name the portal's column that took over a site: `swj.qj` lives on under `qj/swj`."""
    return "/".join(reversed(host.split(".")))
