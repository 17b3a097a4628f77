"""Rules of structure that a reader relies on and no other tool checks."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = [
    path
    for package in ("rasr", "vad", "decoder", "bench")
    for path in sorted((ROOT / package).rglob("*.py"))
]


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
