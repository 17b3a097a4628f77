"""Verb `passes`: which of PocketSphinx's passes pay, by accuracy against final latency."""

from __future__ import annotations

import time
from itertools import product

import click
import jiwer

from bench.machine import report
from bench.percentiles import shown
from bench.recordings import human_recordings, names
from bench.recordings import load as load_recording
from decoder.registry import EngineSpec, load
from rasr.audio import Samples

_PASSES = ((True, True), (False, True), (False, False))
_MAXHMMPF = (30_000, 5000, 3000)


@click.command()
def passes() -> None:
    """Word error rate, real-time factor and final latency for each combination of passes.

    Final latency is from the last sample to the result. RASR_SPEECH_DIR adds the English
    recordings of a folder with transcripts.tsv to the bundled ones.
    """
    bundled = [(one.text, one.samples) for one in map(load_recording, names())]
    human = [(one.text, one.samples) for one in human_recordings() if one.language == "en"]
    rows, figures = [], {}
    for (fwdflat, bestpath), maxhmmpf in product(_PASSES, _MAXHMMPF):
        options = {"decoders": 1, "fwdflat": fwdflat, "bestpath": bestpath, "maxhmmpf": maxhmmpf}
        row = _measure(options, bundled, human)
        rows.append((_yes(fwdflat), _yes(bestpath), str(maxhmmpf), *row))
        figures[f"{fwdflat} {bestpath} {maxhmmpf}"] = row
    report(
        "passes",
        (
            "fwdflat",
            "bestpath",
            "maxhmmpf",
            "WER bundled",
            "WER human",
            "RTF",
            "final p50",
            "final max",
        ),
        rows,
        figures=figures,
    )


def _measure(
    options: dict[str, bool | int],
    bundled: list[tuple[str, Samples]],
    human: list[tuple[str, Samples]],
) -> tuple[str, ...]:
    engine = load(EngineSpec("pocketsphinx", options))
    final_ms: list[float] = []
    busy_s = sound_s = 0.0
    rates = []
    for recordings in (bundled, human):
        texts = []
        for _, samples in recordings:
            stream = engine.open()
            began = time.perf_counter()
            stream.accept(samples)
            engine.decode([stream])
            last_sample = time.perf_counter()
            stream.finish()
            engine.decode([stream])
            ended = time.perf_counter()
            texts.append(stream.hypothesis().text)
            stream.close()
            final_ms.append((ended - last_sample) * 1000)
            busy_s += ended - began
            sound_s += len(samples) / engine.capabilities.sample_rate
        said = [text for text, _ in recordings]
        rates.append(f"{jiwer.wer(said, texts):.1%}" if said else "–")
    return (*rates, f"{busy_s / sound_s:.3f}", shown(final_ms, 50), shown(final_ms, 100))


def _yes(value: bool) -> str:
    return "yes" if value else "no"
