"""Make the human recording of `make demo`: `python -m tests.speech.human austen-0870.wav`.

The script writes `demo-human.flac` and `demo-human.json` in `rasr/data`. It is run by hand; tests,
benchmarks and the demo only read what it wrote. Running it again changes no sample. The WAV is
`test/data/librivox/sense_and_sensibility_01_austen_64kb-0870.wav` of PocketSphinx's repository.

The recording ends with its last word. A second of quiet is added, as if a microphone stayed open,
so that its end is found as in live speech. The times of the words are found by forced alignment
(`decoder.alignment`): near the truth, not exact as those of synthesised speech.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.recordings import read_audio_of
from decoder.alignment import Phrase, WordTimes
from decoder.alignment.forced import ForcedAligner
from tests.speech.synthesise import BACKGROUND_LSB, DATA, SAMPLE_RATE, Samples, write, write_json

NAME = "demo-human"
TEXT = (
    "and mister john dashwood had then leisure to consider how much there might be prudently in "
    "his power to do for them"
)
SOURCE = "LibriVox, Sense and Sensibility by Jane Austen, chapter 1"
LICENCE = "public domain"
CHANGES = (
    "cut as in the test data of PocketSphinx, sense_and_sensibility_01_austen_64kb-0870.wav; a "
    "second of quiet added"
)
QUIET_MS = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the human recording of the demo.")
    parser.add_argument("wav", type=Path, help="the recording, whose text is in this script")
    samples = read_audio_of(parser.parse_args().wav)
    texts = TEXT.split()
    times = ForcedAligner().align([Phrase((one,), (one,)) for one in texts], samples)
    _require_words(texts, times)
    path = DATA / f"{NAME}.flac"
    write(path, _with_quiet(samples))
    words = [
        {"text": text, "start_ms": _ms(one.start_sample), "end_ms": _ms(one.end_sample)}
        for text, one in zip(texts, times, strict=True)
    ]
    write_json(
        DATA / f"{NAME}.json",
        {
            "name": NAME,
            "file": path.name,
            "source": SOURCE,
            "licence": LICENCE,
            "changes": CHANGES,
            "text": TEXT,
            "sentences": [{"text": TEXT, "words": words}],
        },
    )


def _require_words(texts: Sequence[str], times: Sequence[WordTimes]) -> None:
    """Stop unless all words were found."""
    lost = [text for text, one in zip(texts, times, strict=True) if not one.aligned]
    if lost:
        raise SystemExit(
            f"not found in the recording: {', '.join(lost)}; it has to be the one that says: {TEXT}"
        )


def _with_quiet(samples: Samples) -> Samples:
    # RandomState, because its stream is promised never to change.
    noise = np.random.RandomState(1).normal(0, BACKGROUND_LSB, SAMPLE_RATE * QUIET_MS // 1000)
    return np.concatenate([samples, np.round(noise).astype(np.int16)])


def _ms(sample: int) -> int:
    return round(sample * 1000 / SAMPLE_RATE)


if __name__ == "__main__":
    main()
