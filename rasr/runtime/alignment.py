"""When words were said, found where engines only guess it: off the event loop, in bounded time."""

from __future__ import annotations

from typing import Protocol

from decoder import Hypothesis
from rasr.audio import Samples


class WordAligner(Protocol):
    """Finds the times of words whose times are guessed (`Word.times_guessed`)."""

    async def align(self, hypothesis: Hypothesis, samples: Samples, language: str) -> Hypothesis:
        """`hypothesis` with the times at which its words were said, as far as they can be found.

        Nothing else of it changes. It never fails and takes no longer than the aligner's bound:
        words whose times were not found in time, or cannot be, keep those that they have and stay
        marked as guessed. Where there is nothing to be done (no word is marked, the language is not
        one that can be aligned) it returns at once, in the same turn of the event loop. It may be
        cancelled at any time.

        Args:
            hypothesis: as the engine wrote it, before digits and punctuation are processed; words
                on the clock of `samples`.
            samples: all audio of the utterance, shape (n,), int16, 16 kHz. Not changed; it must not
                be changed by others until this returns.
            language: its English name in small letters: "english", "chinese", …
        """
