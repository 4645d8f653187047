"""A small index for tests: cards in, answers out."""

import time

import orjson

from gateway.indexer import standing
from gateway.indexer.standing import Standing
from gateway.indexer.writer import IndexWriter, read_subjects
from gateway.onestop import OneStop, directory
from gateway.onestop.asked import Asked
from gateway.onestop.cards import Card, Change
from services.common.errors import Unavailable
from services.common.settings import Settings

AS_OF = "2026-11-22T00:00:00.000Z"


def now():
    return time.time_ns() // 1000


def card(title, **given):
    """A card that says little but its title."""
    texts = {"kind": "item", "summary": "", "department": "", "region_code": "", "url": "/items/x"}
    return Card(title=title, **(texts | given))


class Clock:
    """Seconds that rise when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class NoDepartment:
    """Stands for departments that do not answer."""

    async def call(self, *_, **__):
        raise Unavailable("部门暂时无法提供服务。")


class Shelf:
    """An index directory with a writer and a one-stop query over it."""

    def __init__(self, root, calls=None, departments=("catalogue", "credit")):
        self.root = root
        new = directory.create(root)
        directory.switch(root, new)
        self.signals = directory.Signals(root)
        self.writer = IndexWriter(new)
        self.departments = departments
        for name in departments:
            self.writer.begin_copy(name, "epoch", 0)
            self.writer.finish_copy(name)
        self.commit()
        addresses = ",".join(f"{name}=127.0.0.1:1" for name in departments)
        settings = Settings.from_env(
            {"ZHENGTONG_GRPC_ADDRESSES": addresses, "ZHENGTONG_INDEX_DIR": str(root)}
        )
        self.onestop = OneStop.open(settings, calls or NoDepartment())
        self._versions = {}

    def put(self, *cards, source="catalogue"):
        """Each card as a new subject; returns the subjects."""
        subjects = []
        for one in cards:
            subject = f"s{len(self._versions)}"
            self._versions[subject] = 1
            self.writer.apply(source, [Change(subject, 1, AS_OF, one)])
            subjects.append(subject)
        self.commit()
        return subjects

    def change(self, subject, one, source="catalogue"):
        self._versions[subject] += 1
        self.writer.apply(source, [Change(subject, self._versions[subject], AS_OF, one)])
        self.commit()

    def commit(self, at=None):
        self.writer.commit(at or now())
        self.signals.index_moved()

    def tell(self, *standings, at=None):
        """Write the status file, as the indexer does."""
        named = {one.department: one for one in standings}
        rows = [named.get(name, Standing(name, as_of=now())) for name in self.departments]
        standing.write(self.root, self.signals, rows, at or now())

    async def ask(self, text, **given):
        """The answer as the API gives it."""
        return orjson.loads((await self.onestop.answer(Asked(text, **given))).json())

    async def titles(self, text, **given):
        """The titles found, in order, all groups together."""
        answer = await self.ask(text, **given)
        return [hit["title"] for group in answer["groups"] for hit in group["hits"]]

    def held(self, source="catalogue"):
        """What the index holds: {subject: (version, title or None)}."""
        searcher = directory.open_index(directory.current(self.root)).searcher()
        return {
            stored.change.subject: (
                stored.change.version,
                stored.change.card.title if stored.change.card else None,
            )
            for stored in read_subjects(searcher, source)
        }
