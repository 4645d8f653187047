"""Outage notices that are current whenever the sample is loaded.

`outages.json` holds times as hours from the moment of loading, so that a first start always has
outages that are announced, going on and over.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

from infra.sample.places import FOLDER, Row, read

_CHINA = timezone(timedelta(hours=8))


def outages(now: datetime, path: Path = FOLDER / "outages.json") -> Iterator[Row]:
    """Read the notices with their times in ISO 8601 (+08:00), counted from the hour of `now`.

    Args:
        now: an aware datetime.
    """
    hour = now.astimezone(_CHINA).replace(minute=0, second=0, microsecond=0)
    for template in read(str(path)):
        notice = dict(template)
        times = {
            f"{name}_time": hour + timedelta(hours=notice.pop(f"{name}_offset_hours"))
            for name in ("start", "expected_restore", "publish")
        }
        yield notice | {name: time.isoformat() for name, time in times.items()} | _state(times, now)


def _state(times: dict[str, datetime], now: datetime) -> Row:
    """Say where the outage stands: 预告, 进行中, 已恢复."""
    if now < times["start_time"]:
        return {"state": "announced"}
    return {"state": "ongoing" if now < times["expected_restore_time"] else "restored"}
