"""A body is merged into another, or renamed: its items go on under the other one (承接)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from services.catalogue.domain.codes import NATIONAL, CodeProfile
from services.common import identifiers
from services.common.errors import Invalid, Refused, Violation
from services.common.fields import FieldInvalid, text

if TYPE_CHECKING:
    from services.catalogue.domain.item import HandlingItem, Item

_NAME: Final = text(200)


class BodyInvalid(Invalid):
    """The body that takes over cannot be as asked; each violation names a field."""

    reason = "BODY_INVALID"


class ItemMoved(Refused):
    """The item goes on under another code."""

    reason = "ITEM_MOVED"

    def __init__(self, moved_to: str) -> None:
        super().__init__(f"该事项已由其他部门承接，新的编码是 {moved_to}，请改用新编码。")


@dataclass(frozen=True, slots=True)
class Body:
    """A body in charge (实施主体).

    Args:
        code: 统一社会信用代码.
    """

    code: str
    name: str


def body_of(code: str, name: str) -> Body:
    """A body that can take items over.

    Raises:
        BodyInvalid: with each field at fault.
    """
    wrong = []
    found = identifiers.normalise_code(code)
    problem = identifiers.uscc_problem(found)
    if problem and not identifiers.has_uscc_exception(found):
        wrong.append(Violation("to_dept_code", problem))
    try:
        said = str(_NAME.read(name))
    except FieldInvalid as error:
        said = ""
        wrong.append(Violation("to_dept_name", str(error)))
    if not said and not wrong:
        wrong.append(Violation("to_dept_name", "请写明承接部门的名称"))
    if wrong:
        raise BodyInvalid("承接部门有误，请按提示更正。", *wrong)
    return Body(found, said)


def taken_over(item: Item, body: Body, profile: CodeProfile = NATIONAL) -> Item:
    """The item under the body that takes it over.

    Rule I-9: its 实施编码 begins with the other body's code; a local one stays, and so does one
    that names no body (Rule I-20).
    """
    code = profile.of_body(item.task_code, body.code)
    return replace(
        item,
        dept_code=body.code,
        dept_name=body.name,
        task_code=code,
        task_handle_item=_renumbered(item.task_handle_item, item.task_code, code),
        handle_items=tuple(_handling(one, item.task_code, code) for one in item.handle_items),
    )


def _handling(one: HandlingItem, old: str, new: str) -> HandlingItem:
    return replace(one, code=_renumbered(one.code, old, new))


def _renumbered(text: str, old: str, new: str) -> str:
    return new + text.removeprefix(old) if old and text.startswith(old) else text
