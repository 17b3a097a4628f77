"""Mutants: where they are, which tests should find them, and which of them nothing could find.

Needs nothing but what the tests have; `bench.mutation` makes the mutants and runs the tests.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bench.report import ROOT

EQUIVALENTS = ROOT / "bench" / "equivalent_mutants.toml"
"""Mutants that do the same as the code, each with the reason."""

ROOMS = ("vad", "rasr/recognition", "rasr/wire/sis", "rasr/captions", "rasr/text", "rasr/audio")
"""Folders of the code."""
_TESTS: dict[str, tuple[str, ...]] = {
    "vad/": tuple(
        f"tests/vad/test_{one}.py" for one in ("features", "noise", "gated", "classifier")
    ),
    **dict.fromkeys(
        ("vad/windows.py", "vad/rules.py", "vad/events.py", "vad/endpointer.py", "vad/errors.py"),
        tuple(
            f"tests/vad/test_{one}.py"
            for one in ("windows", "rules", "endpointer", "endpointer_properties")
        ),
    ),
    "rasr/recognition/": ("tests/recognition", "tests/wire/sis"),
    "rasr/wire/sis/": ("tests/wire", "tests/recognition"),
    "rasr/wire/sis/states.py": ("tests/wire", "tests/docs/test_pages.py"),
    "rasr/captions/": (
        *(
            f"tests/captions/test_{one}.py"
            for one in ("lines", "tokens", "cues", "channel", "files", "timed_text")
        ),
        "tests/wire/sis/test_captions.py",
    ),
    "rasr/text/": ("tests/text",),
    "rasr/audio/": tuple(
        f"tests/audio/test_{one}.py" for one in ("raw", "g711", "formats", "resample", "decoder")
    ),
    "rasr/audio/buffer.py": ("tests/audio/test_buffer.py",),
    **dict.fromkeys(
        (
            "rasr/audio/audio_check.py",
            "rasr/audio/rate_mismatch.py",
            "rasr/audio/encoding_mismatch.py",
        ),
        ("tests/audio/test_rate_mismatch.py", "tests/audio/test_audio_check.py"),
    ),
}
"""As a module's path begins, and the tests that are meant for it, quick ones first; of several
beginnings the longest counts."""


class Verdict(StrEnum):
    """What became of a mutant."""

    FOUND = "found"
    OUT_OF_TIME = "out of time"
    """Found, because its tests take much longer: on a busy machine look again with `--only`."""
    EQUIVALENT = "equivalent"
    """Nothing that the code does could tell it from the mutant, as `EQUIVALENTS` says."""
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault at one place."""

    path: str
    """From the root of the checkout, with slashes."""
    operator: str
    """Its name at cosmic-ray, or that of ours."""
    occurrence: int

    @property
    def room(self) -> str:
        """Of `ROOMS`."""
        return next(room for room in ROOMS if self.path.startswith(f"{room}/"))

    @property
    def tests(self) -> tuple[str, ...]:
        """That should find it."""
        return _TESTS[max((one for one in _TESTS if self.path.startswith(one)), key=len)]

    def __str__(self) -> str:
        return f"{self.path}:{self.operator}:{self.occurrence}"

    @classmethod
    def parse(cls, text: str) -> Mutant:
        """The mutant that `str` wrote."""
        path, operator, occurrence = text.rsplit(":", 2)
        return cls(path, operator, int(occurrence))


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A change of one line that changes nothing."""

    path: str
    """From the root of the checkout, with slashes."""
    before: str
    """The line, without the white space around it."""
    after: str
    """The same of the mutant."""
    reason: str


def equivalents(file: Path = EQUIVALENTS) -> tuple[Equivalent, ...]:
    """Those that the file lists."""
    listed = tomllib.loads(file.read_text("utf-8"))["equivalent"]
    return tuple(Equivalent(**one) for one in listed)


def reason(path: str, original: str, changed: str, listed: tuple[Equivalent, ...]) -> str | None:
    """Why the changed code of a module is equivalent; None: it is not listed as such."""
    removed, added = [], []
    for line in difflib.ndiff(original.splitlines(), changed.splitlines()):
        if line.startswith("- "):
            removed.append(line[2:].strip())
        elif line.startswith("+ "):
            added.append(line[2:].strip())
    change = (path, "\n".join(removed), "\n".join(added))
    return next((one.reason for one in listed if (one.path, one.before, one.after) == change), None)


def rows(verdicts: Mapping[tuple[str, Verdict], int]) -> list[tuple[str, ...]]:
    """A row for each room with mutants, and one for all: room, a number for each verdict, share.

    Args:
        verdicts: how many mutants of a room had a verdict.
    """
    rows: list[tuple[str, ...]] = []
    for room in (*ROOMS, "all"):
        counts = {
            verdict: sum(
                number
                for (one, was), number in verdicts.items()
                if was is verdict and room in (one, "all")
            )
            for verdict in Verdict
        }
        if any(counts.values()):
            rows.append((room, *map(str, counts.values()), _share_found(counts)))
    return rows


def _share_found(counts: Mapping[Verdict, int]) -> str:
    """Of the mutants that could be found."""
    found = counts[Verdict.FOUND] + counts[Verdict.OUT_OF_TIME]
    possible = found + counts[Verdict.SURVIVED]
    return f"{found / possible:.1%}" if possible else "-"
