"""The text tools of a server, with the punctuation models that its settings name."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from decoder import DecoderError
from decoder.sherpa.punctuation import PunctuationModel, load_punctuation
from rasr.server.errors import StartError
from rasr.settings import Settings
from rasr.text import TextTools

_TRIAL = " ".join(["so this is what people say in one breath"] * 3)
"""As long as a text that is half told: 27 words, some 10 s of speech."""
_TRIALS = 3


@dataclass(frozen=True, slots=True)
class Texts:
    """What texts need, loaded."""

    tools: TextTools
    seconds: float
    """Time of a core for the texts of a second of speech, of the slowest model; 0 without any."""


def load_texts(settings: Settings) -> Texts:
    """Load the text tools and try the models. It takes a second, and another one for each model.

    Raises:
        StartError: a punctuation model cannot be had; a line for each.
    """
    models: dict[str, PunctuationModel] = {}
    faults = []
    for language, folder in settings.text.punctuation.items():
        try:
            models[language] = load_punctuation(Path(folder))
        except DecoderError as error:
            faults.append(f"text.punctuation.{language}: {error}")
    if faults:
        raise StartError("\n".join(faults))
    slowest = max((_seconds(model.punctuated) for model in models.values()), default=0.0)
    return Texts(TextTools(models), slowest * 1000 / settings.decoding.partial_ms)


def _seconds(punctuated: Callable[[str], str]) -> float:
    """Of one text; the least of some trials, because a machine that is busy shows more."""
    taken = []
    for _ in range(_TRIALS):
        start = time.perf_counter()
        punctuated(_TRIAL)
        taken.append(time.perf_counter() - start)
    return min(taken)
