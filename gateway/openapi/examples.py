"""Examples of requests and answers, made of a small table of nouns and fields."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from gateway.openapi.schemas import name_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from google.protobuf.descriptor import Descriptor, FieldDescriptor


@cache
def _examples() -> Mapping[str, Mapping[str, Any]]:
    text = (files("gateway.openapi") / "examples.json").read_text("utf-8")
    examples: Mapping[str, Mapping[str, Any]] = json.loads(text)
    return examples


def example_of(message: Descriptor, without: Collection[str] = ()) -> dict[str, Any]:
    """An example of a request or an answer; fields nobody gave an example for stay out."""
    own = _examples()["messages"].get(name_of(message), {})
    return {
        field.name: value
        for field in message.fields
        if field.name not in without
        and (value := own.get(field.name, example_for(field))) is not None
    }


def example_for(field: FieldDescriptor) -> Any:
    """An example of one field; None where there is none."""
    table = _examples()
    if field.name == "request_id":
        # One for each call: a number that was used for another call is refused.
        call = field.full_name.split(".")[-2].removesuffix("Request")
        return f"{re.sub('(?<=[a-z])(?=[A-Z])', '-', call).lower()}-1"
    if field.message_type and (known := table["messages"].get(name_of(field.message_type))):
        return [known] if field.is_repeated else known
    return table["fields"].get(field.name)
