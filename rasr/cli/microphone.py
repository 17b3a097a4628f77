"""The microphone, by sounddevice, which PocketSphinx brings along.

Owns what can be missing (the PortAudio library, a device, the rate) and the way of the audio from
PortAudio's thread to the event loop. sounddevice loads PortAudio when it is imported, and fails
there without it: so it is imported here and only when asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from rasr.audio import AudioFormat, Resampler, Samples, encode
from rasr.client import CHUNK_MS

_WAITING_CHUNKS = 600
"""A minute of audio: when a server is further behind than that, the oldest chunks are dropped."""


class MicrophoneError(Exception):
    """There is no audio from a microphone. The text is a sentence that says what to do."""


def list_devices() -> str:
    """The devices that can record, a line each: number, name, what PortAudio says of it.

    Raises:
        MicrophoneError: no PortAudio, or no device at all.
    """
    sounddevice = _sounddevice()
    lines = [
        f"{number:>3}  {device['name']} ({device['default_samplerate']:.0f} Hz)"
        for number, device in enumerate(sounddevice.query_devices())
        if device["max_input_channels"] > 0
    ]
    if not lines:
        raise MicrophoneError("there is no device that records; connect a microphone")
    return "\n".join(lines)


class Microphone:
    """Audio from a device until `stop`. Made inside a running event loop."""

    def __init__(self, device: str | None, audio_format: AudioFormat) -> None:
        """
        Args:
            device: its number or a part of its name; None for the system's choice.

        Raises:
            MicrophoneError: it cannot be opened.
        """
        self._sounddevice = _sounddevice()
        self._device = int(device) if device is not None and device.isdecimal() else device
        self._format = audio_format
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(_WAITING_CHUNKS)
        self._stopped = False
        self.lost_s = 0.0
        """Seconds of audio that were dropped because the server was too slow."""
        with self._plain_errors():
            self._rate = self._possible_rate()
            self._stream = self._sounddevice.RawInputStream(
                device=self._device,
                samplerate=self._rate,
                channels=1,
                dtype="int16",
                blocksize=self._rate * CHUNK_MS // 1000,
                callback=self._on_audio,
            )

    def stop(self) -> None:
        """No more audio; what was recorded is still handed out. May be called more than once."""
        if not self._stopped:
            self._stopped = True
            self._stream.stop()
            self._loop.call_soon(self._offer, b"")

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The audio, in the encoding of `audio_format`, from now until `stop`.

        Raises:
            MicrophoneError: the device is gone.
        """
        resampler = Resampler(self._rate, self._format.sample_rate)
        with self._plain_errors():
            self._stream.start()
        try:
            while block := await self._waiting.get():
                samples: Samples = np.frombuffer(block, np.int16)
                yield encode(resampler.feed(samples), self._format.encoding)
            yield encode(resampler.flush(), self._format.encoding)
        finally:
            self.close()

    def close(self) -> None:
        """Release the device. May be called more than once."""
        self._stream.close()

    def _possible_rate(self) -> int:
        """The format's rate where the device has it, else the device's own."""
        wanted = self._format.sample_rate
        try:
            self._sounddevice.check_input_settings(
                device=self._device, channels=1, dtype="int16", samplerate=wanted
            )
        except self._sounddevice.PortAudioError:
            device = self._sounddevice.query_devices(self._device, "input")
            return int(device["default_samplerate"])
        return wanted

    def _on_audio(self, data: Any, frames: int, time: Any, status: Any) -> None:
        """PortAudio's thread hands over a block; the buffer is PortAudio's own."""
        self._loop.call_soon_threadsafe(self._offer, bytes(data))

    def _offer(self, block: bytes) -> None:
        if self._waiting.full():
            lost = self._waiting.get_nowait()
            self.lost_s += len(lost) / 2 / self._rate
        self._waiting.put_nowait(block)

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except (self._sounddevice.PortAudioError, ValueError) as error:
            which = "a microphone" if self._device is None else f"the microphone {self._device!r}"
            raise MicrophoneError(
                f"{which} cannot be opened: {error}; `rasr mic --list-devices` shows what is there"
            ) from error


def _sounddevice() -> Any:
    try:
        import sounddevice
    except OSError as error:
        raise MicrophoneError(
            "the PortAudio library is not there, and microphones need it; "
            "on Debian and Ubuntu: apt install libportaudio2"
        ) from error
    return sounddevice
