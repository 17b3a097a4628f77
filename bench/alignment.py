"""Verb `alignment`: how well words that are known are found in their audio, and what that costs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np

from bench.recordings import (
    SpokenWord,
    human_recordings,
    load,
    load_demo,
    load_unknown_name,
    names,
)
from bench.report import progress, report
from decoder.alignment import Phrase, WordTimes, guess
from decoder.alignment.forced import ForcedAligner
from rasr.audio import SAMPLE_RATE, Samples
from rasr.text.spoken import load_spellers

BAR_MS = 80
BAR_SHARE = 0.95
"""Of the starts, and of the ends, that are within `BAR_MS`."""
BAR_COST = 0.03
"""CPU for a second of audio."""

Align = Callable[[Sequence[Phrase], Samples], list[WordTimes]]


@dataclass(frozen=True, slots=True)
class Said:
    """A recording, with the words that are said in it."""

    phrases: tuple[Phrase, ...]
    samples: Samples
    words: tuple[SpokenWord, ...] = ()
    """With their times; empty where nobody knows them."""


@dataclass(slots=True)
class Score:
    """What came of some recordings."""

    words: int = 0
    aligned: int = 0
    start_errors_ms: list[float] = field(default_factory=list)
    """Found less true, of each word whose true time is known, guesses too."""
    end_errors_ms: list[float] = field(default_factory=list)
    audio_s: float = 0.0
    cpu_s: float = 0.0

    @property
    def cost(self) -> float:
        """CPU seconds for a second of audio."""
        return self.cpu_s / self.audio_s

    @property
    def meets_the_bars(self) -> bool:
        """Starts and ends that are known are near enough, and the cost is low enough."""
        shares = [near(one) for one in (self.start_errors_ms, self.end_errors_ms) if one]
        return all(share >= BAR_SHARE for share in shares) and self.cost <= BAR_COST


def near(errors_ms: Sequence[float]) -> float:
    """The share of errors that are at most `BAR_MS`."""
    return float(np.mean(np.abs(errors_ms) <= BAR_MS))


def score(said: Sequence[Said], align: Align) -> Score:
    """Align each recording and compare with what is known of it."""
    sums = Score()
    for one in said:
        began = time.process_time()
        times = align(one.phrases, one.samples)
        sums.cpu_s += time.process_time() - began
        sums.audio_s += len(one.samples) / SAMPLE_RATE
        sums.words += len(times)
        sums.aligned += sum(word.aligned for word in times)
        for word, true in zip(times, one.words, strict=False):
            sums.start_errors_ms.append(_ms(word.start_sample) - true.start_ms)
            sums.end_errors_ms.append(_ms(word.end_sample) - true.end_ms)
    return sums


def corpus() -> list[Said]:
    """The synthesised English recordings, whose word times are known."""
    recordings = [*map(load, names()), load_demo(), load_unknown_name()]
    return [
        Said(
            tuple(Phrase((word.text,), (word.text,)) for word in one.words), one.samples, one.words
        )
        for one in recordings
    ]


def people() -> list[Said]:
    """The English recordings of RASR_SPEECH_DIR, in the words of their transcripts."""
    speller = load_spellers()["english"]
    return [
        Said(tuple(Phrase((text,), speller.spoken(text)) for text in one.text.split()), one.samples)
        for one in human_recordings("en")
    ]


@click.command()
@click.option(
    "--speech",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="RASR_SPEECH_DIR",
    help="a folder with transcripts.tsv; its English recordings are aligned too",
)
def alignment(speech: Path | None) -> None:
    """Word times by forced alignment, and by the guess that stands in for it.

    Required, on the synthesised recordings: 95 % of the starts and of the ends within 80 ms; on all
    a cost of at most 0.03 of real time. The process ends with 1 if one is not met.
    """
    if speech is not None:
        os.environ["RASR_SPEECH_DIR"] = str(speech)
    aligner = ForcedAligner()
    synthesised, human = corpus(), people()
    measured: dict[str, Score] = {}
    with progress() as tracker:
        tracker.step("alignment", 3)
        measured["synthesised"] = score(synthesised, aligner.align)
        tracker.at(1)
        if human:
            measured["human"] = score(human, aligner.align)
        tracker.at(2)
        guessed = score(synthesised, guess)
        tracker.at(3)
    met = all(one.meets_the_bars for one in measured.values())
    report(
        "alignment",
        ("recordings", "words", "aligned", "starts near", "p95", "ends near", "p95", "cost"),
        [
            (name, *_cells(one))
            for name, one in (*measured.items(), ("synthesised, guessed", guessed))
        ],
        notes=(
            f"near: within {BAR_MS} ms of the truth; required {BAR_SHARE:.0%} of both; "
            f"cost: CPU for a second of audio; required at most {BAR_COST}",
            "all bars are met" if met else "A BAR IS NOT MET",
        ),
        figures={
            "met": met,
            **{name: _figures(one) for name, one in measured.items()},
            "guessed": _figures(guessed),
        },
    )
    if not met:
        sys.exit(1)


def _ms(sample: int) -> float:
    return sample * 1000 / SAMPLE_RATE


def _cells(one: Score) -> tuple[str, ...]:
    known = one.start_errors_ms, one.end_errors_ms
    near_and_p95 = [
        cell
        for errors in known
        for cell in ((f"{near(errors):.1%}", f"{_p95(errors):.0f} ms") if errors else ("–", "–"))
    ]
    return str(one.words), str(one.aligned), *near_and_p95, f"{one.cost:.4f}"


def _figures(one: Score) -> dict[str, object]:
    times: dict[str, object] = {}
    if one.start_errors_ms:
        times = {
            "starts_near": near(one.start_errors_ms),
            "starts_p95_ms": _p95(one.start_errors_ms),
            "ends_near": near(one.end_errors_ms),
            "ends_p95_ms": _p95(one.end_errors_ms),
        }
    return {"words": one.words, "aligned": one.aligned, **times, "cost": one.cost}


def _p95(errors_ms: Sequence[float]) -> float:
    return float(np.quantile(np.abs(errors_ms), 0.95))
