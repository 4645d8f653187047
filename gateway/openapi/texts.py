"""Chinese for what the contracts say in English, so that a page for people can be made of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from gateway.openapi.comments import comments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.descriptor import MethodDescriptor

_REFUSES = re.compile(r"\s*Refuses: (.+)$")
_REASON = re.compile(r"[A-Z][A-Z0-9_]+")
_NAMES_A_CALL = re.compile(r"(Input|Output) of \w+\.")
_ENGLISH = re.compile(r"[A-Za-z]{3}")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_IN_BRACKETS = re.compile("[(（]([\u4e00-\u9fff、／/]+)[)）]")
_CLAUSE_END = re.compile("[,，.。;；:：(（]| of | at | in ")
_MARKS = ((", ", "，"), (": ", "："), ("; ", "；"))
SERVER_WRITES = "only the server writes it"


@dataclass(frozen=True, slots=True)
class CallText:
    """What a call is for, and the reasons its contract says it refuses with."""

    title: str
    description: str
    reasons: tuple[str, ...]


@cache
def translations() -> Mapping[str, Mapping[str, str]]:
    """The tables: names of departments, titles of calls, Chinese by English comment."""
    texts: Mapping[str, Mapping[str, str]] = json.loads(
        (files("gateway.openapi") / "texts.json").read_text("utf-8")
    )
    return texts


def chinese(comment: str) -> str:
    """A comment of the contracts in Chinese; as it is where no translation is kept.

    Comments that are Chinese already get Chinese marks; those that only name a call say nothing.
    """
    if known := translations()["comments"].get(comment):
        return known
    if _NAMES_A_CALL.fullmatch(comment):
        return ""
    if _ENGLISH.search(comment):
        return comment
    for mark, wide in _MARKS:
        comment = comment.replace(mark, wide)
    return comment.removesuffix(".") + "。" if comment else ""


def describe(full_name: str) -> str:
    """What a message, field, enum or value means, in Chinese; empty without a comment."""
    return chinese(comments().get(full_name, ""))


def chinese_name(full_name: str) -> str:
    """What a field or value is called, in Chinese and in short; empty where nothing says it.

    The contracts name a thing in Chinese in brackets, or at the beginning of the comment.
    """
    comment = comments().get(full_name, "")
    if named := _IN_BRACKETS.search(comment):
        return named.group(1)
    name = _CLAUSE_END.split(comment if _CHINESE.match(comment) else chinese(comment))[0]
    return name.strip() if _CHINESE.match(name) else ""


def only_server_writes(full_name: str) -> bool:
    """Whether the contract says that callers need not send the field."""
    return SERVER_WRITES in comments().get(full_name, "").lower()


def describe_call(method: MethodDescriptor) -> CallText:
    """The texts of one call."""
    comment = comments().get(method.full_name, "")
    refuses = _REFUSES.search(comment)
    short = f"{method.containing_service.name}.{method.name}"
    return CallText(
        title=translations()["calls"].get(short, method.name),
        description=chinese(_REFUSES.sub("", comment)),
        reasons=tuple(_REASON.findall(refuses.group(1))) if refuses else (),
    )


def department(name: str) -> str:
    """The Chinese name of a department's part of the API."""
    return translations()["departments"].get(name, name)
