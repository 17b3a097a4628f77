"""What speaks on a server: its voices, and the pool of workers, which start with the first text.

Nothing of it is loaded on a server that is never asked to speak, unless the settings say so.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

import structlog

from rasr.audio.writing import AudioWriter, WrittenFormat
from rasr.models.store import open_store
from rasr.models.voices import voices_here
from rasr.settings import Settings, SynthesisSettings
from rasr.synthesis import (
    Lengths,
    PoolLimits,
    Request,
    Sound,
    SpeechPool,
    SynthesisError,
    Voice,
    manner_on_scale,
)
from rasr.synthesis.official import DEFAULT_NAME, mapped
from rasr.synthesis.reading.limits import refuse_too_long
from rasr.tasks import awaited, watched
from rasr.wire.synthesis.request import SpeechRequest

_log = structlog.get_logger("rasr.synthesis")

_FIRST_PIECE = 12
"""Parts of words of the first piece where somebody listens meanwhile: it is heard soon, whatever
the voice and however long the first sentence."""


class Speech:
    """One server's. It belongs to one event loop."""

    def __init__(
        self, settings: SynthesisSettings, find_voices: Callable[[], Sequence[Voice]]
    ) -> None:
        """
        Args:
            find_voices: reads which voices are here; called in a thread.
        """
        self._settings = settings
        self._find_voices = find_voices
        self._starting: asyncio.Future[SpeechPool] | None = None
        self._pool: SpeechPool | None = None
        self._measuring = asyncio.Lock()
        self._warming: asyncio.Task[None] | None = None
        self.texts = 0
        """Spoken to their end since the start."""
        self.seconds = 0.0
        """Of sound made since the start."""

    @property
    def open_texts(self) -> int:
        """Texts in hand."""
        return 0 if self._pool is None else self._pool.texts

    def begin(self) -> None:
        """The server is ready: load the default voice, where the settings say so."""
        if self._settings.warm:
            self._warming = watched(self._warm(), name="warm-speech")

    def stop(self) -> None:
        """End the workers, whatever they do. Does not wait."""
        if self._warming is not None:
            self._warming.cancel()
        if self._starting is not None:
            self._starting.cancel()
        if self._pool is not None:
            self._pool.stop()

    async def voices(self) -> Sequence[Voice]:
        """Those that are here, the preferred ones first.

        Raises:
            EngineFailed: workers do not start.
        """
        return (await self._started()).voices

    async def request(self, asked: SpeechRequest, most: int, *, live: bool = False) -> Request:
        """What is to be spoken for somebody.

        Args:
            most: characters of the text.
            live: he listens meanwhile.

        Raises:
            SynthesisError: it cannot be.
        """
        refuse_too_long(asked.text, most)
        pool = await self._started()
        name = asked.voice or DEFAULT_NAME
        voice = mapped(name, pool.voices, self._settings.voices)
        if live:
            await self._measured(pool, voice)
        language = name.partition("_")[0]
        return Request(
            asked.text,
            voice,
            manner_on_scale(asked.speed, asked.pitch, asked.volume),
            language if language in voice.languages else "",
            Lengths(first=_FIRST_PIECE) if live or asked.streams else Lengths(),
        )

    async def speak(self, request: Request, *, live: bool = False) -> AsyncGenerator[Sound, None]:
        """The sounds of a text, piece by piece; to be closed by whoever stops listening.

        Args:
            live: somebody listens meanwhile.

        Raises:
            SynthesisError: see `SpeechPool.speak`.
        """
        pool = await self._started()
        async with aclosing(pool.speak(request, live=live)) as sounds:
            async for sound in sounds:
                self.seconds += sound.seconds
                yield sound
        self.texts += 1

    async def _started(self) -> SpeechPool:
        if self._pool is not None:
            return self._pool
        starting = self._starting
        if starting is None:
            starting = self._starting = awaited(self._start(), name="start-speech")
        try:
            # Others wait for it too: whoever leaves does not end it.
            self._pool = await asyncio.shield(starting)
        except Exception:
            # The next one may have more luck.
            if self._starting is starting:
                self._starting = None
            raise
        return self._pool

    async def _start(self) -> SpeechPool:
        settings = self._settings
        voices = await asyncio.to_thread(self._find_voices)
        limits = PoolLimits(settings.workers, settings.max_texts, settings.step_timeout_s)
        pool = SpeechPool(voices, limits)
        try:
            await pool.start()
        except BaseException:
            pool.stop()
            raise
        return pool

    async def _measured(self, pool: SpeechPool, voice: Voice) -> None:
        """Know what the voice costs here, which decides whether it may be live."""
        async with self._measuring:
            if voice.name not in pool.costs:
                alike = [one for one in pool.voices if _model(one) == _model(voice)]
                await pool.calibrate(alike)

    async def _warm(self) -> None:
        try:
            pool = await self._started()
            voice = mapped(DEFAULT_NAME, pool.voices, self._settings.voices)
            await pool.warm(voice)
            await self._measured(pool, voice)
        except SynthesisError as error:
            # Whoever has a text spoken is told; listening goes on as ever.
            _log.warning("speech_not_warm", why=str(error))


class SpokenSound:
    """The bytes of one text's sound. They are made in a thread: it takes some milliseconds for a
    sentence, and the audio of others does not wait."""

    def __init__(self, request: Request, asked: SpeechRequest) -> None:
        self._rate = request.voice.rate
        self._writer = AudioWriter(WrittenFormat(asked.audio_format), self._rate, asked.sample_rate)

    async def feed(self, sound: Sound) -> bytes:
        """What is certain with the next piece."""
        return await asyncio.to_thread(self._fed, sound)

    async def flush(self) -> bytes:
        """The rest."""
        return await asyncio.to_thread(self._writer.flush)

    def _fed(self, sound: Sound) -> bytes:
        return self._writer.feed(sound.at_rate(self._rate))


def make_speech(settings: Settings) -> Speech:
    """What speaks on a server of these settings."""
    folder = settings.models.folder
    return Speech(settings.synthesis, lambda: voices_here(open_store(folder, os.environ)))


def _model(voice: Voice) -> tuple[str, str]:
    return voice.engine, voice.folder
