"""How calls are described: JSON Schema, as OpenAPI 3.1 has it, and what one can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from rasr.wire.sis.kinds import (
    ChannelName,
    Field,
    FieldKind,
    FileFormatName,
    Flag,
    FormatName,
    OneOf,
    PropertyName,
    Text,
    TextList,
    WholeNumber,
    YesNo,
)
from rasr.wire.sis.properties import FORM

Schema = Mapping[str, Any]
"""A JSON Schema, as OpenAPI 3.1 has it."""

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}


def table(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with these keys, and perhaps others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


def listed(item: Schema) -> Schema:
    """An array of these."""
    return {"type": "array", "items": item}


def or_null(schema: Schema) -> Schema:
    """This, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked."""

    summary: str
    answers: Mapping[int, Schema | None]
    """Status of a success → its body; None where there is none."""
    body: Schema | None = None
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, Schema] = field(default_factory=dict)
    media_type: str = "application/json"
    """Of its answers."""
    binary: tuple[str, ...] = ()
    """Media types that they have in its place where that is asked for."""


def fields(known: Mapping[str, Field]) -> Schema:
    """An object with these fields, of which some are needed."""
    described = {
        name: {**_kind(one.kind), "description": one.meaning} for name, one in known.items()
    }
    return {
        "type": "object",
        "required": [name for name, one in known.items() if one.required],
        "properties": described,
    }


def _kind(kind: FieldKind) -> Schema:
    match kind:
        case YesNo():
            return {"enum": ["yes", "no"]}
        case Flag():
            return FLAG
        case WholeNumber():
            return {"type": "integer", "minimum": kind.lowest, "maximum": kind.highest}
        case Text():
            return {"type": "string", "minLength": 1}
        case FormatName() | FileFormatName() | OneOf():
            return {"enum": list(kind.names)}
        case PropertyName():
            return {"type": "string", "pattern": f"^{FORM}$"}
        case TextList():
            return listed(TEXT)
        case ChannelName():
            return {"type": "string", "pattern": f"^{kind.PATTERN}$"}
        case _:
            assert_never(kind)
