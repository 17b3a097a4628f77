"""The layers of the settings: defaults < TOML file < environment < flags.

Owns their order, the name that a setting has in each of them, and the sentence for each mistake:
all mistakes of all layers are told at once. What a setting means and allows is in `rasr.settings`.

Layers merge key by key, with one exception: a file that has `[properties]` says all that is
served, so the default entry goes. The default engine stays: one that nothing refers to costs
nothing.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, assert_never

from pydantic import ValidationError

from rasr.configuration.files import CONFIG_VARIABLE, file_in_force
from rasr.configuration.schema import (
    KeyPath,
    Leaf,
    Names,
    Node,
    Section,
    Short,
    dotted,
    leaves,
    schema,
    written,
)
from rasr.configuration.variables import (
    CREDENTIAL_VARIABLES,
    PREFIX,
    is_service_link,
    meant_variable,
)
from rasr.settings import Settings

_FLAGS = {"auth.kind": "--no-auth"}
"""Flags that are not named as their setting."""
_FORMER = {"server.no_auth": "auth.kind"}
"""Settings that are gone, and where their matter is said now."""
_MOST_BYTES = 1 << 20
"""Of a settings file. Longer ones are devices and logs that somebody named by mistake."""
_SHOWN_CHARACTERS = 60
"""How much of a refused value a mistake repeats."""


class ConfigurationError(Exception):
    """What is wrong with the configuration, one line a mistake."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class Layer(StrEnum):
    """Weakest first."""

    DEFAULT = "default"
    INSTALLED = "installed"
    """What is on this machine; see `rasr.models.serving`."""
    FILE = "file"
    ENVIRONMENT = "environment"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who said so: the layer, and the name by which a person finds it there."""

    layer: Layer
    name: str = ""

    def __str__(self) -> str:
        return f"{self.layer} {self.name}" if self.name else str(self.layer)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings in force and where each of them comes from."""

    settings: Settings
    origins: Mapping[str, Origin]
    """By dotted key, such as `server.port`: every value of `settings` has one."""


def load(
    file: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, str],
) -> Configuration:
    """Put the layers on top of each other.

    Args:
        file: the TOML file; None for the one that RASR_CONFIG names, or else the user's own, if
            there is one.
        flags: dotted key → what was typed; only flags that were given.

    Raises:
        ConfigurationError: with every mistake of every layer.
    """
    tree = _Tree()
    found = file_in_force(file, environ)
    if found is not None:
        tree.take_file(found)
    for name in sorted(environ):
        if name.startswith(PREFIX):
            tree.take_variable(name, environ[name])
    for key, value in flags.items():
        path = tuple(key.split("."))
        flag = _FLAGS.get(key) or "--" + path[-1].replace("_", "-")
        tree.take(_nested(path, _Text(value)), Origin(Layer.FLAG, flag))
    return tree.configuration()


@dataclass(frozen=True, slots=True)
class _Text:
    """A value of the environment or a flag: TOML where it reads as such, else the text itself."""

    text: str

    @property
    def readings(self) -> tuple[object, ...]:
        try:
            document = tomllib.loads(f"value = {self.text}")
        except (ValueError, RecursionError):
            return (self.text,)
        # More than one key: the text had a line break and is no single value.
        return (document["value"], self.text) if len(document) == 1 else (self.text,)

    @property
    def arrays(self) -> tuple[object, ...]:
        """The readings where an array is wanted.

        A text alone is an array of one, and no text an empty one. A comma would leave open whether
        it divides two texts or is part of one, so such a text is refused; so is an array whose
        texts have no quotation marks.
        """
        value = self.readings[0]
        if isinstance(value, list):
            return (value,)
        text = value if isinstance(value, str) else self.text
        if not text.strip():
            return ([],)
        return () if "," in text or text.lstrip().startswith("[") else ([text],)


class _NotShown:
    """Stands for the value of a setting that is a secret."""


class _Tree:
    """The settings while the layers are laid on them, and what was wrong with the layers."""

    def __init__(self) -> None:
        defaults = Settings()
        self._schema = schema()
        self._values: dict[str, Any] = defaults.model_dump()
        self._origins = {path: Origin(Layer.DEFAULT) for path, _, _ in leaves(defaults)}
        self._laid: dict[KeyPath, Origin] = {}
        """Who made a table, for what may turn out to be missing in it."""
        self._mistakes: list[str] = []

    def take_file(self, file: Path) -> None:
        origin = Origin(Layer.FILE, str(file))
        try:
            with open(file, "rb") as opened:
                written = opened.read(_MOST_BYTES + 1)
            if len(written) > _MOST_BYTES:
                self._mistakes.append(f"{origin}: is longer than {_MOST_BYTES >> 20} MiB")
                return
            document = tomllib.loads(written.decode("utf-8"))
        except OSError as error:
            self._mistakes.append(f"{origin}: cannot be read: {error.strerror}")
            return
        except ValueError as error:
            self._mistakes.append(f"{origin}: is not TOML: {error}")
            return
        except RecursionError:
            self._mistakes.append(f"{origin}: is nested too deeply")
            return
        if "properties" in document:
            self._values["properties"] = {}
            self._origins = {
                path: origin for path, origin in self._origins.items() if path[0] != "properties"
            }
        self.take(document, origin)

    def take_variable(self, name: str, text: str) -> None:
        origin = Origin(Layer.ENVIRONMENT, name)
        key = name.removeprefix(PREFIX).lower()
        if "__" in key:
            self.take(_nested(tuple(key.split("__")), _Text(text)), origin)
        elif name not in (CONFIG_VARIABLE, *CREDENTIAL_VARIABLES) and not is_service_link(text):
            meant = meant_variable(self._schema, key)
            if meant is not None:
                self._mistakes.append(
                    f"{origin}: there is no setting of this name; did you mean {meant}?"
                )

    def take(self, document: Mapping[str, Any], origin: Origin) -> None:
        """Lay `document` on top."""
        self._take(self._schema, (), document, origin)

    def configuration(self) -> Configuration:
        settings: Settings | None = None
        try:
            settings = Settings.model_validate(self._values)
        except ValidationError as error:
            # Each value that is there was accepted on its own; only what is not there is left.
            self._mistakes += [
                self._missing(tuple(map(str, one["loc"])))
                for one in error.errors()
                if one["type"] == "missing"
            ]
        if settings is None or self._mistakes:
            raise ConfigurationError(self._mistakes)
        # Of a table that somebody has named, what he left out is as it is by default.
        default = Origin(Layer.DEFAULT)
        return Configuration(
            settings,
            {dotted(path): self._origins.get(path, default) for path, _, _ in leaves(settings)},
        )

    def _take(self, node: Node, path: KeyPath, value: object, origin: Origin) -> None:
        match node:
            case Leaf():
                checked = next(
                    (one for one in map(node.check, _readings(node, value)) if one is not None),
                    None,
                )
                if checked is None:
                    allowed = f"{node.allowed} ({node.meaning})"
                    if node.is_secret:
                        self._refuse(path, _NotShown(), allowed, origin)
                        return
                    if node.is_array and isinstance(value, str | _Text):
                        allowed += f"; write {_as_array(value)}"
                    self._refuse(path, value, allowed, origin)
                else:
                    self._table(path[:-1])[path[-1]] = checked
                    self._origins[path] = origin
            case Section() | Names():
                table = value.readings[0] if isinstance(value, _Text) else value
                if not isinstance(table, dict):
                    self._refuse(path, value, _table_in_words(node), origin)
                    return
                self._table(path)
                self._laid[path] = origin
                for name, item in table.items():
                    if isinstance(node, Names):
                        self._take(node.item, (*path, name), item, origin)
                    elif name in node.fields:
                        self._take(node.fields[name], (*path, name), item, origin)
                    else:
                        self._mistakes.append(f"{origin}: {_unknown(node, path, name)}")
            case Short():
                self._take_short(node, path, value, origin)
            case _:
                assert_never(node)

    def _take_short(self, node: Short, path: KeyPath, value: object, origin: Origin) -> None:
        """A text replaces all that was said before; a table is laid on top of it."""
        read = value.readings[0] if isinstance(value, _Text) else value
        before = self._table(path[:-1]).get(path[-1])
        if isinstance(read, dict):
            if isinstance(before, str):
                self._table(path[:-1])[path[-1]] = {node.first_field: before}
                self._origins[*path, node.first_field] = self._origins.pop(path)
            self._take(node.table, path, read, origin)
        elif not isinstance(value, str | _Text):
            allowed = f"{node.text.allowed} or {_table_in_words(node.table)} ({node.text.meaning})"
            self._refuse(path, value, allowed, origin)
        else:
            self._table(path[:-1]).pop(path[-1], None)
            for field in node.table.fields:
                self._origins.pop((*path, field), None)
            self._take(node.text, path, value, origin)

    def _table(self, path: KeyPath) -> dict[str, Any]:
        table = self._values
        for name in path:
            table = table.setdefault(name, {})
        return table

    def _refuse(self, path: KeyPath, value: object, allowed: str, origin: Origin) -> None:
        self._mistakes.append(f"{origin}: {dotted(path)} is {_shown(value)}; allowed: {allowed}")

    def _missing(self, location: KeyPath) -> str:
        """The sentence for a value that is not there, where pydantic looked for it."""
        node: Node | None = self._schema
        path: KeyPath = ()
        for name in location:
            match node:
                case Section():
                    node = node.fields[name]
                case Names():
                    node = node.item
                case Short():
                    # Here stands which of the two it looked at.
                    node = node.table
                    continue
            path = (*path, name)
        assert isinstance(node, Leaf)
        origin = self._laid[path[:-1]]
        return f"{origin}: {dotted(path)} is missing; allowed: {node.allowed} ({node.meaning})"


def _readings(leaf: Leaf, value: object) -> tuple[object, ...]:
    """What `value` may mean, best first."""
    if not isinstance(value, _Text):
        return (value,)
    return value.arrays if leaf.is_array else value.readings


def _as_array(value: str | _Text) -> str:
    """The array that a person who wrote one text most likely means."""
    text = value.text if isinstance(value, _Text) else value
    parts = (part.strip().strip("\"'") for part in text.strip().strip("[]").split(","))
    return _shortened(written([part for part in parts if part]))


def _nested(path: KeyPath, value: object) -> dict[str, Any]:
    for name in reversed(path[1:]):
        value = {name: value}
    return {path[0]: value}


def _unknown(section: Section, path: KeyPath, name: str) -> str:
    key = dotted((*path, name))
    sentence = f"there is no setting {key}"
    if key in _FORMER:
        return f"{sentence}; did you mean {_FORMER[key]}?"
    known = {field: dotted((*path, field)) for field in section.fields}
    # A key that was put above its section, or under no section at all.
    for inner, node in section.fields.items():
        if isinstance(node, Section):
            for field in node.fields:
                known.setdefault(field, dotted((*path, inner, field)))
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"{sentence}; did you mean {known[near[0]]}?"
    return f"{sentence}; {dotted(path) or 'the top'} has: {', '.join(section.fields)}"


def _table_in_words(node: Section | Names) -> str:
    match node:
        case Section():
            return f"a table with {', '.join(node.fields)}"
        case Names():
            return f"a table ({node.meaning})"
        case _:
            assert_never(node)


def _shown(value: object) -> str:
    match value:
        case _NotShown():
            return "a value that is not shown"
        case _Text():
            text = repr(value.text)
        case str():
            text = repr(value)
        case _:
            try:
                text = json.dumps(value, ensure_ascii=False, default=str)
            except (ValueError, RecursionError):
                # A number of more than 4,300 digits, or a thousand tables in each other.
                return "a value too large to be shown"
    return _shortened(text)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
