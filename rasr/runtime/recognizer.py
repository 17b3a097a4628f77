"""Where recognitions begin: the one way from a configuration to events, for every door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Hashable, Mapping
from functools import partial

from rasr.recognition.config import RecognitionConfig
from rasr.recognition.events import Done, RecognitionEvent
from rasr.recognition.recognition import Recognition
from rasr.recognition.segmenter import Margins
from rasr.runtime.access import Access
from rasr.runtime.alignment import WordAligner
from rasr.runtime.chosen_text import DetectedText, PassText
from rasr.runtime.fair_share import FairShare, SessionShare
from rasr.runtime.runner import RecognitionRunner
from rasr.runtime.second_pass import SecondPassEngine
from rasr.runtime.segment_task import Alignment, Passes
from rasr.runtime.slow_text import SlowText
from rasr.runtime.statistics import SessionStatistics
from rasr.scheduling import Priority, Scheduler
from rasr.settings import SessionSettings
from rasr.tasks import EndedUnasked, awaited, given_up, was_asked_to_end
from rasr.text import TextProcessor, TextTools
from vad import Classifier


class ServerFault(Exception):
    """A fault of the server has ended the recognition."""


class Recognizer:
    """Makes recognitions. One serves a whole server."""

    def __init__(
        self,
        schedulers: Mapping[str, Scheduler],
        text: TextTools,
        make_classifier: Callable[[], Classifier],
        margins: Margins,
        settings: SessionSettings,
        *,
        final_timeout_s: float,
        aligner: WordAligner | None = None,
        share: FairShare | None = None,
    ) -> None:
        """
        Args:
            schedulers: by the names of their engines.
            make_classifier: a fresh one for each recognition.
            final_timeout_s: so long after the end of a segment its second pass may take.
            aligner: finds the times of words; None: those that are guessed stay so.
            share: of the event loop, for messages; None: one of its own.
        """
        self.settings = settings
        self.share = share or FairShare()
        """The time that messages of all sessions may take."""
        self._slow_text = SlowText()
        self._schedulers = schedulers
        self._text = text
        self._make_classifier = make_classifier
        self._margins = margins
        self._final_timeout_s = final_timeout_s
        self._aligner = aligner

    def close(self) -> None:
        """Begin no more work on texts."""
        self._slow_text.close()

    def start(
        self,
        config: RecognitionConfig,
        access: Access,
        statistics: SessionStatistics,
        *,
        owner: Hashable,
        priority: Priority = Priority.LIVE,
        settled_segments: int = 0,
    ) -> RecognitionRunner:
        """Begin a recognition, whose runner takes audio from now on.

        Args:
            access: closed when the recognition is over.
            owner: whose recognition it is, for a fair share of the workers.
            priority: of its decode tasks; recordings give way to who speaks.
            settled_segments: see `RecognitionRunner`.
        """
        return RecognitionRunner(
            Recognition(config, self._make_classifier(), self._margins),
            self._passes(config, owner, priority),
            self._processor(config),
            self._slow_text,
            access,
            statistics,
            answer_timeout_s=self.settings.answer_timeout_s,
            settled_segments=settled_segments,
        )

    def _processor(self, config: RecognitionConfig) -> TextProcessor:
        if config.text.detected:
            return DetectedText(partial(self._processor_of, config), config.text.language)
        return self._processor_of(config, config.text.language)

    def _processor_of(self, config: RecognitionConfig, language: str) -> TextProcessor:
        text, final = config.text, config.engine.final
        live, *finals = [
            self._text.processor(
                language,
                digits=text.digits,
                punctuation=text.punctuation,
                writing=engine.writing,
            )
            for engine in (config.engine, *((final,) if final is not None else ()))
        ]
        return PassText(live, finals[0]) if finals else live

    def _passes(self, config: RecognitionConfig, owner: Hashable, priority: Priority) -> Passes:
        final, aligner = config.engine.final, self._aligner
        second = alignment = None
        if final is not None:
            second = SecondPassEngine(
                self._schedulers[final.name],
                owner,
                config.hot_words if final.hot_words else (),
                None if priority is Priority.BATCH else self._final_timeout_s,
            )
        # Words are found by how they are said in a language that is known before.
        if config.word_times and aligner is not None and not config.text.detected:
            alignment = Alignment(aligner, config.text.language)
        return Passes(self._schedulers[config.engine.name], owner, priority, second, alignment)

    async def recognize(
        self,
        audio: AsyncIterable[bytes],
        config: RecognitionConfig,
        access: Access,
        statistics: SessionStatistics,
        *,
        priority: Priority = Priority.LIVE,
        settled_segments: int = 0,
    ) -> AsyncGenerator[RecognitionEvent, None]:
        """Recognise audio as it comes, and yield the events until `Done`.

        Audio is asked for no faster than it is decoded. Leaving the loop early gives the
        recognition up.

        Args:
            audio: bytes of `config.audio_format`, cut anyhow.
            priority: of its decode tasks.
            settled_segments: see `RecognitionRunner`.

        Raises:
            ServerFault: a fault of the server, which the log tells.
            BaseException: what `audio` raises, once what it gave before has been given up.
        """
        runner = self.start(
            config,
            access,
            statistics,
            owner=object(),
            priority=priority,
            settled_segments=settled_segments,
        )
        events = _Events()
        runner.attach(events)
        feeding = awaited(
            _feed(runner, audio, self.share.session(), self.settings.backlog_s), name="feed-audio"
        )
        feeding.add_done_callback(events.feeding_ended)
        try:
            while True:
                event = await events.next()
                yield event
                if isinstance(event, Done):
                    return
        finally:
            await given_up(feeding)
            runner.close("given up")


async def _feed(
    runner: RecognitionRunner,
    audio: AsyncIterable[bytes],
    share: SessionShare,
    most_backlog_s: float,
) -> None:
    iterator = aiter(audio)
    try:
        async for data in iterator:
            for _ in share.measured(runner.steps(data)):
                if share.must_wait:
                    await share.turn()
                while runner.backlog_s > most_backlog_s and not runner.over:
                    await runner.progress()
            if runner.over:
                return
        runner.finish()
    except asyncio.CancelledError as error:
        if was_asked_to_end():
            raise
        raise EndedUnasked("the source of the audio was cancelled") from error
    finally:
        if hasattr(iterator, "aclose"):
            await iterator.aclose()


class _Events:
    """A listener that brings events to whoever awaits them."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[RecognitionEvent | BaseException] = asyncio.Queue()

    is_there = True

    def on_event(self, event: RecognitionEvent) -> None:
        self._queue.put_nowait(event)

    def on_fault(self) -> None:
        self._queue.put_nowait(ServerFault("a fault of the server has ended the recognition"))

    def feeding_ended(self, task: asyncio.Future[None]) -> None:
        """Whatever the source of the audio raised ends the recognition."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._queue.put_nowait(error)

    async def next(self) -> RecognitionEvent:
        """The next event."""
        item = await self._queue.get()
        if isinstance(item, BaseException):
            raise item
        return item
