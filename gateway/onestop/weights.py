"""What counts how much: the table of data/ranking.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Weights:
    """Scores, by what of a question a card says. Steps lie so far apart that words do not mix them.

    Args:
        code: an identifier; name: the official name; alias: an everyday name; spotted: a name that
            stands in the question, by the share that it is of it; prefix: a name begins so;
            phrase: the official name says it in one piece; said: all the words.
        first: what one does first (新办, 设立), where the question names no later step (later).
        synonym, pinyin: factors for words that mean or sound the same.
        own_region, inside, ancestor, nowhere: by where a thing is; an ancestor's is divided by the
            steps up to it.
        levels: of the level that decides, added to a factor of 1; use: of one class of use, the
            highest less than a level; freshness: of a hundred years, those since 2000 less than a
            class of use.
    """

    code: float
    name: float
    alias: float
    spotted: float
    prefix: float
    phrase: float
    said: float
    first: float
    synonym: float
    pinyin: float
    own_region: float
    inside: float
    ancestor: float
    nowhere: float
    levels: dict[str, float]
    use: float
    freshness: float
    later: list[str]


WEIGHTS = Weights(**json.loads(files("gateway.onestop.data").joinpath("ranking.json").read_bytes()))
