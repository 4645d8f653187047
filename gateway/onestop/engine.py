"""The one-stop query: one question, the answers of all departments."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from gateway.limits import client_address
from gateway.onestop import live
from gateway.onestop.answers import Answer
from gateway.onestop.asked import unknown_kind
from gateway.onestop.editing import effects, ungrouped
from gateway.onestop.endpoint import respond, respond_suggestions
from gateway.onestop.explain import Explained, explained
from gateway.onestop.finding import Finder
from gateway.onestop.found import Found, Group
from gateway.onestop.lexicon import Lexicographer
from gateway.onestop.reader import Reader
from gateway.onestop.regions import Regions
from gateway.onestop.remembered import Memory
from gateway.onestop.search import ITEM, KNOWN_KINDS, Search
from gateway.onestop.sources import OK, UNAVAILABLE, Source, Sources
from gateway.onestop.suggest import suggestions, written
from services.common.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Receive, Scope, Send

    from gateway.onestop.asked import Asked
    from gateway.onestop.editing import Effect, Ungrouped
    from gateway.onestop.gaps import Gaps
    from gateway.onestop.live import Calls
    from gateway.onestop.question import Question
    from gateway.onestop.regions import Region
    from gateway.onestop.synonyms import Synonyms
    from gateway.onestop.uses import Uses
    from services.common.settings import Settings

logger = logging.getLogger(__name__)

FOLLOW_EVERY = 1.0  # seconds
REMAP_EVERY = 1.0  # seconds between looks whether the whole folder was replaced


class IndexNotReady(Unavailable):
    """There is no index yet; the indexer is making it."""

    reason = "INDEX_NOT_READY"


class OneStop:
    """Answers queries from the index beside this process, and live what must be fresh.

    Args:
        gaps: what nothing was found for is noted there, without who asked.
        uses: openings of what was found are noted there, without who opened it.
    """

    def __init__(
        self,
        settings: Settings,
        calls: Calls,
        gaps: Gaps | None = None,
        uses: Uses | None = None,
    ) -> None:
        self._reader = Reader(settings.index_dir)
        self._sources = Sources(settings.index_dir, settings.public_departments())
        self._calls = calls
        self._gaps = gaps
        self._uses = uses
        self.regions = Regions()
        self._names = Lexicographer()
        self._finder = self._finder_by(self._names.synonyms)
        self._renewing: asyncio.Task[None] | None = None
        self._remapped_at = 0.0
        self._search: Search | None = None
        self._memory: Memory | None = None

    @classmethod
    def open(
        cls,
        settings: Settings,
        calls: Calls,
        gaps: Gaps | None = None,
        uses: Uses | None = None,
    ) -> OneStop:
        """Ready to answer as soon as there is an index; nothing need be there yet."""
        return cls(settings, calls, gaps, uses)

    async def close(self) -> None:
        """Let the index go."""
        self._reader.close()

    async def follow(self) -> None:
        """Read names and synonyms anew as the index moves, also while nobody asks; until cancelled.

        Without it who asks first after a quiet hour would be answered by the table of before. The
        first question of all reads them itself: before it the index may be half filled.
        """
        while True:
            try:
                if self._names.ready:
                    await self._latest_named()
            except IndexNotReady:
                pass  # the indexer is making it
            except Exception:  # whatever it was, it is looked at again
                logger.exception("the index could not be looked at")
            await asyncio.sleep(FOLLOW_EVERY)

    def ready(self) -> tuple[bool, str]:
        """Whether the index can be searched and is being kept up to date, and what to say of it."""
        now = _now()
        sources = self._sources_at(now)
        if self._reader.searcher() is None:
            return False, "一站式查询的索引尚未建立。"
        if not self._sources.fresh(now):
            return False, "索引进程没有在更新索引。"
        filling = [source.department for source in sources if source.as_of is None]
        if filling:
            return False, f"索引尚未读完：{'、'.join(filling)}。"
        return True, "正常"

    async def endpoint(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`GET /api/v1/query`, as an ASGI application."""
        del receive
        await respond(partial(self.answer, asker=client_address(scope)), scope, send)

    async def suggest_endpoint(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`GET /api/v1/suggest`, as an ASGI application."""
        del receive
        await respond_suggestions(self.suggest, scope, send)

    async def suggest(self, typed: str) -> bytes:
        """What may be meant by a beginning, as JSON.

        Raises:
            IndexNotReady: there is nothing to search in yet.
        """
        search = await self._latest_named()
        question = self._latest_finder().understand(typed)
        names = self._names.lexicon
        return written(typed, suggestions(question, names, search, _now()))

    async def answer(self, asked: Asked, asker: str = "") -> Answer:
        """Answer one query.

        Args:
            asker: the address it came from, so that who asks again counts once among the gaps;
                empty: nothing is noted.

        Raises:
            IndexNotReady: there is nothing to search in yet.
            QueryInvalid: there is no such group.
        """
        began = time.perf_counter()
        now = _now()
        search = await self._latest_named()
        if asked.kind and asked.kind not in (*KNOWN_KINDS, *search.kinds):
            raise unknown_kind()
        known = self._memory_of(search).find(asked, now)
        credit = self._ask_live(asked, known.question)
        found = known.found
        answer = Answer(
            asked=asked,
            question=found.question,
            groups=found.groups,
            sources=self._sources_at(now),
            now=now,
            corrected=found.corrected,
            hint="".join(filter(None, (known.question.hint, found.note))) or None,
            suggestions=found.suggestions,
            elsewhere=known.elsewhere,
        )
        if credit:
            _put_first(answer, await credit)
        if asker and self._is_gap(answer, found):
            self._note(asked, found.without or answer.question.region, asker)
        if asked.kind and not answer.groups:
            answer.groups = [Group(asked.kind, 0, [])]
        answer.took = time.perf_counter() - began
        return answer

    async def explain(self, asked: Asked) -> tuple[Answer, list[Explained]]:
        """An answer, and why each of its hits stands where it stands; for those who keep items.

        Raises:
            IndexNotReady, QueryInvalid: as `answer`.
        """
        answer = await self.answer(asked)
        search = await self._latest_named()
        region = answer.question.region.code if answer.question.region else asked.region
        return answer, explained(answer.groups, answer.question, region, search)

    async def preview(self, name: str, words: Sequence[str]) -> list[Effect]:
        """What an edit of a group of synonyms would change, word by word; nothing is kept or noted.

        Rule I-33: with the same index, once by the table as it is and once as it would be.

        Args:
            name: of the group.
            words: as edited; none: the group is taken away.

        Raises:
            IndexNotReady: there is nothing to search in yet.
        """
        search = await self._latest_named()
        before = self._latest_finder()
        after = self._finder_by(before.synonyms.with_edit(name, words))
        all_of_them = dict.fromkeys([*words, *before.synonyms.groups.get(name, ())])
        return await asyncio.to_thread(effects, all_of_them, before, after, search, _now())

    async def ungrouped(self) -> list[Ungrouped]:
        """Everyday names of items that no group of synonyms has, the most used first.

        Raises:
            IndexNotReady: there is nothing to search in yet.
        """
        search, names = await self._latest_named(), self._names
        known = names.lexicon, names.synonyms, search.searcher, names.uses
        return await asyncio.to_thread(ungrouped, *known)

    def opened(self, item_id: str, asker: str) -> None:
        """Hear that an item's guide was opened: among equals what is used more comes first.

        Args:
            asker: the address it was opened from, which counts once an hour.
        """
        if self._uses is not None:
            self._uses.note(item_id, asker)

    def _is_gap(self, answer: Answer, found: Found) -> bool:
        """Whether the catalogue lacks what was asked for: an outage is no gap, nor is a filter.

        Nor is what a region does not have and no catalogue keeps: that no water is cut off there.
        """
        asked = answer.asked
        plain = not (asked.kind or asked.offset) and answer.question.type == "text"
        lacking = found.without is not None and answer.question.kind in (None, ITEM)
        missing = lacking or not answer.groups
        return plain and missing and all(s.status == OK for s in answer.sources)

    def _note(self, asked: Asked, region: Region | None, asker: str) -> None:
        if self._gaps is not None:
            self._gaps.note(asked.text, region.code if region else asked.region, asker)

    async def _latest_named(self) -> Search:
        search = self._latest()
        if search is None:
            raise IndexNotReady("一站式查询正在准备数据，请稍后再试。")
        if self._names.stale(self._reader.generation, search.searcher.num_docs):
            await self._renew_names(search)
            search = self._latest() or search
        return search

    async def _renew_names(self, search: Search) -> None:
        """Read the names of the index, once at a time; only the first answers wait for it."""
        if self._renewing is None or self._renewing.done():
            generation = self._reader.generation
            reading = asyncio.to_thread(self._names.renew, search.searcher, generation)
            self._renewing = asyncio.create_task(reading)
            self._renewing.add_done_callback(_say_failure)
        if not self._names.ready:
            await asyncio.shield(self._renewing)

    def _latest_finder(self) -> Finder:
        """By the table of synonyms as it was read last; a question goes by one table only."""
        if self._finder.synonyms is not self._names.synonyms:
            self._finder = self._finder_by(self._names.synonyms)
        return self._finder

    def _memory_of(self, search: Search) -> Memory:
        """What was asked of this commit by the tables of now."""
        of = self._latest_finder(), search
        if self._memory is None or self._memory.of != of:
            self._memory = Memory(*of)
        return self._memory

    def _finder_by(self, synonyms: Synonyms) -> Finder:
        return Finder(self.regions, synonyms, self._names.lexicon)

    def _latest(self) -> Search | None:
        """The index as of its last commit; None: there is no index yet."""
        searcher = self._reader.searcher()
        if searcher is None:
            return None
        names, uses, latest = self._names.lexicon.names, self._names.uses, self._search
        if latest is None or latest.searcher is not searcher or not latest.reads(names, uses):
            latest = Search(searcher, self._names.synonyms.generic, names, uses)
        self._search = latest
        return latest

    def _ask_live(self, asked: Asked, question: Question) -> asyncio.Task[live.Credit] | None:
        if not question.subject_code or asked.offset or asked.kind not in ("", "credit"):
            return None
        return asyncio.create_task(live.credit_of(self._calls, question.subject_code))

    def _sources_at(self, now: int) -> list[Source]:
        sources = self._sources.at(now, self._reader.status_moved())
        if self._sources.fresh(now) or time.monotonic() - self._remapped_at <= REMAP_EVERY:
            return sources
        self._reader.remap()
        self._remapped_at = time.monotonic()
        return self._sources.at(now, self._reader.status_moved())


def _say_failure(renewing: asyncio.Task[None]) -> None:
    """Log why names could not be read; those of before go on answering, and it is tried again."""
    if not renewing.cancelled() and (error := renewing.exception()):
        logger.error("the names in the index could not be read", exc_info=error)


def _put_first(answer: Answer, credit: live.Credit) -> None:
    """The live answer before all others, or word that there is none."""
    if not credit.answered:
        answer.sources = [_unreached(source, answer.now) for source in answer.sources]
        return
    others = [group for group in answer.groups if group.kind != "credit"]
    if credit.hit:
        answer.groups = [Group("credit", 1, [credit.hit]), *others]
    else:
        answer.groups = others
        answer.hint = "没有查到该统一社会信用代码的公开信用信息。"


def _unreached(source: Source, now: int) -> Source:
    if source.department != live.DEPARTMENT or source.status == UNAVAILABLE:
        return source
    return replace(source, status=UNAVAILABLE, since=now)


def _now() -> int:
    return time.time_ns() // 1000
