"""An indexer process of its own over departments in memory, for tests."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import orjson

from gateway.indexer.writer import read_positions, read_subjects
from gateway.onestop import directory
from infra.local.keys import make_pair
from services.common.settings import Settings
from tests.integration.log_server import DepartmentLog

PATIENCE = 30.0  # seconds for a condition to come about


class Platform:
    """Departments' logs, keys, and an indexer that can be killed."""

    def __init__(self, root, *names):
        self.root = root
        self.logs = {name: DepartmentLog(name) for name in names}
        keys = root / "keys"
        keys.mkdir(mode=0o700)
        for principal in ("indexer", "cli", "gateway"):
            make_pair(keys, principal)
        addresses = ",".join(f"{name}={log.address}" for name, log in self.logs.items())
        self.env = {
            "ZHENGTONG_GRPC_ADDRESSES": addresses,
            "ZHENGTONG_KEYS_DIR": str(keys),
            "ZHENGTONG_INDEX_DIR": str(root / "index"),
        }
        self.settings = Settings.from_env(self.env)
        self.process = None
        self._started = []

    def start(self):
        with (self.root / "indexer.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway.indexer"], env=os.environ | self.env, stderr=log
            )
        self._started.append(self.process)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ask it to end; returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(PATIENCE)

    def close(self):
        for process in self._started:
            process.kill()
            process.wait()
        for log in self.logs.values():
            log.stop()

    def said(self):
        """What the indexer has written into its log."""
        return (self.root / "indexer.log").read_text()

    def shown(self, name):
        """What the index in use shows of a department: {subject: title}."""
        used = directory.current(self.settings.index_dir)
        if used is None:
            return {}
        try:
            searcher = directory.open_index(used).searcher()
            return {
                stored.change.subject: stored.change.card.title
                for stored in read_subjects(searcher, name)
                if stored.change.card
            }
        except (ValueError, OSError):
            return {}  # just being replaced

    def status(self):
        """The departments as the status file has them."""
        try:
            rows = orjson.loads((self.settings.index_dir / "status.json").read_bytes())["sources"]
        except FileNotFoundError:
            return {}
        return {row["department"]: row for row in rows}

    def whole(self):
        """Whether the index in use has all there was of every department, were it nothing."""
        positions = read_positions(
            directory.open_index(directory.current(self.settings.index_dir)).searcher()
        )
        known = {one.source for one in positions if not one.filling}
        return known == self.logs.keys()

    def agrees(self):
        return all(self.shown(name) == log.shown() for name, log in self.logs.items())

    async def until(self, condition, seconds=PATIENCE):
        """Wait until a condition holds."""
        deadline = time.monotonic() + seconds
        while not await asyncio.to_thread(condition):
            assert time.monotonic() < deadline, "it did not come about\n" + self.said()[-4000:]
            await asyncio.sleep(0.02)
