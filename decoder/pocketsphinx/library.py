"""PocketSphinx itself: how a decoder of it is loaded, what it calls words, words of our own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import pocketsphinx

from decoder.errors import EngineUnavailable
from decoder.pocketsphinx.pronunciation import Phones

SAMPLE_RATE: Final = 16000
"""Hz of the model that comes with PocketSphinx."""
FRAME_SAMPLES: Final = SAMPLE_RATE // 100
"""The front end makes 100 frames a second."""
_OWN_MARK = "="
"""Begins the names of words of our own; no word of the dictionary begins so."""
_FILLER = re.compile(r"<.*>|\[.*\]|\+\+.*\+\+")
"""Silence, sentence marks and noises, which are no words."""
_VARIANT = re.compile(r"\(\d+\)$")
"""Marks the second, third, … pronunciation in the dictionary: `the(2)`."""


def load_decoder(**options: Any) -> pocketsphinx.Decoder:
    """A decoder on the model that comes with PocketSphinx, silent.

    Args:
        options: of PocketSphinx, by its names.

    Raises:
        EngineUnavailable: PocketSphinx does not load its model.
    """
    try:
        return pocketsphinx.Decoder(loglevel="FATAL", samprate=SAMPLE_RATE, **options)
    except (RuntimeError, ValueError) as error:
        raise EngineUnavailable(
            f"PocketSphinx does not load its model ({error}); "
            "pip install --force-reinstall pocketsphinx"
        ) from error


def word_of(name: str) -> str | None:
    """The word that a segment of PocketSphinx is of; None for silence and noise.

    Args:
        name: as PocketSphinx tells it: "the(2)", "<sil>".
    """
    return None if _FILLER.fullmatch(name) else _VARIANT.sub("", name)


class OwnWords:
    """Words in the dictionary of a decoder that are known by how they are said.

    Each has a name made of its phones, which no other word has. PocketSphinx cannot forget a single
    one.
    """

    def __init__(self, decoder: pocketsphinx.Decoder) -> None:
        self._decoder = decoder
        self._names: set[str] = set()

    def __len__(self) -> int:
        return len(self._names)

    def name(self, way: Sequence[Phones]) -> str:
        """The name of what is said so, which is added to the dictionary if it is not there.

        Args:
            way: the phones of each of its words.
        """
        name = _OWN_MARK + "+".join("-".join(phones) for phones in way)
        if name not in self._names:
            said = " ".join(phone for phones in way for phone in phones)
            self._decoder.add_word(name, said, False)
            self._names.add(name)
        return name

    def forget(self) -> None:
        """Read the dictionary again, without any of them. Takes 0.4 s beside a language model."""
        config = self._decoder.config
        self._decoder.load_dict(config["dict"], config["fdict"], None)
        self._names.clear()
