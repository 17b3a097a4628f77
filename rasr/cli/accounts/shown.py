"""How lists and single things are printed: in columns for a person, as JSON for a program."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from rasr.cli.screen import aligned
from rasr.usage.periods import moment_text

Facts = Mapping[str, Any]
"""What is told of one thing, by the names that JSON has. Names that end with `_at` are moments."""


def facts(record: Any, **more: Any) -> dict[str, Any]:
    """What a record has, and more."""
    return {**dataclasses.asdict(record), **more}


def show_list(rows: Sequence[Facts], columns: Sequence[str], *, as_json: bool) -> None:
    """A list, in columns of these names."""
    if as_json:
        _print_json([_told(row) for row in rows])
        return
    heading = tuple(name.removesuffix("_at").replace("_", " ").upper() for name in columns)
    cells = [tuple(_cell(_told(row)[name]) for name in columns) for row in rows]
    for line in aligned([heading, *cells]):
        click.echo(line.rstrip())


def show_one(one: Facts, *, as_json: bool) -> None:
    """One thing, a line for each fact."""
    if as_json:
        _print_json(_told(one))
        return
    rows = [(name.replace("_", " "), _cell(value)) for name, value in _told(one).items()]
    for line in aligned(rows):
        click.echo(line.rstrip())


def _told(one: Facts) -> dict[str, Any]:
    return {
        name: moment_text(value) if name.endswith("_at") and value is not None else value
        for name, value in one.items()
    }


def _cell(value: object) -> str:
    match value:
        case None | "" | []:
            return "–"
        case True:
            return "yes"
        case False:
            return "no"
        case dict():
            return json.dumps(value, ensure_ascii=False)
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
