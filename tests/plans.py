"""What MongoDB does for each command that goes to it: no collection is read whole.

`Plans` hears every command of every client of the process while it is on, and explains one of each
kind against the data as they are then.
"""

from __future__ import annotations

from pymongo import monitoring

READS = ("find", "aggregate", "count", "distinct", "findAndModify")
WRITES = {"update": "updates", "delete": "deletes"}
TOLD = {
    "find": {"find", "filter", "sort", "limit", "skip", "projection", "hint"},
    "aggregate": {"aggregate", "pipeline", "hint"},
    "count": {"count", "query", "limit", "skip", "hint"},
    "distinct": {"distinct", "key", "query"},
    "findAndModify": {"findAndModify", "query", "sort", "update", "remove", "fields"},
}
SLACK = 25
"""Keys and documents that a plan may look at beside those it gives: its last look beyond the end,
and rows that a filter beside the index leaves out of a small set. A test that needs more says so
with the mark `looks_at`."""
TIMES = 2
"""How many keys and documents it may look at for each that it gives."""


class Plans(monitoring.CommandListener):
    """The commands heard, one of each kind and shape."""

    def __init__(self):
        self._on = False
        self._heard = {}

    def __enter__(self):
        self._on, self._heard = True, {}
        return self

    def __exit__(self, *_):
        self._on = False

    def started(self, event):
        if not self._on or event.database_name in ("admin", "config", "local"):
            return
        for command in commands_of(event.command_name, event.command):
            key = (event.database_name, shape(command))
            self._heard.setdefault(key, command)

    def succeeded(self, event): ...

    def failed(self, event): ...

    def faults(self, client, allowed=0):
        """What is wrong with the plans; `allowed` more may be looked at than usual."""
        self._on = False
        found = []
        for (database, _), command in self._heard.items():
            told = client[database].command("explain", command, verbosity="executionStats")
            found += [f"{fault}: {command}" for fault in faults_of(told, allowed)]
        return found

    def count(self):
        """How many kinds of command were heard."""
        return len(self._heard)


HEARD = Plans()
monitoring.register(HEARD)


def commands_of(name, command):
    """The parts of a command that can be explained alone."""
    if name in READS:
        told = {"cursor": {}} if name == "aggregate" else {}
        # The name comes first in a command.
        first = {name: command[name]}
        yield first | {key: command[key] for key in TOLD[name] & command.keys()} | told
    elif name in WRITES:
        for part in command[WRITES[name]]:
            yield {name: command[name], WRITES[name]: [part]}


def shape(value):
    """A command without its values."""
    if isinstance(value, dict):
        return tuple((key, shape(part)) for key, part in sorted(value.items()))
    if isinstance(value, list | tuple):
        return tuple(dict.fromkeys(shape(part) for part in value))
    return value if isinstance(value, str) and value.startswith("$") else type(value).__name__


def faults_of(told, allowed=0):
    """What an explanation tells of too much work."""
    for stage in stages_of(told):
        if stage["stage"] == "COLLSCAN":
            yield "COLLSCAN"
        if stage["stage"] == "SORT" and not stage.get("limitAmount"):
            yield "SORT in memory"
    for stats in every(told, "totalDocsExamined"):
        if int(stats.get("collectionScans", 0)):
            yield "COLLSCAN of what is joined"
        most = TIMES * stats["nReturned"] * most_joined(stats) + SLACK + allowed
        changed = most_changed(stats)
        for name in ("totalDocsExamined", "totalKeysExamined"):
            if stats[name] > most + TIMES * changed:
                yield f"{name} {stats[name]} for {stats['nReturned']}"


def most_joined(stats):
    """How many documents a $lookup joins to each at most; 1 for all else."""
    steps = stats.get("$lookup", {}).get("pipeline", [])
    return next((step["$limit"] for step in steps if "$limit" in step), 1)


def most_changed(stats):
    """How many documents an update or a removal is for."""
    names = ("nMatched", "nWouldDelete", "nCounted")
    return max((stage.get(name, 0) for stage in every(stats, "stage") for name in names), default=0)


def stages_of(told):
    """The stages of the plans that won."""
    for planner in every(told, "winningPlan"):
        yield from every(planner["winningPlan"], "stage")


def every(value, name):
    """Every part of a document that has a field, at any depth; but for plans that lost."""
    if isinstance(value, dict):
        if name in value:
            yield value
        for key, part in value.items():
            if key not in ("rejectedPlans", "allPlansExecution", "command"):
                yield from every(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from every(part, name)
