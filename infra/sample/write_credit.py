"""Write synthetic enterprises and 双公示 rows into files that `zhengtong import credit` takes.

`python -m infra.sample.write_credit FOLDER --enterprises 1000 --permits 3000 --penalties 500`
"""

import argparse
import csv
import json
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from infra.sample.enterprises import Enterprises, penalties, permits
from infra.sample.places import Row


def write_credit(folder: Path, counts: tuple[int, int, int], seed: int = 0) -> None:
    """Write `enterprises.json`, `permits.csv` and `penalties.csv`, row by row.

    Args:
        counts: how many enterprises, permits and penalties.
    """
    folder.mkdir(parents=True, exist_ok=True)
    population = Enterprises(counts[0], seed)
    with (folder / "enterprises.json").open("w", encoding="utf-8") as file:
        before = "[\n"
        for row in population:
            file.write(before + json.dumps(row, ensure_ascii=False))
            before = ",\n"
        file.write("\n]\n" if counts[0] else "[]\n")
    _write_csv(folder / "permits.csv", permits(counts[1], seed, population))
    _write_csv(folder / "penalties.csv", penalties(counts[2], seed, population))


def _write_csv(path: Path, rows: Iterable[Row]) -> None:
    """Write rows under the column codes of the first, with the mark that spreadsheets need."""
    rows = iter(rows)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        first = next(rows, None)
        if first is None:
            return
        writer = csv.DictWriter(file, list(first))
        writer.writeheader()
        writer.writerows(chain([first], rows))


def _main() -> None:
    parser = argparse.ArgumentParser(description="写出合成的企业和双公示数据（均为示例）")
    parser.add_argument("folder", type=Path, help="写到哪个目录")
    parser.add_argument("--enterprises", type=int, default=1000, help="企业数")
    parser.add_argument("--permits", type=int, default=3000, help="行政许可条数")
    parser.add_argument("--penalties", type=int, default=500, help="行政处罚条数")
    parser.add_argument("--seed", type=int, default=0, help="同一种子写出同样的数据")
    given = parser.parse_args()
    write_credit(given.folder, (given.enterprises, given.permits, given.penalties), given.seed)


if __name__ == "__main__":
    _main()
