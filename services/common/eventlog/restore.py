"""After a restore: `python -m services.common.eventlog.restore DEPARTMENT` begins a new epoch.

Run it while the department is stopped. Every copy of its data is then made anew.
"""

import sys
from typing import Any

from pymongo import MongoClient

from services.common.eventlog.log import begin_epoch
from services.common.settings import DEPARTMENTS, Settings


def main(arguments: list[str]) -> int:
    """Begin a new epoch in the department's log; the exit code."""
    if len(arguments) != 1 or arguments[0] not in DEPARTMENTS:
        names = "|".join(DEPARTMENTS)
        sys.stderr.write(f"用法：python -m services.common.eventlog.restore {names}\n")
        return 2
    settings = Settings.from_env()
    settings.need("mongodb_uri")
    uri = settings.mongodb_of(arguments[0])
    with MongoClient[dict[str, Any]](uri, w="majority", journal=True) as client:
        epoch = begin_epoch(client[f"zt_{arguments[0]}"])
    sys.stdout.write(f"{arguments[0]}：新纪元 {epoch}，各副本将重新建立。\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
