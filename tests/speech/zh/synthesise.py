"""Make the Mandarin recordings: `.venv-train/bin/python -m tests.speech.zh.synthesise`.

The script writes `tests/speech/zh/*.flac` with `index.json`, and the Mandarin recording of
`make demo` in `rasr/data`. Running it again changes no sample. It is run by hand, when a sentence
changes; tests and benchmarks only read what it wrote (`bench/recordings.py`). `make train` makes
the environment that it needs.

The voices are espeak-ng's, of the variants that the small model (`bench/training`) never heard, and
the sentences are of those that training leaves out (`Sentence.held_out`); others are refused. The
times of the characters are espeak-ng's own events. English words inside are said by the English
voice of the same variant, as espeak-ng does by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from bench.training.espeak import HELD_OUT_VOICES, Espeak, Samples, Voice
from bench.training.sentences import Kind, Sentence, tidy
from tests.speech.synthesise import BACKGROUND_LSB, DATA, EDGE_MS, SAMPLE_RATE, write, write_json

HERE = Path(__file__).parent
PEAK = 8000
"""Of 32768: -12 dBFS."""


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence to be said, and what follows it."""

    text: str
    variant: str
    pause_ms: int = EDGE_MS
    """From the end of its last word to the first word of the next line, or to the end."""
    words_per_minute: int = 165


RECORDINGS: dict[str, tuple[Line, ...]] = {
    "alarm": (Line("设置晚上十点十五分的闹钟", "f2"),),
    "coffee": (Line("我要一杯 coffee 和一个果汁", "f2"),),
    "date": (Line("今天是二零零三年五月三十日", "m3"),),
    "email": (Line("帮我发一个 email 给 tom", "m7"),),
    "library": (Line("离我最近的图书馆在哪里", "Alex"),),
    "light": (Line("请打开阳台的电灯", "ed"),),
    "meeting": (Line("今天下午有一个 meeting，在图书馆", "robert"),),
    "message": (Line("给孙涛发短信，说我晚一点到", "m7"),),
    "money": (Line("一共五万六千六百五十五块", "steph3"),),
    "number": (Line("我的电话号码是幺八零三四六五八零七四", "m3", words_per_minute=185),),
    "weather": (Line("昨天昆明的天气怎么样", "marcelo"),),
    "telephone": (Line("请通知陈静和马超来开会", "f2"),),
    "conversation": (
        Line("你好，我是赵磊，请问刘洋在吗", "m3", 900),
        Line("明天下午有一个 meeting，在咖啡店", "m3", 1200),
        Line("请关闭厨房的空调", "m3"),
    ),
}
RATES = {"telephone": 8000}
"""Other than 16 kHz."""

DEMO = (
    Line("大家好，欢迎来到昆明", "Henrique", 900),
    Line("我要一杯 coffee 和一个果汁", "Henrique", 900),
    Line("明天上午十点十五分提醒我开会", "Henrique", 900),
    Line("请打开阳台的电灯", "Henrique", 900),
    Line("一共六千九百一十九块", "Henrique", 600),
)


def assemble(espeak: Espeak, lines: Sequence[Line]) -> tuple[Samples, list[dict[str, object]]]:
    """Say the lines one after the other over one background.

    Returns:
        The recording, shape (n,), int16, 16 kHz; and its sentences as the index has them.
    """
    parts: list[NDArray[np.floating]] = [np.zeros(EDGE_MS * SAMPLE_RATE // 1000, np.float32)]
    sentences: list[dict[str, object]] = []
    for line in lines:
        if line.variant not in HELD_OUT_VOICES:
            raise SystemExit(
                f"{line.variant} is a voice of training, take one of {HELD_OUT_VOICES}"
            )
        if not Sentence(line.text, Kind.MIXED).held_out:
            raise SystemExit(f"{line.text!r} may be a sentence of training, word it otherwise")
        voice = Voice(f"cmn+{line.variant}", line.words_per_minute)
        said = espeak.say(line.text, voice)
        shift = sum(part.size for part in parts) / SAMPLE_RATE
        audio = soxr.resample(said.samples.astype(np.float32), said.rate, SAMPLE_RATE, quality="HQ")
        # What follows the last word is part of the pause.
        end = round(said.units[-1].end_s * SAMPLE_RATE) + line.pause_ms * SAMPLE_RATE // 1000
        audio = audio[:end] * (PEAK / float(np.abs(audio).max()))
        parts += [audio, np.zeros(end - audio.size, np.float32)]
        words = [
            {
                "text": unit.text,
                "start_ms": round((shift + unit.start_s) * 1000),
                "end_ms": round((shift + unit.end_s) * 1000),
            }
            for unit in said.units
        ]
        sentences.append({"text": tidy(line.text), "words": words})
    speech = np.concatenate(parts)
    noise = np.random.RandomState(len(lines)).normal(0, BACKGROUND_LSB, speech.size)
    return np.round(speech + noise).astype(np.int16), sentences


def make(espeak: Espeak, folder: Path, name: str, lines: Sequence[Line]) -> dict[str, object]:
    """Write one recording; what the index says about it."""
    samples, sentences = assemble(espeak, lines)
    rate = RATES.get(name, SAMPLE_RATE)
    if rate != SAMPLE_RATE:
        narrow = soxr.resample(samples.astype(np.float32), SAMPLE_RATE, rate, quality="HQ")
        samples = np.round(narrow).astype(np.int16)
    path = folder / f"{name}.flac"
    write(path, samples, rate)
    print(f"{path.name:20} {samples.size / rate:5.1f} s {path.stat().st_size:8,} bytes")
    return {
        "name": name,
        "file": path.name,
        "text": " ".join(str(sentence["text"]) for sentence in sentences),
        "sentences": sentences,
    }


def main() -> None:
    espeak = Espeak()
    entries = [make(espeak, HERE, name, lines) for name, lines in RECORDINGS.items()]
    write_json(HERE / "index.json", {"sample_rate": SAMPLE_RATE, "recordings": entries})
    write_json(DATA / "demo-zh.json", make(espeak, DATA, "demo-zh", DEMO))


if __name__ == "__main__":
    main()
