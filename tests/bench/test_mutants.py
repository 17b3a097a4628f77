"""Mutants: which tests are meant for them, and how their verdicts are counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.mutants import (
    ROOMS,
    Equivalent,
    Mutant,
    Verdict,
    equivalents,
    reason,
    rows,
)
from bench.report import ROOT

MODULES = sorted(
    file.relative_to(ROOT).as_posix() for room in ROOMS for file in (ROOT / room).rglob("*.py")
)
CODE = "def half(x: int) -> int:\n    return x // 2\n"
MUTATED = "def half(x: int) -> int:\n    return x // 3\n"


def test_a_mutant_is_read_as_it_was_written() -> None:
    mutant = Mutant("vad/gated.py", "core/NumberReplacer", 24)
    assert str(mutant) == "vad/gated.py:core/NumberReplacer:24"
    assert Mutant.parse(str(mutant)) == mutant


@pytest.mark.parametrize(
    ("path", "room", "test"),
    [
        ("vad/gated.py", "vad", "tests/vad/test_gated.py"),
        ("vad/rules.py", "vad", "tests/vad/test_rules.py"),
        ("rasr/wire/sis/codec.py", "rasr/wire/sis", "tests/wire"),
        ("rasr/audio/buffer.py", "rasr/audio", "tests/audio/test_buffer.py"),
    ],
)
def test_the_longest_beginning_of_a_path_says_which_tests_run(
    path: str, room: str, test: str
) -> None:
    mutant = Mutant(path, "core/AddNot", 0)
    assert mutant.room == room
    assert test in mutant.tests


@pytest.mark.parametrize("path", MODULES)
def test_the_tests_of_every_module_are_there(path: str) -> None:
    tests = Mutant(path, "core/AddNot", 0).tests
    assert len(set(tests)) == len(tests)
    assert [one for one in tests if not (ROOT / one).exists()] == []


def test_what_is_listed_is_equivalent_at_its_line_only() -> None:
    listed = (Equivalent("a.py", "return x // 2", "return x // 3", "nobody asks"),)
    assert reason("a.py", CODE, MUTATED, listed) == "nobody asks"
    assert reason("b.py", CODE, MUTATED, listed) is None
    assert reason("a.py", MUTATED, CODE, listed) is None
    assert reason("a.py", CODE, MUTATED.replace("half", "third"), listed) is None


@pytest.mark.parametrize("one", equivalents(), ids=lambda one: f"{one.path}: {one.after}")
def test_the_list_names_lines_that_there_are(one: Equivalent) -> None:
    lines = (ROOT / one.path).read_text("utf-8").splitlines()
    assert one.before in map(str.strip, lines)
    assert one.reason
    assert one.before != one.after


def test_the_list_names_nothing_twice() -> None:
    listed = [(one.path, one.before, one.after) for one in equivalents()]
    assert len(set(listed)) == len(listed)


def test_a_list_that_is_wrong_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.toml"
    file.write_text('[[equivalent]]\npath = "a.py"\nbefore = "1"\nafter = "2"\n')
    with pytest.raises(TypeError, match="reason"):
        equivalents(file)


def test_the_share_is_that_of_the_mutants_that_could_be_found() -> None:
    verdicts = {
        ("vad", Verdict.FOUND): 2,
        ("vad", Verdict.OUT_OF_TIME): 1,
        ("vad", Verdict.EQUIVALENT): 5,
        ("vad", Verdict.SURVIVED): 1,
        ("rasr/text", Verdict.EQUIVALENT): 1,
        ("rasr/audio", Verdict.FOUND): 4,
    }
    assert rows(verdicts) == [
        ("vad", "2", "1", "5", "1", "75.0%"),
        ("rasr/text", "0", "0", "1", "0", "-"),
        ("rasr/audio", "4", "0", "0", "0", "100.0%"),
        ("all", "6", "1", "6", "1", "87.5%"),
    ]
