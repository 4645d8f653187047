"""What an answer may be narrowed by, beside region and group (筛选)."""

from __future__ import annotations

from typing import Final

# As cards name them: body, A.4 服务对象, 主题分类 (p: of natural persons, c: of legal ones),
# 事项类型, 网上办理深度, 到办事现场次数.
NAMES: Final = ("department", "audience", "theme", "task_type", "online_depth", "visits")
FAMILY: Final = "family"
LONGEST_VALUE: Final = 320  # the name of an item without a code, which its family is called by


def word(name: str, value: str) -> str:
    """A facet's value as the index has it."""
    return f"{name}={value}"


def parted(found: str) -> tuple[str, str]:
    """The name and the value of such a word."""
    name, _, value = found.partition("=")
    return name, value
