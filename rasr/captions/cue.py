"""A cue: what stands on the screen together, and when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cue:
    """One or two lines of text with their time, in ms on the clock of whoever made it."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    """None of them empty, none with a line break in it."""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)
