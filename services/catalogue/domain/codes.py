"""Shapes of the codes of items: platforms differ in them, so a profile says each (Rule I-20).

The profiles stand in code_profiles.json, each with codes that it takes and codes that it refuses.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from services.common import identifiers
from services.common.fields import FieldInvalid, Reader, matching, text

CODE_LIMIT: Final = 64
HANDLE_ITEM_LIMIT: Final = 50
BODY_LENGTH: Final = 18
DEFAULT: Final = "national"


class ProfileUnknown(LookupError):
    """No profile has this name; the text names those there are, in Chinese."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What one kind of code looks like.

    Args:
        pattern: that of the whole code.
        says: what is expected, in Chinese.
        valid: codes of this shape.
        invalid: codes that are not.
    """

    pattern: str
    says: str
    valid: tuple[str, ...]
    invalid: tuple[str, ...]

    def problem(self, code: str) -> str | None:
        """Say what is wrong with a code, or None."""
        return None if re.fullmatch(self.pattern, code) else f"应为{self.says}"


@dataclass(frozen=True, slots=True)
class CodeProfile:
    """How the codes of items are made on one platform.

    Args:
        title: its name, in Chinese.
        mark: how sure the source is, as docs/rules.md has it.
        composed: an 实施编码 is the body's 统一社会信用代码, the 行使层级 and the 基本编码.
        check_character: the check characters of that body's code are held to be right.
    """

    name: str
    title: str
    source: str
    mark: str
    composed: bool
    check_character: bool
    catalog_code: Shape
    local_catalog_code: Shape
    task_code: Shape
    handle_item: Shape

    def task_code_problem(self, code: str) -> str | None:
        """Say what is wrong with an 实施编码, or None; codes of the 福建 pilot pass (Rule P-3)."""
        problem = self.task_code.problem(code)
        if problem or not (self.composed and self.check_character):
            return problem
        body = code[:BODY_LENGTH]
        wrong = identifiers.uscc_problem(body)
        if wrong is None or identifiers.has_uscc_exception(body):
            return None
        return f"前 {BODY_LENGTH} 位应为实施主体的统一社会信用代码：{wrong}"

    def parts(self, task_code: str) -> tuple[str, str, str] | None:
        """Body, level and 基本编码 inside an 实施编码; None where it is not composed of them."""
        if not self.composed or self.task_code.problem(task_code):
            return None
        after = BODY_LENGTH + 1
        return task_code[:BODY_LENGTH], task_code[BODY_LENGTH:after], task_code[after:]

    def of_body(self, task_code: str, body: str) -> str:
        """The 实施编码 that another body has for the same; a code that names no body stays."""
        return body + task_code[BODY_LENGTH:] if self.parts(task_code) else task_code


@cache
def profiles() -> dict[str, CodeProfile]:
    """All profiles by name."""
    raw = (files("services.catalogue.domain") / "code_profiles.json").read_text("utf-8")
    return {name: _profile(name, values) for name, values in json.loads(raw).items()}


def _profile(name: str, values: dict[str, Any]) -> CodeProfile:
    shapes = {
        key: Shape(**{**one, "valid": tuple(one["valid"]), "invalid": tuple(one["invalid"])})
        for key, one in values.items()
        if isinstance(one, dict)
    }
    return CodeProfile(name=name, **{**values, **shapes})


def profile_of(name: str) -> CodeProfile:
    """The profile of this name. Raises: ProfileUnknown."""
    try:
        return profiles()[name]
    except KeyError:
        known = "、".join(profiles())
        raise ProfileUnknown(f"没有“{name}”这个编码方案（有：{known}）。") from None


NATIONAL: Final = profile_of(DEFAULT)


@cache
def readers(profile: CodeProfile) -> dict[str, Reader]:
    """How the codes of an item are read under a profile, by field."""
    return {
        "catalog_code": _shaped(profile.catalog_code, CODE_LIMIT),
        "local_catalog_code": _shaped(profile.local_catalog_code, CODE_LIMIT),
        "task_code": _task_code(profile),
        "task_handle_item": handle_item(profile),
    }


def handle_item(profile: CodeProfile) -> Reader:
    """How a 业务办理项编码 is read."""
    return _shaped(profile.handle_item, HANDLE_ITEM_LIMIT)


def _shaped(shape: Shape, limit: int) -> Reader:
    return matching(shape.pattern, limit, shape.says)


def _task_code(profile: CodeProfile) -> Reader:
    inner = text(CODE_LIMIT).read

    def read(value: Any) -> str:
        found = str(inner(value))
        problem = profile.task_code_problem(found) if found else None
        if problem:
            raise FieldInvalid(problem)
        return found

    return Reader(read, "")
