"""Make the bundled recordings: `python tests/speech/synthesise.py`.

The script writes `tests/speech/*.flac` with `tests/speech/index.json`, and two recordings with an
index of their own: that of `make demo` in `rasr/data`, and `unknown-name`. Running it again changes
no sample: the voice and the background are seeded. It is run by hand, when a sentence changes;
tests and benchmarks only read what it wrote (`bench/recordings.py`).

The voice is CMU Flite's `slt`, which the default model recognises well; espeak-ng's English voice
it does not. On Debian and Ubuntu: `apt install libflite1`. The times of the words are the voice's
own plan (`R:SylStructure…R:Segment.end`), which its vocoder follows in steps of 5 ms; the script
compares them with the energy of the audio and refuses to write what does not agree.

The sentences were picked by trial: the default engine returns each of them word for word, the words
within 100 ms of their times, however much silence is left around (200 to 400 ms); those of
`RECORDINGS` also through µ-law, A-law and a band of 4 kHz. Most other sentences fail one of these,
and a new background can be enough to fail. The stretch of a sentence was part of the trial.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

SAMPLE_RATE = 16_000
HERE = Path(__file__).parent
DATA = HERE.parent.parent / "rasr" / "data"

EDGE_MS = 300
"""Silence before the first word and after the last one of a recording, at least."""

BACKGROUND_LSB = 8
"""Standard deviation of the noise under the whole recording: -72 dBFS.

Silence has to be silence for any voice detector: webrtcvad looks for speech only in audio well
above this, and steady noise is what it adapts to. Zeros would be silence as well, but such as no
microphone delivers: the logarithm of no energy is a corner of its own in the model's front end.
"""

AGREEMENT_MS = 80
"""How far the energy's first and last moment may lie from the plan of a sentence. Speech begins
and ends softly, and a first consonant can be weak."""


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence to be said, plain words only, and what follows it."""

    text: str
    stretch: float = 1.0
    """Flite's duration_stretch: 1.1 is a tenth slower."""
    pause_ms: int = EDGE_MS
    """From the end of its last word to the first word of the next line, or to the end."""


RECORDINGS: dict[str, tuple[Line, ...]] = {
    "bed": (Line("he went to bed early and got up early", 1.1),),
    "command": (Line("turn it down", 1.1),),
    "grandfather": (Line("my grandfather lived to be ninety one"),),
    "greeting": (Line("hello and welcome to the demonstration", 1.1),),
    "idea": (Line("everyone agreed that it was a good idea", 1.1),),
    "injured": (Line("twenty three people were injured"),),
    "library": (Line("the library will be open on monday"),),
    "question": (Line("what are you going to do about it", 1.1),),
    "rain": (Line("an hour later the rain came down again"),),
    "theater": (Line("would you like to go to the theater with me"),),
    "conversation": (
        Line("what are you going to do about it", 1.1, 1200),
        Line("would you like to go to the theater with me", 1.0, 1400),
        Line("that was a very good idea", 1.0, 700),
        Line("the library will be open on monday", 1.1, 1500),
        Line("turn it down", 1.1, 1000),
        Line("an hour later the rain came down again", 1.0, 1400),
        Line("he went to bed early and got up early", 1.1, 1500),
        Line("twenty three people were injured", 1.0, 1400),
    ),
}

DEMO = (
    Line("hello and welcome to the demonstration", 1.1, 1000),
    Line("the computer will write down every word", 1.1, 1100),
    Line("when i stop the line is complete", 1.0, 1300),
    Line("nothing that you say will ever leave your own computer", 1.15, 1000),
)

UNKNOWN_NAME = (Line("the new server is called thornvik", 1.1),)
"""The last word is in no dictionary: the default engine hears two others, unless it is told."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One line as Flite said it. Times are in samples from the start of `samples`."""

    samples: Samples
    words: tuple[tuple[str, int, int], ...]


class _Voice(ctypes.Structure):
    """The beginning of Flite's `cst_voice`."""

    _fields_ = (("name", ctypes.c_char_p), ("features", ctypes.c_void_p))


class _Wave(ctypes.Structure):
    """Flite's `cst_wave`."""

    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    )


class Flite:
    """The `slt` voice of libflite."""

    def __init__(self) -> None:
        try:
            slt = ctypes.CDLL("libflite_cmu_us_slt.so.1", mode=ctypes.RTLD_GLOBAL)
            flite = ctypes.CDLL("libflite.so.1")
        except OSError as error:
            raise SystemExit(f"{error}\nOn Debian and Ubuntu: apt install libflite1") from error
        pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float
        for name, result, arguments in (
            ("flite_synth_text", pointer, [text, pointer]),
            ("utt_wave", ctypes.POINTER(_Wave), [pointer]),
            ("utt_relation", pointer, [pointer, text]),
            ("relation_head", pointer, [pointer]),
            ("item_next", pointer, [pointer]),
            ("flite_ffeature_string", text, [pointer, text]),
            ("flite_ffeature_float", number, [pointer, text]),
            ("feat_set_float", None, [pointer, text, number]),
            ("delete_utterance", None, [pointer]),
        ):
            function = getattr(flite, name)
            function.restype, function.argtypes = result, arguments
        slt.register_cmu_us_slt.restype = ctypes.POINTER(_Voice)
        slt.register_cmu_us_slt.argtypes = [pointer]
        flite.flite_init()
        self._flite = flite
        self._voice = slt.register_cmu_us_slt(None)
        self._libc = ctypes.CDLL(None)

    def say(self, line: Line) -> Clip:
        flite = self._flite
        # The breath of unvoiced sounds comes from libc's generator.
        self._libc.srand(1)
        flite.feat_set_float(self._voice[0].features, b"duration_stretch", line.stretch)
        utterance = flite.flite_synth_text(line.text.encode("ascii"), self._voice)
        wave = flite.utt_wave(utterance)[0]
        if (wave.sample_rate, wave.num_channels) != (SAMPLE_RATE, 1):
            raise SystemExit(f"the voice speaks at {wave.sample_rate} Hz, not {SAMPLE_RATE}")
        samples = np.ctypeslib.as_array(wave.samples, (wave.num_samples,)).copy()
        words = []
        item = flite.relation_head(flite.utt_relation(utterance, b"Word"))
        while item:
            start_s = flite.flite_ffeature_float(
                item, b"R:SylStructure.daughter1.daughter1.R:Segment.p.end"
            )
            end_s = flite.flite_ffeature_float(
                item, b"R:SylStructure.daughtern.daughtern.R:Segment.end"
            )
            name = flite.flite_ffeature_string(item, b"name").decode("ascii")
            words.append((name, round(start_s * SAMPLE_RATE), round(end_s * SAMPLE_RATE)))
            item = flite.item_next(item)
        flite.delete_utterance(utterance)
        if " ".join(name for name, _, _ in words) != line.text:
            raise SystemExit(f"Flite reads {line.text!r} as other words: {words}")
        clip = Clip(samples, tuple(words))
        _require_agreement(line, clip)
        return clip


def _require_agreement(line: Line, clip: Clip) -> None:
    """Stop unless the audio is loud just where its words are planned to be."""
    step = SAMPLE_RATE // 200
    steps = clip.samples[: clip.samples.size // step * step].reshape(-1, step)
    loud = np.flatnonzero(np.sqrt(np.mean(np.square(steps, dtype=np.float64), axis=1)) > 100)
    heard = (int(loud[0]) * step, (int(loud[-1]) + 1) * step)
    planned = (clip.words[0][1], clip.words[-1][2])
    apart_ms = max(abs(h - p) for h, p in zip(heard, planned, strict=True)) * 1000 / SAMPLE_RATE
    if apart_ms > AGREEMENT_MS:
        raise SystemExit(f"{line.text!r}: sound in samples {heard}, words in {planned}")


def assemble(flite: Flite, lines: Sequence[Line]) -> tuple[Samples, list[dict[str, object]]]:
    """Say the lines one after the other over one background.

    Returns:
        The recording, shape (n,), int16, 16 kHz; and its sentences as the index has them.
    """
    parts: list[Samples] = []
    sentences: list[dict[str, object]] = []
    length = 0
    next_word_at = EDGE_MS * SAMPLE_RATE // 1000
    for line in lines:
        clip = flite.say(line)
        first, last = clip.words[0][1], clip.words[-1][2]
        # Flite begins and ends with a moment of its own, which counts as part of the pause.
        parts.append(np.zeros(max(0, next_word_at - first - length), np.int16))
        shift = length + parts[-1].size
        parts.append(clip.samples)
        length = shift + clip.samples.size
        next_word_at = shift + last + line.pause_ms * SAMPLE_RATE // 1000
        words = [
            {"text": text, "start_ms": _ms(shift + start), "end_ms": _ms(shift + end)}
            for text, start, end in clip.words
        ]
        sentences.append({"text": line.text, "words": words})
    parts.append(np.zeros(max(0, next_word_at - length), np.int16))
    speech = np.concatenate(parts)
    # RandomState, because its stream is promised never to change.
    noise = np.random.RandomState(len(lines)).normal(0, BACKGROUND_LSB, speech.size)
    mixed = np.clip(speech + np.round(noise), -32768, 32767).astype(np.int16)
    return mixed, sentences


def _ms(sample: int) -> int:
    return round(sample * 1000 / SAMPLE_RATE)


def write(path: Path, samples: Samples, rate: int = SAMPLE_RATE) -> None:
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=rate, layout="mono")
        stream.codec_context.format = "s16"
        stream.codec_context.options = {"compression_level": "12"}
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def make(flite: Flite, folder: Path, name: str, lines: Sequence[Line]) -> dict[str, object]:
    """Write one recording; what the index says about it."""
    samples, sentences = assemble(flite, lines)
    path = folder / f"{name}.flac"
    write(path, samples)
    print(f"{path.name:20} {samples.size / SAMPLE_RATE:5.1f} s {path.stat().st_size:8,} bytes")
    return {
        "name": name,
        "file": path.name,
        "text": " ".join(line.text for line in lines),
        "sentences": sentences,
    }


def write_json(path: Path, value: object) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def main() -> None:
    flite = Flite()
    entries = [make(flite, HERE, name, lines) for name, lines in RECORDINGS.items()]
    write_json(HERE / "index.json", {"sample_rate": SAMPLE_RATE, "recordings": entries})
    write_json(DATA / "demo.json", make(flite, DATA, "demo", DEMO))
    write_json(HERE / "unknown-name.json", make(flite, HERE, "unknown-name", UNKNOWN_NAME))


if __name__ == "__main__":
    main()
