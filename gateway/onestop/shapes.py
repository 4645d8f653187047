"""Pieces of schemas in the OpenAPI document, for what the gateway answers itself."""

from typing import Any

TIME: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}


def described(
    told: str, properties: dict[str, Any], optional: tuple[str, ...] = ()
) -> dict[str, Any]:
    """An object; all its properties are required but the optional ones."""
    return {
        "type": "object",
        "description": told,
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


def said(told: str) -> dict[str, Any]:
    """A text."""
    return {"type": "string", "description": told}


def listed(of: str) -> dict[str, Any]:
    """A list of a schema of that name."""
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{of}"}}
