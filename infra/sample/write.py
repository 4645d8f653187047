"""Write the sample's files anew from what is authored: `python -m infra.sample.write`."""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path

from infra.sample.bodies import bodies
from infra.sample.guidance import basic_items, life_events, list_adjustments, questionnaires
from infra.sample.institutions import institutions, outage_templates
from infra.sample.items import items
from infra.sample.places import FOLDER, Row
from infra.sample.sites import mappings, sites


def files() -> dict[str, str]:
    """Make the text of every file of the sample that is not written by hand, by its name."""
    return {
        "departments.json": _json(bodies().values()),
        "items.json": _json(items()),
        "basic_items.json": _json(basic_items()),
        "life_events.json": _json(life_events()),
        "questionnaires.json": _json(questionnaires()),
        "list_adjustments.json": _json(list_adjustments()),
        "institutions.json": _json(institutions()),
        "outages.json": _json(outage_templates()),
        "sites.json": _json(sites()),
        "mappings.csv": _mappings_csv(),
    }


def write(folder: Path = FOLDER) -> None:
    """Write the files into a folder."""
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")


def _json(rows: Iterable[Row]) -> str:
    """Write one row per line, so that a changed row is one changed line."""
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"


def _mappings_csv() -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["Old Url", "New Url", "Status"])
    rows.writerows(mappings())
    return text.getvalue()


if __name__ == "__main__":
    write()
