"""The services that are metered, and the unit in which each is billed.

Source: SIS, «Product Introduction», billing items: calls of one-sentence recognition and synthesis,
seconds of audio of real-time recognition and recording files, seconds times channels of flash.
"""

from __future__ import annotations

from enum import StrEnum


class Unit(StrEnum):
    """What is counted of a service."""

    CALLS = "calls"
    """Successful calls."""
    SECONDS = "seconds"
    """Seconds of audio, begun ones as whole ones."""


class Service(StrEnum):
    """A service, by the name that the ledger, packages and quotas have for it."""

    ONE_SENTENCE = "one-sentence"
    """One-sentence recognition, over HTTP and as a websocket."""
    REAL_TIME = "real-time"
    """The three modes of real-time recognition."""
    RECORDINGS = "recordings"
    """Jobs on recording files."""
    FLASH = "flash"
    """Flash transcription."""
    SYNTHESIS = "synthesis"
    """Speech synthesis, over HTTP and in real time."""

    @property
    def unit(self) -> Unit:
        """What is counted of it."""
        if self in (Service.ONE_SENTENCE, Service.SYNTHESIS):
            return Unit.CALLS
        return Unit.SECONDS

    def amount(self, audio_s: float, channels: int = 1) -> int:
        """What one successful call or round counts, in the unit of the service.

        Args:
            audio_s: seconds of audio.
            channels: of the recording; flash bills each.
        """
        if self.unit is Unit.CALLS:
            return 1
        # A sample more than a whole second is an error of rounding, not a second.
        seconds = int(audio_s) + (audio_s - int(audio_s) >= 0.001)
        return seconds * channels if self is Service.FLASH else seconds
