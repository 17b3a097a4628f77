"""What can be set for a Whisper engine."""

from __future__ import annotations

from dataclasses import dataclass

from decoder.errors import EngineUnavailable

PRECISIONS = {"int8": "int8", "fp32": "float32"}
"""Precision → its name in CTranslate2."""
_MOST_THREADS = 64


@dataclass(frozen=True, slots=True)
class WhisperOptions:
    """Options of the engine. Names and types are those that a settings file writes."""

    model: str = ""
    """Folder of a model as faster-whisper has them: config.json, model.bin, tokenizer.json and
    vocabulary.json or .txt."""
    precision: str = "int8"
    """In what the weights are computed: int8 or fp32."""
    languages: str = ""
    """What is spoken, as SIS properties begin, with commas. One is taken for granted; of several
    the likeliest is found out for each utterance; empty: any that the model knows is found out."""
    beam: int = 5
    """Paths that the search keeps, 1 to 16."""
    padding_s: float = 8.0
    """So much silence is put behind an utterance, 0 to 30. Whisper learned from windows of 30 s and
    more is no better from 8 s on; with 2 s and less it may read an utterance twice over."""
    threads: int = 1
    """That compute one reading, 1 to 64."""
    readings: int = 0
    """At the same time, 0 to 64; 0: one for each core."""
    simplified: bool = True
    """Write Chinese in simplified script; else as the model does, which mixes both."""
    lowest_log_probability: float = -1.0
    """Mean of the tokens' natural logarithms; a reading below it is taken for noise. 0 or less."""
    no_speech: float = 0.6
    """Probability that nobody speaks, 0 to 1, from which on a reading is only believed with half of
    `lowest_log_probability`."""
    compression: float = 2.4
    """How much a reading may be compressed, more than 1: one that goes in circles compresses well,
    and is read once more with all the silence that Whisper learned with."""

    def check(self) -> None:
        """Refuse values that are out of range, all in one sentence.

        Raises:
            EngineUnavailable: a value is out of its range.
        """
        faults = []
        if not self.model:
            faults.append("model is empty; it names the folder of a model")
        if self.precision not in PRECISIONS:
            faults.append(f"precision is {self.precision!r}; allowed: {', '.join(PRECISIONS)}")
        if not 1 <= self.beam <= 16:
            faults.append(f"beam is {self.beam}; allowed: 1 to 16")
        if not 0 <= self.padding_s <= 30:
            faults.append(f"padding_s is {self.padding_s}; allowed: 0 to 30")
        if not 1 <= self.threads <= _MOST_THREADS:
            faults.append(f"threads is {self.threads}; allowed: 1 to {_MOST_THREADS}")
        if not 0 <= self.readings <= _MOST_THREADS:
            faults.append(f"readings is {self.readings}; allowed: 0 to {_MOST_THREADS}")
        if not self.lowest_log_probability <= 0:
            faults.append(
                f"lowest_log_probability is {self.lowest_log_probability}; allowed: 0 or less"
            )
        if not 0 <= self.no_speech <= 1:
            faults.append(f"no_speech is {self.no_speech}; allowed: 0 to 1")
        if not self.compression > 1:
            faults.append(f"compression is {self.compression}; allowed: more than 1")
        if faults:
            raise EngineUnavailable("; ".join(faults))
