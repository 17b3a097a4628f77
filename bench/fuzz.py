"""Every parser against inputs that are nearly right: the suite's own fuzzers, for longer.

The properties are those of `tests/fuzz`. pytest runs them, a parser at a time and by turns, with
new examples each time; Hypothesis' statistics say how many there were.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass

import click

from bench.report import ROOT, progress, report

FOLDER = ROOT / "tests" / "fuzz"
_EXAMPLES = re.compile(r"- (\d+) passing, (\d+) failing, and \d+ invalid test cases")


@dataclass(slots=True)
class Fuzzed:
    """What came of the fuzzers of one parser."""

    parser: str
    examples: int = 0
    faults: int = 0
    """Properties that did not hold, each counted once a turn."""
    seconds: float = 0.0
    told: str = ""
    """What pytest said of the first fault."""


@click.command()
@click.option(
    "--minutes", default=60.0, show_default=True, help="For so long, all parsers together."
)
@click.option(
    "--examples", default=2000, show_default=True, help="Of each property in a turn of its parser."
)
def fuzz(minutes: float, examples: int) -> None:
    """Fuzz every parser: containers, START, parameters of captions, settings."""
    found = [Fuzzed(path.stem.removeprefix("test_")) for path in sorted(FOLDER.glob("test_*.py"))]
    until = time.monotonic() + 60 * minutes
    turns = 0
    with progress() as track:
        while turns == 0 or time.monotonic() < until:
            turns += 1
            track.step(f"turn {turns}", len(found))
            for number, one in enumerate(found):
                track.at(number)
                _run(one, examples)
    for one in found:
        if one.told:
            click.echo(one.told, err=True)
    report(
        "fuzz",
        ("parser", "examples", "faults", "seconds"),
        [(one.parser, f"{one.examples:,}", str(one.faults), f"{one.seconds:.0f}") for one in found],
        figures={
            "turns": turns,
            "parsers": {
                one.parser: {"examples": one.examples, "faults": one.faults} for one in found
            },
        },
    )
    if any(one.faults for one in found):
        sys.exit(1)


def _run(parser: Fuzzed, examples: int) -> None:
    """One turn of the fuzzers of a parser."""
    began = time.monotonic()
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--timeout", "0", "-p", "no:cacheprovider"),
            *("--hypothesis-show-statistics", str(FOLDER / f"test_{parser.parser}.py")),
        ],
        cwd=ROOT,
        env=os.environ | {"FUZZ_EXAMPLES": str(examples)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    parser.seconds += time.monotonic() - began
    tried = [tuple(map(int, one)) for one in _EXAMPLES.findall(ended.stdout)]
    parser.examples += sum(map(sum, tried))
    if ended.returncode == 1:
        parser.faults += len(re.findall(r"^FAILED ", ended.stdout, re.MULTILINE))
    if ended.returncode not in (0, 1) or not tried:
        raise click.ClickException(
            f"the fuzzers of {parser.parser} ended with {ended.returncode}:\n{ended.stdout}"
        )
    if ended.returncode == 1 and not parser.told:
        parser.told = ended.stdout
