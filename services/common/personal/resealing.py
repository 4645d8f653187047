"""Sealing anew, record by record, what an older key sealed; and renewing what numbers match by.

    python -m services.common.personal.resealing DATABASE COLLECTION FIELD[=MATCH_FIELD] …

The records are walked in the order of `_id` (all of one type), whose index is always there. Each
write asks for the old values, so it never undoes what others wrote meanwhile. Killed at any moment,
it is begun anew, or goes on after the last `_id` it told.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import ASCENDING, MongoClient, UpdateOne
from pymongo.collection import Collection

from services.common.personal.vault import NotOpened, Place, Vault
from services.common.settings import Settings

BATCH = 200
TOLD = 20  # ids of what could not be opened

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SealedField:
    """A field that holds sealed bytes, and the one beside it that its text is matched by, if any.

    Both are top-level; the `Place` is the collection's name, the field's name and `str(_id)`.
    """

    name: str
    match: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run has done.

    Args:
        records, values: looked at; records without the field hold no value.
        resealed: values written anew.
        missed: values that others wrote at the same moment: theirs stay, look again.
        unopened: values that no key opens; `unopened_ids` has the first of their records.
        after: the `_id` to go on after.
        finished: whether the end of the collection was reached.
    """

    records: int = 0
    values: int = 0
    resealed: int = 0
    missed: int = 0
    unopened: int = 0
    unopened_ids: tuple[Any, ...] = ()
    after: Any = None
    finished: bool = False

    @property
    def clean(self) -> bool:
        """Whether a whole run found nothing to write, miss or leave: no older key is needed."""
        return self.finished and not (self.resealed or self.missed or self.unopened)


def reseal(  # noqa: PLR0913  (bounds and resume point, each by name)
    collection: Collection[Document],
    fields: Sequence[SealedField],
    vault: Vault,
    *,
    after: Any = None,
    limit: int | None = None,
    batch: int = BATCH,
) -> Progress:
    """Seal anew what an older key sealed, in one walk.

    A walk that others write beside may leave some: an older process may still seal with its older
    key. An older key is not needed any more after a walk from the start that is `clean`.

    Args:
        after: the `after` of an earlier run; None begins at the start.
        limit: how many records to look at, at most; None for all.
        batch: how many records are held in memory and written at once.

    Raises:
        ValueError: `batch` is not positive.
    """
    if batch < 1:
        raise ValueError(f"a batch of {batch} records")
    progress = Progress(after=after)
    while not progress.finished and (limit is None or progress.records < limit):
        size = batch if limit is None else min(batch, limit - progress.records)
        progress = _one_batch(collection, fields, vault, progress, size)
    return progress


def _one_batch(
    collection: Collection[Document],
    fields: Sequence[SealedField],
    vault: Vault,
    progress: Progress,
    size: int,
) -> Progress:
    found = _records(collection, fields, progress.after, size)
    writes: list[UpdateOne] = []
    values, unopened = 0, []
    for record in found:
        for field in fields:
            if record.get(field.name) is None:
                continue
            values += 1
            try:
                writes += _renewed(collection.name, record, field, vault)
            except (NotOpened, ValueError):  # the latter: a number of blanks, to be matched by
                unopened.append(record["_id"])
    written = collection.bulk_write(writes, ordered=False).matched_count if writes else 0
    return Progress(
        records=progress.records + len(found),
        values=progress.values + values,
        resealed=progress.resealed + written,
        missed=progress.missed + len(writes) - written,
        unopened=progress.unopened + len(unopened),
        unopened_ids=(*progress.unopened_ids, *unopened)[:TOLD],
        after=found[-1]["_id"] if found else progress.after,
        finished=len(found) < size,
    )


def _records(
    collection: Collection[Document], fields: Sequence[SealedField], after: Any, size: int
) -> list[Document]:
    names = {name: 1 for field in fields for name in (field.name, field.match) if name}
    wanted: Document = {} if after is None else {"_id": {"$gt": after}}
    return list(collection.find(wanted, names).sort("_id", ASCENDING).limit(size))


def _renewed(
    collection: str, record: Document, field: SealedField, vault: Vault
) -> Iterator[UpdateOne]:
    """The write that makes this field new, if it is old; it asks for the values that were read."""
    place = Place(collection, field.name, str(record["_id"]))
    old = record[field.name]
    if not isinstance(old, bytes):
        raise NotOpened(f"no bytes in {collection}.{field.name}")
    text = vault.open(old, place=place)
    guard: Document = {"_id": record["_id"], field.name: old}
    change: Document = {}
    if vault.needs_resealing(old):
        change[field.name] = vault.seal(text, place=place)
    if field.match:
        guard[field.match] = record.get(field.match)
        if (match := vault.match(text)) != guard[field.match]:
            change[field.match] = match
    if change:
        yield UpdateOne(guard, {"$set": change})


def main(arguments: list[str]) -> int:
    """Walk one collection; the exit code: 0 done, 1 something is left, 2 misused."""
    if len(arguments) < 3 or any(part.startswith("=") for part in arguments):
        sys.stderr.write(
            "用法：python -m services.common.personal.resealing "
            "DATABASE COLLECTION FIELD[=MATCH_FIELD] …\n"
        )
        return 2
    database, name, *words = arguments
    settings = Settings.from_env()
    settings.need("mongodb_uri")
    vault = Vault.from_env()
    fields = [SealedField(*word.split("=", 1)) for word in words]
    uri = settings.mongodb_of(database.removeprefix("zt_"))
    with MongoClient[Document](uri, w="majority", journal=True) as client:
        done = reseal(client[database][name], fields, vault)
    sys.stdout.write(
        f"{database}.{name}：{done.records} 条记录，{done.values} 个密文，"
        f"重新加密 {done.resealed}，他人同时改动 {done.missed}，无法解密 {done.unopened}。\n"
    )
    if done.unopened_ids:
        sys.stdout.write(f"无法解密的记录：{'、'.join(map(str, done.unopened_ids))}\n")
    if not done.values:
        sys.stderr.write("没有找到密文：请核对库名、集合名和字段名。\n")
    return 0 if done.clean and done.values else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
