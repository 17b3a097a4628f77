"""Which of two passes gives the final of a segment. Pure: results come in, in any order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from decoder import Hypothesis


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The engine has given up on a segment."""

    sentence: str
    """Why, for a person."""


Result = Hypothesis | GivenUp
"""What comes of a segment: its final, or none."""


class PassOutcome(StrEnum):
    """How a second pass ended."""

    IN_TIME = "in_time"
    """Its text is the final."""
    EMPTY = "empty"
    """It found no words: those of the first pass, if there are any, are the final."""
    LATE = "late"
    """It was not done in time."""
    FAILED = "failed"
    """Its engine failed, or no worker of it was up."""


class FinalChoice:
    """Chooses the final of one segment.

    The second pass gives it, if it has any words. Else the first pass does: where the second one
    was late, failed, found nothing, or is not wanted. Where the first pass has failed, an empty
    text of the second one is better than none.
    """

    def __init__(self, *, second_pass: bool) -> None:
        """
        Args:
            second_pass: one is wanted.
        """
        self._first: Result | None = None
        self._second: Hypothesis | None = None
        self._awaits_second = second_pass

    @property
    def awaits_second(self) -> bool:
        """True until it is known what the second pass gives."""
        return self._awaits_second

    def first(self, result: Result) -> None:
        """The first pass is over."""
        self._first = result

    def second(self, hypothesis: Hypothesis | None) -> None:
        """The second pass is over: its final, or None where it was late or failed."""
        self._second = hypothesis
        self._awaits_second = False

    @property
    def result(self) -> Result | None:
        """What comes of the segment; None while that is not known."""
        if self._awaits_second:
            return None
        if self._second is None or self._second.text:
            return self._second or self._first
        return self._second if isinstance(self._first, GivenUp) else self._first
