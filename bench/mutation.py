"""Mutation testing of the pure rooms: `make mutants`.

A mutant is the code with one small fault in it: an operator, a number or a condition is another
one, a statement is missing. The tests of its room should find it. cosmic-ray knows the faults; this
draws a sample of them with a seed, puts each into a copy of the checkout, runs the tests that are
meant for that module, and shows those that survived. Those that `bench/equivalent_mutants.toml`
names do the same as the code: they are counted apart, and shown with the reason.

A place is drawn first and then one of the faults that it may have, else arithmetic, which can be
replaced in a dozen ways, would be most of every sample. Annotations and decorators are left alone:
the first are never evaluated; of the second most are `dataclass`, whose `frozen` and `slots` are
promises to the type checker and without which no test gets as far as to begin. So are `strict` of
`zip` and `assert_never`, which are assertions: no test can make them fail.
"""

from __future__ import annotations

import ast
import difflib
import os
import queue
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import click
import parso
from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator

from bench.mutants import ROOMS, Equivalent, Mutant, Verdict, equivalents, reason, rows
from bench.report import ROOT, progress, report

_LEFT_OUT = (
    # They are not pure: an event loop, files, a codec's library.
    *("rasr/captions/broadcaster.py", "rasr/audio/files.py", "rasr/audio/compressed.py"),
    *("vad/silero.py", "rasr/text/model_punctuator.py"),
)
_MEMORY_BYTES = 8 << 30
"""A mutant that fills the memory ends at this, and is found."""
_PATIENCE = 6.0
"""A mutant is found when its tests take so many times as long as without it, and `_LEAST_S`."""
_LEAST_S = 15.0
_NOT_COPIED = (".*", "__pycache__", "pictures", "dist", "*.egg-info")


class DeleteStatement(Operator):  # type: ignore[misc]
    """A call whose value nobody takes, or what an attribute is set to, is left out.

    cosmic-ray has no such fault, and it is the one that forgets to give something back or to tell.
    """

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Where there is such a statement."""
        if getattr(node.parent, "type", "") != "simple_stmt":
            return
        if node.get_first_leaf().value == "assert_never":
            return
        is_call = node.type == "atom_expr" and node.get_last_leaf().value == ")"
        is_change = node.type == "expr_stmt" and node.children[0].type == "atom_expr"
        if is_call or is_change:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Put `pass` in its place."""
        statement = parso.parse("pass").children[0]
        # The indentation is in it.
        statement.prefix = node.get_first_leaf().prefix
        return statement

    @classmethod
    def examples(cls) -> tuple[()]:
        """None: they are for the tests of cosmic-ray."""
        return ()


def mutated(mutant: Mutant, original: str) -> str:
    """The code of its module with the fault in it."""
    changed: str | None = mutate_code(original, _operator(mutant.operator), mutant.occurrence)
    assert changed is not None, f"{mutant} is not there"
    return changed


def _operator(name: str) -> Operator:
    return DeleteStatement() if name == DeleteStatement.__name__ else plugins.get_operator(name)()


def _operator_names() -> list[str]:
    names = [
        name
        for name in plugins.operator_names()
        # Operators with arguments need names of variables; NoOp is no fault.
        if not plugins.get_operator(name).arguments() and not name.endswith("NoOp")
    ]
    return [DeleteStatement.__name__, *names]


def sample(count: int, seed: int, rooms: Sequence[str] = ROOMS) -> list[Mutant]:
    """So many mutants of these rooms, each at another place."""
    places: list[list[Mutant]] = []
    for room in rooms:
        for file in sorted((ROOT / room).rglob("*.py")):
            path = file.relative_to(ROOT).as_posix()
            if path not in _LEFT_OUT and "/containers/" not in path:
                places += _places(path, file.read_text("utf-8"))
    choice = random.Random(seed)
    choice.shuffle(places)
    drawn = filter(_is_code, map(choice.choice, places))
    return list(islice(drawn, count))


def _is_code(mutant: Mutant) -> bool:
    """Whether a fault leaves something that runs: in the pattern of a `case` it may not."""
    try:
        ast.parse(mutated(mutant, (ROOT / mutant.path).read_text("utf-8")))
    except SyntaxError:
        return False
    return True


def _places(path: str, code: str) -> list[list[Mutant]]:
    """The mutants of a module, those of one kind at one place together."""
    tree = get_ast(code)
    nodes = list(ast_nodes(tree))
    ignored = [span for node in nodes for span in _ignored(node)]
    found: dict[tuple[str, Any, Any], list[Mutant]] = defaultdict(list)
    for name in _operator_names():
        operator = _operator(name)
        positions = [(node, span) for node in nodes for span in operator.mutation_positions(node)]
        for occurrence, (node, (start, end)) in enumerate(positions):
            if any(first <= start and end <= last for first, last in ignored):
                continue
            # `A | B` of types, which only a type checker could tell from another operator.
            if "BitOr" in name and parso.python.tree.search_ancestor(node, "funcdef") is None:
                continue
            # The star before parameters with names is no multiplication.
            if node.parent is not None and node.parent.type in ("param", "parameters"):
                continue
            found[name.split("_")[0], start, end].append(Mutant(path, name, occurrence))
    return list(found.values())


def _ignored(node: Any) -> Iterator[tuple[Any, Any]]:
    """From where to where that of a node goes which is left alone."""
    annotation = None
    if node.type == "decorator" or (
        node.type == "argument" and node.get_first_leaf().value == "strict"
    ):
        annotation = node
    elif node.type in ("param", "funcdef"):
        annotation = node.annotation
    elif node.type == "annassign":
        annotation = node.children[1]
    if annotation is not None:
        yield annotation.start_pos, annotation.end_pos


class Copy:
    """A copy of the checkout that mutants are put into, one after the other."""

    def __init__(self, folder: Path) -> None:
        """Copy all but environments and caches to `folder`."""
        self._folder = folder
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_NOT_COPIED))

    def passes(self, tests: Sequence[str], timeout_s: float | None = None) -> bool:
        """Whether these tests pass.

        Raises:
            TimeoutExpired: not in time.
        """
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=no"),
                *("-p", "no:cacheprovider", *tests),
            ],
            cwd=self._folder,
            # Byte code of the mutant before could be taken for that of this one.
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(self._folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        try:
            return process.wait(timeout_s) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            raise

    def verdict(
        self, mutant: Mutant, timeout_s: float, listed: tuple[Equivalent, ...]
    ) -> tuple[Verdict, str]:
        """What the tests make of a mutant, and how it differs from the code.

        Args:
            listed: those that nothing could find. A test that finds one of them shows that it is
                none, hence they are tried like all others.
        """
        file = self._folder / mutant.path
        original = file.read_text("utf-8")
        changed = mutated(mutant, original)
        file.write_text(changed, "utf-8")
        found: Verdict | None = None
        try:
            if not self.passes(mutant.tests, timeout_s):
                found = Verdict.FOUND
        except subprocess.TimeoutExpired:
            found = Verdict.OUT_OF_TIME
        finally:
            file.write_text(original, "utf-8")
        before, after = original.splitlines(), changed.splitlines()
        lines = difflib.unified_diff(before, after, mutant.path, str(mutant), n=2, lineterm="")
        shown = "\n".join(lines)
        if found is not None:
            return found, shown
        why = reason(mutant.path, original, changed, listed)
        if why is not None:
            return Verdict.EQUIVALENT, f"{shown}\n{why}"
        return Verdict.SURVIVED, shown


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--count", default=300, show_default=True, help="Mutants in the sample.")
@click.option("--seed", default=1, show_default=True, help="Of the sample.")
@click.option("--jobs", default=2, show_default=True, help="Mutants tested at the same time.")
@click.option("--room", "rooms", multiple=True, type=click.Choice(ROOMS), help="Only these.")
@click.option("--only", multiple=True, metavar="MUTANT", help="These, as they were printed.")
def main(count: int, seed: int, jobs: int, rooms: Sequence[str], only: Sequence[str]) -> None:
    """Put faults into the pure rooms, one at a time, and see which of them no test finds."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, hard))
    mutants = list(map(Mutant.parse, only)) or sample(count, seed, rooms or ROOMS)
    listed = equivalents()
    verdicts: Counter[tuple[str, Verdict]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for number in range(jobs):
            copies.put(Copy(Path(folder) / str(number)))
        limits = _time_limits(copies, {mutant.tests for mutant in mutants})

        def judge(mutant: Mutant) -> tuple[Mutant, Verdict, str]:
            copy = copies.get()
            try:
                return mutant, *copy.verdict(mutant, limits[mutant.tests], listed)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(jobs) as pool, progress() as tracker:
            tracker.step("mutants", len(mutants))
            for mutant, verdict, diff in pool.map(judge, mutants):
                verdicts[mutant.room, verdict] += 1
                tracker.at(verdicts.total())
                if verdict is not Verdict.FOUND:
                    click.echo(f"{diff}\n{verdict}\n")
    report("mutants", ("room", *Verdict, "share found"), rows(verdicts))


def _time_limits(
    copies: queue.SimpleQueue[Copy], selections: set[tuple[str, ...]]
) -> dict[tuple[str, ...], float]:
    """Seconds that each selection of tests may take.

    Raises:
        click.ClickException: they fail without any mutant.
    """
    copy, limits = copies.get(), {}
    for tests in sorted(selections):
        began = time.monotonic()
        if not copy.passes(tests):
            raise click.ClickException(f"these fail as they are: {' '.join(tests)}")
        limits[tests] = _LEAST_S + _PATIENCE * (time.monotonic() - began)
    copies.put(copy)
    return limits


if __name__ == "__main__":
    main(prog_name="python -m bench.mutation")
