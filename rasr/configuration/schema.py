"""The shape of `rasr.settings.Settings`, for whoever fills or shows the tree.

Owns nothing of its own: names, types, ranges and meanings are read from the pydantic models. What
is added is words: what a setting allows, as a sentence says it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from rasr.settings import Secret, Settings

KeyPath = tuple[str, ...]

# No limit, no timer and no probability is infinite, and none is NaN.
_STRICT = ConfigDict(strict=True, allow_inf_nan=False)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A place for one value."""

    adapter: TypeAdapter[Any]
    meaning: str
    is_secret: bool = False
    """True if its value is never shown."""

    @property
    def allowed(self) -> str:
        """Type and range in words; the unit is in the meaning."""
        return _in_words(self.adapter.json_schema())

    @property
    def is_array(self) -> bool:
        """True if the value is an array."""
        return self.adapter.json_schema().get("type") == "array"

    def check(self, value: object) -> object | None:
        """`value` as the settings hold it, or None if it is not allowed."""
        try:
            checked: object = self.adapter.validate_python(value)
        except ValidationError:
            return None
        return checked


@dataclass(frozen=True, slots=True)
class Section:
    """A table with names that are known."""

    fields: Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class Names:
    """A table with names of the person's own."""

    item: Node
    meaning: str


@dataclass(frozen=True, slots=True)
class Short:
    """A table that may be written as one text, which stands for its first field alone."""

    text: Leaf
    table: Section

    @property
    def first_field(self) -> str:
        """What the text stands for."""
        return next(iter(self.table.fields))


Node = Leaf | Section | Names | Short


def schema() -> Section:
    """The whole tree."""
    return _section(Settings)


def leaves(settings: Settings) -> Iterator[tuple[KeyPath, Leaf, object]]:
    """Every value of `settings`, in the order of the tree."""
    yield from _leaves(schema(), (), settings.model_dump())


def dotted(path: KeyPath) -> str:
    """`path` as TOML writes it."""
    return ".".join(part if _BARE_KEY.fullmatch(part) else quoted(part) for part in path)


def quoted(text: str) -> str:
    """`text` as a TOML string."""
    # JSON writes strings as TOML does, but for DEL, which TOML wants escaped too.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def written(value: object) -> str:
    """A value of the settings as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(value)
        case tuple() | list():
            return f"[{', '.join(map(written, value))}]"
        case _:
            return repr(value)


def _section(model: type[BaseModel]) -> Section:
    return Section(
        {name: _node(field.annotation, field) for name, field in model.model_fields.items()}
    )


def _node(annotation: Any, field: FieldInfo) -> Node:
    if _is_model(annotation):
        return _section(annotation)
    meaning = field.description or ""
    if get_origin(annotation) is dict:
        return Names(_node(get_args(annotation)[1], field), meaning)
    tables = [one for one in get_args(annotation) if _is_model(one)]
    if tables:
        return Short(Leaf(TypeAdapter(str, config=_STRICT), meaning), _section(tables[0]))
    checked: Any = Annotated[(annotation, *field.metadata)] if field.metadata else annotation
    is_secret = any(isinstance(one, Secret) for one in field.metadata)
    return Leaf(TypeAdapter(checked, config=_STRICT), meaning, is_secret)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _leaves(node: Node, path: KeyPath, value: Any) -> Iterator[tuple[KeyPath, Leaf, object]]:
    match node:
        case Leaf():
            yield path, node, value
        case Section():
            for name, field in node.fields.items():
                yield from _leaves(field, (*path, name), value[name])
        case Names():
            # Texts first: TOML wants what stands in a table itself before the tables in it.
            for name, item in sorted(value.items(), key=lambda entry: isinstance(entry[1], dict)):
                yield from _leaves(node.item, (*path, name), item)
        case Short():
            yield from _leaves(node.table if isinstance(value, dict) else node.text, path, value)


def _in_words(one: Mapping[str, Any]) -> str:
    """A JSON schema as a sentence says it."""
    if "enum" in one:
        return _listed([str(value) or '""' for value in one["enum"]])
    if "anyOf" in one:
        return _listed([_in_words(choice) for choice in one["anyOf"]])
    match one["type"]:
        case "boolean":
            return "true or false"
        case "string":
            return "a text"
        case "array" if one["items"] == {"type": "string", "minLength": 1}:
            return "an array of texts, none of them empty"
        case "array" if one["items"]["type"] == "integer":
            return "an array of whole numbers" + _range(one["items"])
        case "integer":
            return "a whole number" + _range(one)
        case "number":
            return "a number" + _range(one)
        case other:
            raise AssertionError(f"no words for settings of type {other}")


def _range(one: Mapping[str, Any]) -> str:
    match one:
        case {"minimum": -0x8000_0000_0000_0000}:
            return " of 64 bits"
        case {"minimum": low, "maximum": high}:
            return f" from {_number(low)} to {_number(high)}"
        case {"exclusiveMinimum": low, "exclusiveMaximum": high}:
            return f" between {_number(low)} and {_number(high)}, both excluded"
        case {"minimum": low}:
            return f", {_number(low)} or more"
        case {"exclusiveMinimum": low}:
            return f" above {_number(low)}"
        case {}:
            return ""
        case _:
            raise AssertionError(f"no words for the range of {one}")


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _listed(choices: list[str]) -> str:
    *first, last = choices
    return f"{', '.join(first)} or {last}" if first else last
