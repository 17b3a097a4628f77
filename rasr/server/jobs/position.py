"""How far a recording has been heard: what a step leaves behind for the next one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rasr.audio import SAMPLE_RATE
from rasr.server.jobs.reading import Heard


@dataclass(frozen=True, slots=True)
class Position:
    """Of a recording whose channels are heard one after the other."""

    channels: tuple[int | None, ...]
    """Those that are heard; None: all, mixed."""
    channel: int = 0
    """Which of them, counted from 0."""
    segments: int = 0
    """So many of its segments are settled."""
    minute: int = -1
    """Its last one that is."""
    samples: int = 0
    """So many of it are."""
    is_over: bool = False
    """True where nothing of it is left."""
    longest: int = 0
    """Samples of those channels that are over, or of the longest of them."""

    @classmethod
    def after(cls, told: Mapping[str, Any]) -> Position:
        """Where to go on, by what a step has left behind."""
        at = cls(**{one.name: told[one.name] for one in dataclasses.fields(cls)})
        at = dataclasses.replace(at, channels=tuple(at.channels))
        return cls(at.channels, at.channel + 1, longest=at.longest) if at.is_over else at

    def then(self, minute: int, heard: Heard) -> Position:
        """After another minute of the channel."""
        longest = max(self.longest, heard.end_sample) if heard.is_last else self.longest
        return dataclasses.replace(
            self,
            segments=heard.segments,
            minute=minute,
            samples=heard.end_sample,
            is_over=heard.is_last,
            longest=longest,
        )

    @property
    def told(self) -> dict[str, Any]:
        """What a step leaves behind; `last` where nothing of any channel is left."""
        last = self.is_over and self.channel + 1 == len(self.channels)
        return dataclasses.asdict(self) | {"last": last}

    @property
    def done_ms(self) -> int:
        """So much is done of the time that the recording lasts."""
        done = self.channel * self.longest + self.samples
        return done * 1000 // SAMPLE_RATE // len(self.channels)
