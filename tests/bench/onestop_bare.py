"""The same search with nothing around it: a bare ASGI application on the gateway's server.

For each request it reads `q`, cuts it with rjieba, searches and writes ten hits as they are
stored. The query itself is the gateway's own, made once for each text and kept: how it is made
is not measured here, only that the index answers it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import rjieba
from tantivy import Query

from gateway.onestop import directory, ranking
from gateway.onestop.lexicon import Lexicographer
from gateway.onestop.question import Interpreter
from gateway.onestop.regions import Regions
from gateway.onestop.schema import stored_bytes
from gateway.onestop.search import PLENTY, known_by
from gateway.onestop.wanted import Wanted, asked_for
from gateway.server import serve

HITS = 10
HEADERS = [(b"content-type", b"application/json")]


class Bare:
    """`GET /?q=…`."""

    def __init__(self, index: Path) -> None:
        self._searcher = directory.open_index(index).searcher()
        self._known = known_by(self._searcher)
        self._names = Lexicographer()
        self._names.renew(self._searcher, 0)
        synonyms, lexicon = self._names.synonyms, self._names.lexicon
        self._interpreter = Interpreter(Regions(), synonyms, lexicon)
        self._queries: dict[tuple[str, ...], Query] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for told in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{told}.complete"})
            return
        typed = parse_qs(scope["query_string"].decode())["q"][0]
        words = tuple(rjieba.cut(typed))
        query = self._queries.get(words) or self._expanded(typed, words)
        found = self._searcher.search(query, HITS, count=False, weight_by_field="weight")
        hits = [stored_bytes(self._searcher.doc(address), "hit") for _, address in found.hits]
        body = b'{"hits":[%s]}' % b",".join(hits)
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, length]})
        await send({"type": "http.response.body", "body": body})

    def _expanded(self, typed: str, words: tuple[str, ...]) -> Query:
        question = self._interpreter.understand(typed)
        wanted = Wanted("", "", HITS, 0, time.time_ns() // 1000)
        said = ranking.of_both(lambda part: ranking.by_words(question, self._known, part))
        names = self._names.lexicon.names
        plenty = names.say_all(question.alternatives[0], PLENTY)
        near = None if plenty else ranking.near(question, names, self._names.synonyms.generic)
        meant = ranking.either(said, near) or Query.empty_query()
        found = asked_for(meant, question, wanted)
        self._queries[words] = ranking.ranked(found, ranking.lifting(question))
        return self._queries[words]


if __name__ == "__main__":
    serve(lambda: Bare(Path(sys.argv[1])), "127.0.0.1", int(sys.argv[2]))
