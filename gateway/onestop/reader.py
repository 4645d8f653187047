"""The index as a query sees it: always the last commit of the directory in use."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from gateway.onestop import directory

if TYPE_CHECKING:
    from pathlib import Path

    import tantivy

logger = logging.getLogger(__name__)

AGAIN_AFTER = 1.0  # seconds, where a commit could not be read


class Reader:
    """Looks at a counter in shared memory at each query and goes on when it has moved."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._signals = directory.Signals(root)
        self._generation = -1
        self._directory: Path | None = None
        self._index: tantivy.Index | None = None
        self._searcher: tantivy.Searcher | None = None
        self._again_at = 0.0

    @property
    def generation(self) -> int:
        """Rises with every commit that this reader has seen."""
        return self._generation

    def status_moved(self) -> int:
        """The counter that rises with every new status file."""
        return self._signals.read()[1]

    def searcher(self) -> tantivy.Searcher | None:
        """The index as of its last commit; None: there is no index yet."""
        generation = self._signals.read()[0]
        if self._is_due(generation) and self._goes_on():
            self._generation = generation
        return self._searcher

    def _is_due(self, generation: int) -> bool:
        """Whether to look at the index: it has moved, or could not be read a while ago."""
        if generation == self._generation and self._searcher is not None:
            return False
        return self._searcher is None or time.monotonic() >= self._again_at

    def remap(self) -> None:
        """Map the counters anew; for when the whole folder may have been replaced."""
        try:
            signals = directory.Signals(self._root)
        except OSError as error:
            logger.warning("the counters of %s cannot be mapped now: %s", self._root, error)
            return
        self._signals.close()
        self._signals = signals
        self._generation = -1

    def close(self) -> None:
        """Let memory and files go."""
        self._searcher = None
        self._index = None
        self._signals.close()

    def _goes_on(self) -> bool:
        """Read the last commit; whether that went well."""
        used = directory.current(self._root)
        try:
            if used != self._directory or self._index is None:
                self._index = directory.open_index(used) if used else None
                self._directory = used
            elif used:
                self._index.reload()
            self._searcher = self._index.searcher() if self._index else None
        except (ValueError, OSError) as error:
            # What was open before still answers: its files live on until nobody maps them.
            logger.warning("the index %s cannot be read now: %s", used, error)
            self._index = None
            self._again_at = time.monotonic() + AGAIN_AFTER
            return False
        return True
