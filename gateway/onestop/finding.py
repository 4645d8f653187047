"""From a question to what it finds: by the words, without the region, with a slip put right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.onestop.found import Found
from gateway.onestop.question import Interpreter
from gateway.onestop.search import Search
from gateway.onestop.wanted import Wanted
from services.common.identifiers import is_within

if TYPE_CHECKING:
    from gateway.onestop.asked import Asked
    from gateway.onestop.lexicon import Lexicon
    from gateway.onestop.question import Question
    from gateway.onestop.regions import Regions
    from gateway.onestop.synonyms import Synonyms

MOST_SUGGESTIONS = 5
_ENOUGH_KNOWN = 0.6


class Finder:
    """Understands and finds by one table of synonyms, the same from beginning to end."""

    def __init__(self, regions: Regions, synonyms: Synonyms, lexicon: Lexicon) -> None:
        self.synonyms = synonyms
        self._regions = regions
        self._lexicon = lexicon
        self._interpreter = Interpreter(regions, synonyms, lexicon)

    def understand(self, typed: str) -> Question:
        """The question in a text."""
        return self._interpreter.understand(typed)

    def question_of(self, asked: Asked) -> Question:
        """The question; a region in the text that contradicts the one asked for is only a word."""
        question = self._interpreter.understand(asked.text)
        if not asked.region or not question.region:
            return question
        if is_within(question.region.code, asked.region):
            return question
        if is_within(asked.region, question.region.code):
            return replace(question, region=None)
        chosen = self._regions.name_of(asked.region)
        told = f"已选地区是{chosen}，不在{question.region.name}：要查后者请先取消所选地区。"
        other = self._interpreter.understand(asked.text, find_region=False)
        return replace(other, hint=other.hint or told)

    def find(self, search: Search, question: Question, asked: Asked, now: int) -> Found:
        """What a question finds, in the order in which it is shown.

        Args:
            question: as `question_of` has it.
            now: microseconds since 1970.
        """
        found = self._find(search, question, asked, now)
        if question.kind and not asked.kind:
            # What the words point to comes first (停水: 便民), the others as always.
            found.groups.sort(key=lambda group: group.kind != found.question.kind)
        return found

    def _find(self, search: Search, question: Question, asked: Asked, now: int) -> Found:
        region = question.region.code if question.region else asked.region
        narrower = tuple(self._regions.inside(region)) if asked.kind else ()
        wanted = replace(Wanted.of(asked, now), narrower=narrower)
        if asked.family:
            return Found(question, search.members(wanted))
        if self._is_doubtful(question) and not search.says_all(question, wanted):
            corrected = self._find_corrected(search, question, wanted)
            if corrected.corrected:
                return corrected
        groups = search.find(question, wanted)
        if groups or (asked.kind and search.finds(question, replace(wanted, kind=""))):
            return Found(question, groups)
        if question.region and (found := self._find_elsewhere(search, question, wanted)):
            return found
        if question.type == "text":
            return self._find_corrected(search, question, wanted)
        return Found(question)

    def _find_elsewhere(self, search: Search, question: Question, wanted: Wanted) -> Found | None:
        """What is found without the region in the text; None: nothing is.

        The region may be part of a name, and what is asked for may be in other regions only.
        """
        other = self._interpreter.understand(question.typed, find_region=False)
        if search.says_all(other, wanted) and (groups := search.find(other, wanted)):
            return Found(other, groups)
        if question.everything:
            return None
        other = replace(question, region=None)
        groups = search.find(other, wanted)
        return Found(other, groups, without=question.region) if groups else None

    def _is_doubtful(self, question: Question) -> bool:
        """Whether little of the text is a name that the index knows, and no name says it."""
        known = sum(len(name) for name, _ in question.spotted)
        if question.type != "text" or known >= _ENOUGH_KNOWN * len(question.exact):
            return False
        if question.exact.isascii():
            return False  # letters that stand for no name: there is nothing to put right
        return not self._lexicon.names.say(question.exact)

    def _find_corrected(self, search: Search, question: Question, wanted: Wanted) -> Found:
        meant = [
            other
            for text in self._lexicon.corrections(question.exact)
            if search.says_all(
                other := replace(
                    self._interpreter.understand(text, find_region=False), region=question.region
                ),
                replace(wanted, kind=""),
            )
        ]
        if meant:
            others = [other.typed for other in meant[1:]]
            found = Found(meant[0], search.find(meant[0], wanted), corrected=meant[0].typed)
            return replace(found, suggestions=[meant[0].typed, *others][:MOST_SUGGESTIONS])
        called = [
            name
            for name in question.called
            if search.finds(self._interpreter.understand(name), replace(wanted, kind=""))
        ]
        roughly = search.find_roughly(question, wanted, self.synonyms.acts)
        return Found(question, roughly, suggestions=called[:MOST_SUGGESTIONS], partly=True)
