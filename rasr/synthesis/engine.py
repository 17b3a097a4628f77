"""The interface of an engine that speaks. An engine lives in a worker process and nowhere else."""

from __future__ import annotations

from typing import Protocol

from rasr.synthesis.speech import Piece, Sound


class Engine(Protocol):
    """Says one piece after the other. It owns tempo and pitch; loudness and pauses are the host's.

    It keeps nothing from piece to piece, so that one worker speaks many texts by turns.
    """

    def say(self, piece: Piece) -> Sound:
        """The sound of a piece, at the rate of its voice, at full loudness, with times of words.

        Raises:
            SynthesisError: it cannot; the text is for whoever asked.
        """
