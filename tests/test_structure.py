"""Rules of structure that a reader relies on and no other tool checks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.messages import EventName

ROOT = Path(__file__).parent.parent
MODULES = [
    path
    for package in ("rasr", "vad", "decoder", "bench")
    for path in sorted((ROOT / package).rglob("*.py"))
]


def test_the_neutral_core_has_no_word_of_a_dialect() -> None:
    words = {"SIS", "START", "trace_id", *ErrorCode.__members__.values(), *EventName}
    # Warnings are the core's own; the dialect has the word too.
    word = re.compile("|".join(rf"\b{one}\b" for one in words - {EventName.WARNING}))
    said = {
        str(path.relative_to(ROOT)): found
        for path in MODULES
        if path.is_relative_to(ROOT / "rasr/recognition")
        and (found := word.findall(path.read_text("utf-8")))
    }
    assert said == {}


@pytest.mark.parametrize("package", ["rasr", "vad", "decoder", "bench"])
def test_no_class_is_longer_than_a_reader_can_hold(package: str) -> None:
    long = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in MODULES
        if path.is_relative_to(ROOT / package)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 >= 250
    ]
    assert long == []


def _bare_tasks(source: str) -> list[int]:
    """The lines that begin a task which nobody watches: not in a group of tasks."""
    tree = ast.parse(source)
    groups = {
        item.optional_vars.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncWith)
        for item in node.items
        if isinstance(item.optional_vars, ast.Name)
        and ast.unparse(item.context_expr) == "asyncio.TaskGroup()"
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if (
            isinstance(node, ast.Attribute)
            and node.attr in _BEGINS_TASKS
            and not (isinstance(node.value, ast.Name) and node.value.id in groups)
        )
        or (isinstance(node, ast.alias) and node.name in _BEGINS_TASKS)
    ]


_BEGINS_TASKS = {"create_task", "ensure_future"}


def test_every_task_of_the_event_loop_has_an_owner() -> None:
    bare = {
        str(path.relative_to(ROOT)): lines
        for path in MODULES
        if path.is_relative_to(ROOT / "rasr")
        and path != ROOT / "rasr" / "tasks.py"
        and (lines := _bare_tasks(path.read_text("utf-8")))
    }
    assert bare == {}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("asyncio.create_task(work())", [1]),
        ("\nasyncio.get_running_loop().create_task(work())", [2]),
        ("from asyncio import ensure_future", [1]),
        (
            "async def f():\n"
            "    async with asyncio.TaskGroup() as group:\n"
            "        group.create_task(work())\n"
            "    loop.create_task(work())\n",
            [4],
        ),
    ],
)
def test_a_task_that_nobody_watches_is_found(source: str, lines: list[int]) -> None:
    assert _bare_tasks(source) == lines
