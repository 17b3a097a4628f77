"""The loudspeaker, by sounddevice, which PocketSphinx brings along.

Owns what can be missing (the PortAudio library, a device) and that what is played blocks a thread
and not the event loop.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from types import TracebackType
from typing import Any, Self

from rasr.audio import Samples


class LoudspeakerError(Exception):
    """Nothing can be played. The text is a sentence that says what to do."""


class Loudspeaker:
    """Plays samples one after the other. A context, at whose end all has been heard."""

    def __init__(self, rate: int) -> None:
        """
        Raises:
            LoudspeakerError: there is none.
        """
        try:
            sounddevice: Any = import_module("sounddevice")
        except OSError as error:
            raise LoudspeakerError(
                "the PortAudio library is not there, and loudspeakers need it; on Debian and "
                "Ubuntu: apt install libportaudio2; or write a file: --out speech.wav"
            ) from error
        self._fault = sounddevice.PortAudioError
        try:
            self._stream: Any = sounddevice.RawOutputStream(
                samplerate=rate, channels=1, dtype="int16"
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise LoudspeakerError(
                f"no loudspeaker can be opened: {error}; write a file: --out speech.wav"
            ) from error

    def __enter__(self) -> Self:
        self._stream.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            # Waits until all has been played.
            self._stream.stop()
        self._stream.close()

    async def play(self, samples: Samples) -> None:
        """Return when there is room for more: about when this is heard.

        Raises:
            LoudspeakerError: the device is gone.
        """
        try:
            await asyncio.to_thread(self._stream.write, samples.tobytes())
        except self._fault as error:
            raise LoudspeakerError(f"the loudspeaker plays no more: {error}") from error
