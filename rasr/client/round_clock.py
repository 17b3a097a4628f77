"""The clock of a recognition that is begun anew at another server, on that of the first one.

A server counts from the first sample that it was sent. To the app there is one recognition, whose
times go on.
"""

from __future__ import annotations

from dataclasses import replace

from rasr.audio import AudioFormat, CompressedFormat
from rasr.wire.sis.messages import Event, Result, Segment, ServerMessage, WordInfo


class RoundClock:
    """Places in the audio of one recognition, in bytes and in milliseconds."""

    def __init__(self, audio_format: AudioFormat | CompressedFormat) -> None:
        self._format = audio_format if isinstance(audio_format, AudioFormat) else None
        self.begin = 0
        """The first byte that the server has been sent which recognises now."""

    @property
    def has_places(self) -> bool:
        """False for compressed audio: which byte a time is at, only who decodes it knows."""
        return self._format is not None

    def byte_at(self, server_ms: int) -> int:
        """Where the audio is at a time of the server's; 0 if nobody knows."""
        if self._format is None:
            return 0
        samples = server_ms * self._format.sample_rate // 1000
        return self.begin + samples * (self._format.bytes_per_second // self._format.sample_rate)

    def placed(self, message: ServerMessage) -> ServerMessage:
        """A message with its times on the clock of the whole recognition."""
        if self._format is None or not self.begin:
            return message
        offset_ms = 1000 * self.begin // self._format.bytes_per_second
        match message:
            case Result():
                segments = tuple(_later(one, offset_ms) for one in message.segments)
                return replace(message, segments=segments)
            case Event():
                return replace(message, timestamp=message.timestamp + offset_ms)
            case _:
                return message


def _later(segment: Segment, offset_ms: int) -> Segment:
    words = segment.word_info
    return replace(
        segment,
        start_time=segment.start_time + offset_ms,
        end_time=segment.end_time + offset_ms,
        word_info=None if words is None else tuple(_word_later(one, offset_ms) for one in words),
    )


def _word_later(word: WordInfo, offset_ms: int) -> WordInfo:
    return replace(word, start_time=word.start_time + offset_ms, end_time=word.end_time + offset_ms)
