"""Every public part of the code says what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("rasr", "vad", "decoder")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Scope = ast.Module | Definition


def undocumented(source: str) -> list[str]:
    """Dotted names of public definitions without a docstring; "module" for the module itself.

    Members of public classes count, those of Protocols among them, and so do properties. What is
    defined in a function is private to it. `__init__` and other dunder methods do what their names
    say, an overload what its implementation says, and a setter what its property says.
    """
    tree = ast.parse(source)
    lacking = [] if ast.get_docstring(tree) else ["module"]
    return lacking + [name for name, one in _public(tree, "") if not ast.get_docstring(one)]


def _public(scope: Scope, prefix: str) -> Iterator[tuple[str, Definition]]:
    for one in _statements(scope.body):
        if not isinstance(one, Definition) or one.name.startswith("_") or _is_said_elsewhere(one):
            continue
        yield prefix + one.name, one
        if isinstance(one, ast.ClassDef):
            yield from _public(one, f"{prefix}{one.name}.")


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Those of a scope, those within its `if` and `try` among them."""
    for one in body:
        yield one
        if isinstance(one, ast.If):
            yield from _statements(one.body + one.orelse)
        elif isinstance(one, ast.Try):
            handled = [statement for handler in one.handlers for statement in handler.body]
            yield from _statements(one.body + handled + one.orelse + one.finalbody)


def _is_said_elsewhere(one: Definition) -> bool:
    for decorator in one.decorator_list:
        match decorator:
            case ast.Name("overload") | ast.Attribute(attr="overload" | "setter" | "deleter"):
                return True
    return False


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_part_has_a_docstring(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules, f"{package} is not there"
    lacking = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules
        for name in undocumented(path.read_text("utf-8"))
    ]
    assert lacking == []


def test_what_lacks_one_is_found() -> None:
    source = '''
class Engine(Protocol):
    rate: int

    def __init__(self): ...
    def __len__(self): ...
    def _private(self): ...
    @property
    def name(self): ...
    @name.setter
    def name(self, value): ...
    async def run(self):
        """Runs."""
        def within(): ...

    class Options:
        pass

def plain():
    return 1

if CONDITION:
    def sometimes(): ...

@overload
def several(a: int): ...

class _Private:
    def method(self): ...
'''
    assert undocumented(source) == [
        "module",
        "Engine",
        "Engine.name",
        "Engine.Options",
        "plain",
        "sometimes",
    ]
    assert undocumented('"""A module."""\ndef said():\n    """Says."""\n') == []
