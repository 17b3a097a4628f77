"""The card of the model: README.md in its folder.

Every number in it was measured by the run that writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.training import sentences
from bench.training.espeak import HELD_OUT_VOICES, TRAINING_VOICES
from bench.training.evaluation import Findings

_CARD = """\
# tiny-zh-en

A streaming transducer of {parameters} parameters for Mandarin with English words: LSTM encoder,
stateless decoder, joiner, in sherpa-onnx's LSTM layout (fp32, 16 kHz, 80 log-mel energies, chunks
of 120 ms without any right context).

**It knows synthetic voices only.** It was trained on espeak-ng's voices and on nothing else: it is
for tests and for the offline demonstration of Mandarin, and does not understand people. For people
pull one of the published models.

- Files: `encoder.onnx`, `decoder.onnx`, `joiner.onnx`, `tokens.txt`; `bpe.vocab` for hot words
  (modeling unit `cjkchar+bpe`, English in lower case).
- Tokens: {tokens}. Chinese characters one by one, {words} English words whole (▁ begins a word);
  letters for the spelling of hot words, which no sentence used.
- Trained on {hours:.1f} hours, {utterances:,} utterances of {sentences:,} different sentences:
  digits, numbers, sums, dates, times, telephone numbers, {everyday} everyday words, names and short
  commands in Mandarin, three in ten with English words in them; other words it does not know.
- Voices: {training_voices} variants of espeak-ng 1.52 (`cmn`), 140 to 205 words a minute, pitch
  and its range 35 to 65. English words inside Mandarin are said by espeak-ng's English voice of the
  same variant.
- Audio: 16 kHz, a quarter of it through 8 kHz (half of that through µ-law), noise from 10 dB signal
  to noise ratio to none, peaks from -26 to -1 dBFS.
- Training: {minutes:.0f} minutes on {threads} CPU threads, {passes} passes, seed {seed}; by
  `make train`.

## Errors

Characters wrong in every hundred (an English word counts by its letters, spaces count nothing),
greedy search in sherpa-onnx unless it says otherwise, {held_out} sentences and {held_out_voices}
voices that training never heard:

| condition | sentences | characters | error rate |
| --- | --- | --- | --- |
{rates}

Made by `make train`; `.venv-train/bin/python -m bench.training --evaluate-only` measures the folder
again.

A token comes {median_ms} ms (median) after the start of its word; nine in ten come {early_ms} to
{late_ms} ms after. The median is in the encoder's metadata, and rasr takes it off. These
are espeak-ng's own times against sherpa-onnx's timestamps, and include neither the chunk nor the
computing.

## Licence

The weights are the project's own, Apache-2.0 like the code. espeak-ng is GPL-3.0-or-later; that
covers the program and its data, of which nothing is in here. What the program was made to say was
used for training alone.
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a training run knows about itself."""

    parameters: int
    tokens: int
    words: int
    hours: float
    utterances: int
    sentences: int
    minutes: float
    threads: int
    passes: int
    seed: int


def write(folder: Path, facts: Facts, findings: Findings) -> None:
    """Write README.md of a model."""
    table = "\n".join(
        f"| {rate.name} | {rate.sentences} | {rate.characters:,} | {rate.percent:.2f} % |"
        for rate in findings.rates
    )
    text = _CARD.format(
        parameters=f"{facts.parameters / 1e6:.2f} million",
        tokens=facts.tokens,
        words=facts.words,
        everyday=len(sentences.mandarin()),
        hours=facts.hours,
        utterances=facts.utterances,
        sentences=facts.sentences,
        minutes=facts.minutes,
        threads=facts.threads,
        passes=facts.passes,
        seed=facts.seed,
        training_voices=len(TRAINING_VOICES),
        held_out_voices=len(HELD_OUT_VOICES),
        held_out=findings.rates[0].sentences,
        rates=table,
        median_ms=round(findings.delay.median_ms),
        early_ms=round(findings.delay.early_ms),
        late_ms=round(findings.delay.late_ms),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
