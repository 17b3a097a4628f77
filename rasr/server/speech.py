"""What speaks on a server: its voices, and the pool of workers, which start with the first text.

Nothing of it is loaded on a server that is never asked to speak, unless the settings say so.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing

import structlog

from rasr.audio.writing import AudioWriter, WrittenFormat
from rasr.models.catalogue import Catalogue, load
from rasr.models.store import open_store
from rasr.models.voice_list import VoiceList, list_voices
from rasr.models.voices import own_voices, voices_here
from rasr.settings import Settings, SynthesisSettings
from rasr.synthesis.errors import SynthesisError
from rasr.synthesis.manner import manner_on_scale
from rasr.synthesis.official import DEFAULT_NAME, mapped
from rasr.synthesis.pool import SpeechPool
from rasr.synthesis.reading.limits import refuse_too_long
from rasr.synthesis.reading.pieces import Lengths
from rasr.synthesis.reading.request import Request
from rasr.synthesis.speech import Sound
from rasr.synthesis.voice import Voice
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
        self._found: asyncio.Future[Sequence[Voice]] | None = None
        """The voices that are looked for before anybody asks."""
        self._starting: asyncio.Future[SpeechPool] | None = None
        self._pool: SpeechPool | None = None
        self._measuring = asyncio.Lock()
        self._warming: asyncio.Task[None] | None = None
        self._catalogue: Catalogue | None = None
        self.texts = 0
        """Spoken to their end since the start."""
        self.seconds = 0.0
        """Of sound made since the start."""

    @property
    def open_texts(self) -> int:
        """Texts in hand."""
        return 0 if self._pool is None else self._pool.texts

    def begin(self) -> None:
        """The server is ready: look at folders of voices, which takes seconds for each, before
        somebody waits; and load the default voice, where the settings say so."""
        if self._settings.folders:
            self._found = awaited(asyncio.to_thread(self._find_voices), name="find-voices")
        if self._settings.warm:
            self._warm_up(every=False)

    def stop(self) -> None:
        """End the workers, whatever they do. Does not wait."""
        if self._found is not None and not self._found.cancel() and not self._found.cancelled():
            # An error that nobody asks for would be reported as one that was forgotten.
            self._found.exception()
        if self._warming is not None:
            self._warming.cancel()
        if self._starting is not None:
            self._starting.cancel()
        if self._pool is not None:
            self._pool.stop()

    async def listed(self) -> VoiceList:
        """Who can speak, and what is known of how well.

        Whoever asks is likely to have a text spoken next: the default voice is loaded meanwhile,
        and voices that were not measured yet are, while nobody is spoken to.

        Raises:
            EngineFailed: workers do not start.
        """
        pool = await self._started()
        self._warm_up(every=True)
        return await asyncio.to_thread(self._list, pool.voices, dict(pool.costs))

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
        found, self._found = self._found, None
        voices = await (found or asyncio.to_thread(self._find_voices))
        pool = SpeechPool(voices, self._settings)
        await pool.start()
        return pool

    async def _measured(self, pool: SpeechPool, voice: Voice) -> None:
        """Know what the voice costs here, which decides whether it may be live."""
        async with self._measuring:
            if voice.name not in pool.costs:
                alike = [one for one in pool.voices if _model(one) == _model(voice)]
                await pool.calibrate(alike)

    def _list(self, voices: Sequence[Voice], costs: Mapping[str, float]) -> VoiceList:
        if self._catalogue is None:
            self._catalogue = load()
        return list_voices(voices, self._settings.voices, costs, self._catalogue)

    def _warm_up(self, *, every: bool) -> None:
        if self._warming is None or self._warming.done():
            self._warming = watched(self._warm(every=every), name="warm-speech")

    async def _warm(self, *, every: bool) -> None:
        """
        Args:
            every: measure all voices, and not the default one alone.
        """
        try:
            pool = await self._started()
            voice = mapped(DEFAULT_NAME, pool.voices, self._settings.voices)
            if voice.name not in pool.costs:
                await pool.warm(voice)
            for one in (voice, *pool.voices) if every else (voice,):
                # A worker that measures a slow voice is away for some seconds.
                if pool.texts == 0:
                    await self._measured(pool, one)
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

    def find() -> tuple[Voice, ...]:
        own = own_voices(settings.synthesis.folders, _refused)
        return voices_here(open_store(settings.models.folder, os.environ), own)

    return Speech(settings.synthesis, find)


def _refused(fault: str) -> None:
    _log.warning("voices_refused", fault=fault)


def _model(voice: Voice) -> tuple[str, str]:
    return voice.engine, voice.folder
