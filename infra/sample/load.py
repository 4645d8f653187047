"""Load the sample through the platform's own importers: `python -m infra.sample.load`.

Safe to repeat. Exit codes are those of `zhengtong import`.
"""

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from gateway.cli.imports import import_files
from infra.sample.demo_accounts import make_demo_accounts
from infra.sample.outages import outages
from infra.sample.places import FOLDER
from infra.sample.publish import publish_guidance
from infra.sample.write_credit import write_credit

ENTERPRISES, PERMITS, PENALTIES = 300, 600, 60


def load() -> int:
    """Import everything; the number of rows and calls refused, which should be none."""
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        notices = list(outages(datetime.now(UTC)))
        (made / "outages.json").write_text(json.dumps(notices, ensure_ascii=False))
        write_credit(made, (ENTERPRISES, PERMITS, PENALTIES))
        for target, paths in (
            ("items", [FOLDER / "items.json"]),
            ("utilities", [FOLDER / "institutions.json", made / "outages.json"]),
            ("websites", [FOLDER / "sites.json", FOLDER / "mappings.csv"]),
            (
                "credit",
                [made / name for name in ("enterprises.json", "permits.csv", "penalties.csv")],
            ),
        ):
            outcome = import_files(target, paths)
            refused += outcome.counts["rejected"]
            for one in outcome.rejections:
                sys.stderr.write(f"{one['file']} {one['row']} {one['field']}: {one['reason']}\n")
    refused += publish_guidance()
    make_demo_accounts()
    return refused


if __name__ == "__main__":
    sys.exit(1 if load() else 0)
