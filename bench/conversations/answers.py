"""What a server said between START and END of one round, as the rules of the oracle read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.conversations.script import LONGEST_S, WITH_ENDPOINTS, Ending, Round
from rasr.client import Mode


@dataclass(frozen=True, slots=True)
class RoundAnswers:
    """The messages of one round, in order."""

    mode: Mode
    round: Round
    told: Sequence[dict[str, Any]]
    strict_limit: bool
    """A round that is too long ends with SIS.0309."""

    @property
    def has_endpoints(self) -> bool:
        """Whether each utterance is a sentence."""
        return self.mode in WITH_ENDPOINTS

    @property
    def audio_ms(self) -> int:
        """So much audio counts."""
        return min(self.round.recording.ms, 1000 * LONGEST_S[self.mode])

    @property
    def is_too_long(self) -> bool:
        """Whether there was more."""
        return self.round.recording.ms > self.audio_ms

    @property
    def is_whole(self) -> bool:
        """Whether all of it must have been recognised."""
        return self.round.ending in (Ending.END, Ending.WRONG)

    @property
    def segments(self) -> list[dict[str, Any]]:
        """Of all RESULTs."""
        return [one["segments"][0] for one in self.told if one["resp_type"] == "RESULT"]

    @property
    def finals(self) -> list[dict[str, Any]]:
        """The segments that are final."""
        return [segment for segment in self.segments if segment["is_final"]]

    def events(self, *names: str) -> list[dict[str, Any]]:
        """The EVENTs of these names."""
        return [one for one in self.told if one.get("event") in names]

    @property
    def has_ended_early(self) -> bool:
        """The only sentence of the mode is over, so that later audio is not listened to."""
        return bool(self.events("VOICE_END", "EXCEEDED_SILENCE"))

    @property
    def ended_by_limit(self) -> bool:
        """Whether the server ended it, for there was too much audio."""
        return self.strict_limit and self.is_too_long and not self.has_ended_early


def words_of(segment: dict[str, Any]) -> list[str]:
    """The words of a segment's text."""
    return [bare(word) for word in segment["result"]["text"].split()]


def bare(word: str) -> str:
    """A word without what punctuation adds."""
    return "".join(filter(str.isalnum, word)).lower()
