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
