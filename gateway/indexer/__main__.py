"""`python -m gateway.indexer`: the indexer as a process."""

import asyncio
import signal
import sys

from gateway.indexer.service import Indexer
from services.common import telemetry
from services.common.settings import SettingMissing, Settings


async def _run(settings: Settings) -> None:
    indexer = Indexer(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, indexer.stop)
    await indexer.run()


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    telemetry.configure("indexer")
    try:
        asyncio.run(_run(Settings.from_env()))
    except SettingMissing as missing:
        sys.exit(f"缺少设置：{missing}")


if __name__ == "__main__":
    main()
