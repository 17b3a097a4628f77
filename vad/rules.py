"""The endpointer's settings, in milliseconds as people give them and in frames as it counts them.

Durations that must have passed are rounded up to whole frames; lengths that must not be exceeded
are rounded down to whole samples. `vad_head_ms`, `vad_tail_ms` and `max_ms` are those of SIS
(`max_ms` is `max_seconds` there); the rest is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vad.errors import VadError

SMOOTHING_HALF_MS: Final = 40
"""Loudness is averaged over this much audio on either side of a possible cut. The closure of a
plosive lasts 50 to 100 ms: a shorter average would cut words there, a longer one would miss the
short pauses between words."""


@dataclass(frozen=True, slots=True)
class EndpointRules:
    """When an utterance begins and ends.

    Raises:
        VadError: a value out of its range, or a `max_ms` too short for the others.
    """

    frame_samples: int = 320
    sample_rate: int = 16000
    """Hz."""
    vad_head_ms: int = 10_000
    """Silence after which `HeadSilence` is said; 0: never."""
    vad_tail_ms: int | None = 500
    """Silence that ends an utterance; 0 acts like one frame, None: no silence ends one. It has no
    upper bound: what must be remembered is bounded by `max_ms` alone."""
    max_ms: int = 30_000
    """Longest utterance, margins included."""
    pre_roll_ms: int = 300
    """Audio kept before the onset: first phonemes are quieter than what a classifier notices."""
    post_roll_ms: int = 300
    """Audio kept after the speech, of what was heard by the endpoint."""
    onset_speech_ms: int = 60
    """So much of `onset_window_ms` must be called speech before it is believed."""
    onset_window_ms: int = 100
    search_ms: int = 1000
    """A forced break looks for a quiet place in so much audio before the limit, or in half of
    `max_ms` where that is less. No word of it is told before the break: longer finds better places,
    shorter makes readers wait less; in a second of speech there are two or three gaps of words."""

    def __post_init__(self) -> None:
        for field, value, least in (
            ("frame_samples", self.frame_samples, 1),
            ("sample_rate", self.sample_rate, 1),
            ("vad_head_ms", self.vad_head_ms, 0),
            ("vad_tail_ms", 0 if self.vad_tail_ms is None else self.vad_tail_ms, 0),
            ("max_ms", self.max_ms, 1),
            ("pre_roll_ms", self.pre_roll_ms, 0),
            ("post_roll_ms", self.post_roll_ms, 0),
            ("onset_speech_ms", self.onset_speech_ms, 1),
        ):
            if value < least:
                raise VadError(field, value, f"{least} or more")
        if self.onset_window_ms < self.onset_speech_ms:
            raise VadError(
                "onset_window_ms", self.onset_window_ms, f"{self.onset_speech_ms} or more"
            )
        # The search for a cut must not begin before the onset was noticed, else the quiet places
        # in between would have gone by unseen.
        opening = self.pre_roll_samples + self.onset_window_frames * self.frame_samples
        # At least one place to cut must lie in the search, with its surroundings, wherever the
        # frames fall.
        least_search = (self.smoothing_half_frames + 1) * self.frame_samples
        least_max_samples = 2 * max(opening, least_search)
        if self._samples(self.max_ms) < least_max_samples:
            raise VadError(
                "max_ms",
                self.max_ms,
                f"{self._ms_up(least_max_samples)} or more (twice the pre-roll and onset, or "
                "twice the shortest search)",
            )
        if self.search_samples < least_search:
            raise VadError("search_ms", self.search_ms, f"{self._ms_up(least_search)} or more")

    @property
    def onset_frames_needed(self) -> int:
        """Frames called speech, of those of the onset window, that make speech believed."""
        return self._frames_up(self.onset_speech_ms)

    @property
    def onset_window_frames(self) -> int:
        """Frames of the onset window, `onset_frames_needed` or more."""
        # To the nearest frame: rounded up, 32 ms frames would be given 128 ms to find 64 ms in,
        # a much easier test than 60 in 100.
        doubled_frame_ms = 2 * 1000 * self.frame_samples
        nearest = (
            2 * self.onset_window_ms * self.sample_rate + 1000 * self.frame_samples
        ) // doubled_frame_ms
        return max(nearest, self.onset_frames_needed)

    @property
    def head_frames(self) -> int:
        """Frames without onset until `HeadSilence`; 0: never."""
        return self._frames_up(self.vad_head_ms)

    @property
    def tail_frames(self) -> int | None:
        """Frames of silence that end an utterance, 1 or more; None: no silence ends one."""
        return None if self.vad_tail_ms is None else max(1, self._frames_up(self.vad_tail_ms))

    @property
    def smoothing_half_frames(self) -> int:
        """Frames on either side of a border that its loudness is taken from: 30 to 40 ms."""
        return max(1, SMOOTHING_HALF_MS * self.sample_rate // (1000 * self.frame_samples))

    @property
    def max_samples(self) -> int:
        """Samples of the longest utterance."""
        return self._samples(self.max_ms)

    @property
    def search_samples(self) -> int:
        """Samples before the limit in which a forced break looks for a quiet place."""
        return min(self._samples(self.search_ms), self.max_samples // 2)

    @property
    def pre_roll_samples(self) -> int:
        """Samples kept before the onset."""
        return self._samples(self.pre_roll_ms)

    @property
    def post_roll_samples(self) -> int:
        """Samples kept after the speech."""
        return self._samples(self.post_roll_ms)

    def _samples(self, ms: int) -> int:
        return ms * self.sample_rate // 1000

    def _frames_up(self, ms: int) -> int:
        return -(-ms * self.sample_rate // (1000 * self.frame_samples))

    def _ms_up(self, samples: int) -> int:
        return -(-samples * 1000 // self.sample_rate)
