"""Keeps a department's audit sealed: hashes what is not hashed yet, and signs heads of the tree.

It is behind where there is much to do, and never in anybody's way: changes and looks do not wait
for it. How far it is behind is told with every head, and by the gauges here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError

from services.common.audit import heads, sealing
from services.common.audit.tiles import TileMissing
from services.common.eventlog.tasks import whole
from services.common.telemetry import meter

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from pymongo.asynchronous.database import AsyncDatabase

    Document = dict[str, Any]

SEAL_EVERY = 1.0  # seconds; rows of this time share a transaction and a head
SIGN_WITHIN = 2.0  # seconds of a long backlog after which a head is signed all the same
LOOK_EVERY = 5.0  # seconds between looks at head and backlog while nothing comes
SLOWEST_RETRY = 5.0
LATE = 60.0  # seconds of age at which the log tells

logger = logging.getLogger(__name__)
_waiting = meter.create_gauge(
    "zhengtong.audit.unsealed", "{record}", "Records that are not in the tree yet"
)
_age = meter.create_gauge(
    "zhengtong.audit.unsealed.age", "s", "Age of the oldest record outside the tree"
)


async def keep_sealed(
    department: str, database: AsyncDatabase[Document], key: Ed25519PrivateKey | None
) -> None:
    """Work until cancelled; whatever fails is tried again.

    Args:
        key: what heads are signed with; without one the tree grows all the same.
    """
    if key is None:
        logger.warning("%s: no key to sign audit heads with; the tree grows unsigned", department)
    pause = SEAL_EVERY
    looked = -LOOK_EVERY
    while True:
        try:
            if await _seal_all(database) or time.monotonic() - looked > LOOK_EVERY:
                if key is not None:
                    await whole(heads.sign_newest(database, department, key, datetime.now(UTC)))
                await _tell(department, database)
                looked = time.monotonic()
            pause = SEAL_EVERY
        except sealing.TreeRaced:
            continue
        except (PyMongoError, TileMissing, OSError) as error:
            logger.warning("%s: sealing waits: %s", department, error)
            pause = min(pause * 2, SLOWEST_RETRY)
            with contextlib.suppress(PyMongoError, OSError):
                await _tell(department, database)
        await asyncio.sleep(pause)


async def _seal_all(database: AsyncDatabase[Document]) -> bool:
    """Seal until little is left, or long enough for a head to be signed in between.

    Returns: whether there was anything.
    """
    began = time.monotonic()
    anything = False
    while sealed := await whole(sealing.seal(database)):
        anything = True
        if sealed < sealing.BATCH or time.monotonic() - began > SIGN_WITHIN:
            break
    return anything


async def _tell(department: str, database: AsyncDatabase[Document]) -> None:
    waiting = await whole(sealing.backlog(database))
    age = (datetime.now(UTC) - waiting.oldest).total_seconds() if waiting.oldest else 0.0
    _waiting.set(waiting.count, {"department": department})
    _age.set(max(age, 0.0), {"department": department})
    if age > LATE:
        logger.warning(
            "%s: %d audit records wait to be hashed, the oldest for %.0f s",
            department,
            waiting.count,
            age,
        )
