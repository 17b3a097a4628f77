"""A recognition without engine, loop or clock: a test plays the caller and the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from decoder import Hypothesis, Word
from rasr.audio import FORMATS, SAMPLE_RATE
from rasr.recognition.config import EngineChoice, RecognitionConfig, Segmentation, TextOptions
from rasr.recognition.effects import (
    AbandonSegment,
    Decode,
    Effect,
    FinishSegment,
    PauseSegment,
    Process,
    ReleaseSlot,
    Report,
    StartSegment,
    TakeSlot,
)
from rasr.recognition.events import (
    Done,
    Failure,
    Final,
    HeadSilence,
    LimitReached,
    Mark,
    Partial,
    RecognitionEvent,
    SpeechEnded,
    SpeechStarted,
    Warning,
)
from rasr.recognition.recognition import Recognition
from rasr.recognition.segmenter import Margins

LOUD = 8000
EventT = TypeVar("EventT", bound=RecognitionEvent)


class LoudIsSpeech:
    """A classifier that a test can command: loud frames are speech."""

    sample_rate = SAMPLE_RATE

    def __init__(self, frame_ms: int = 20) -> None:
        self.frame_samples = SAMPLE_RATE * frame_ms // 1000

    def judge(self, samples: NDArray[np.int16], levels: Sequence[float]) -> list[bool]:
        frames = np.abs(samples.astype(np.int32)).reshape(-1, self.frame_samples)
        flags: list[bool] = (frames.max(axis=1) > LOUD // 2).tolist()
        return flags


def speech(ms: int) -> bytes:
    """Loud audio, which `LoudIsSpeech` takes for speech; pcm16k16bit."""
    count = SAMPLE_RATE * ms // 1000
    return np.where(np.arange(count) % 2, LOUD, -LOUD).astype("<i2").tobytes()


def hush(ms: int) -> bytes:
    """Audio that is nearly silent; pcm16k16bit."""
    count = SAMPLE_RATE * ms // 1000
    return np.where(np.arange(count) % 7, 40, -40).astype("<i2").tobytes()


def hypothesis(text: str, at_ms: int = 0, word_ms: int = 200) -> Hypothesis:
    """Words of `text` one after the other from `at_ms` of their segment."""
    width = SAMPLE_RATE * word_ms // 1000
    start = SAMPLE_RATE * at_ms // 1000
    words = tuple(
        Word(word, start + number * width, start + (number + 1) * width, 0.9)
        for number, word in enumerate(text.split())
    )
    return Hypothesis(words, text, 0.9)


SENTENCES = Segmentation()


def config(
    segmentation: Segmentation, fields: dict[str, Any], *, hot_words: bool = False
) -> RecognitionConfig:
    """16 kHz audio and an engine that a test plays."""
    return RecognitionConfig(
        audio_format=FORMATS["pcm16k16bit"],
        engine=EngineChoice("engine", hot_words),
        segmentation=segmentation,
        **{"text": TextOptions("english"), "partials": True, "warnings": False, **fields},
    )


class Talk:
    """Plays the caller, the engine and the text rules against one recognition."""

    def __init__(
        self,
        segmentation: Segmentation = SENTENCES,
        *,
        slots: int = 1,
        processes: bool = True,
        classifier: LoudIsSpeech | None = None,
        **fields: Any,
    ) -> None:
        """
        Args:
            slots: admission slots that are free.
            processes: text is processed at once; else the test answers by `process`.
        """
        self.now = 100.0
        self.slots = slots
        self.recognition = Recognition(
            config(segmentation, fields), classifier or LoudIsSpeech(), Margins(300, 300)
        )
        self.events: list[RecognitionEvent] = []
        self.decoded: dict[int, list[NDArray[np.int16]]] = {}
        self.open: list[int] = []
        """Segments that no final was given for, in order."""
        self.finished: list[FinishSegment] = []
        self.pauses: list[tuple[int, int]] = []
        """Segment, and how many of its samples had been given when nobody spoke."""
        self.processing: list[Process] = []
        self._processes = processes
        self._drain()

    # The caller

    def audio(self, *pieces: bytes, chunk: int | None = None) -> Talk:
        data = b"".join(pieces)
        step = chunk or max(len(data), 1)
        for at in range(0, max(len(data), 1), step):
            self.recognition.audio(data[at : at + step], now=self.now)
            self._drain()
            while self.recognition.pending:
                self.recognition.audio(b"", now=self.now)
                self._drain()
        return self

    def flush(self, mark: str = "mark") -> Talk:
        self.recognition.flush(mark)
        return self._drain()

    def drop(self) -> Talk:
        self.recognition.drop()
        return self._drain()

    def finish(self) -> Talk:
        self.recognition.finish()
        return self._drain()

    def cancel(self) -> Talk:
        self.recognition.cancel()
        return self._drain()

    def wait(self, seconds: float) -> Talk:
        self.now += seconds
        self.recognition.advance(now=self.now)
        return self._drain()

    # The engine and the text rules

    def partial(self, text: str, segment: int | None = None) -> Talk:
        self.recognition.hypothesis(segment or self.open[0], hypothesis(text), final=False)
        return self._drain()

    def final(self, text: str, segment: int | None = None) -> Talk:
        number = segment or self.open[0]
        self.open.remove(number)
        self.recognition.hypothesis(number, hypothesis(text), final=True)
        return self._drain()

    def fail(self, segment: int | None = None) -> Talk:
        number = segment or self.open[0]
        self.open.remove(number)
        self.recognition.failed(number, "the engine failed")
        return self._drain()

    def process(self, which: int = 0) -> Talk:
        """Answer one of the texts that wait to be processed: in capitals."""
        asked = self.processing.pop(which)
        text = asked.hypothesis.text.upper()
        words = tuple(
            Word(one.text.upper(), one.start_sample, one.end_sample, one.confidence)
            for one in asked.hypothesis.words
        )
        self.recognition.processed(asked.segment, Hypothesis(words, text, 0.9), final=asked.final)
        return self._drain()

    # What came of it

    def told(self) -> list[str]:
        """The events since the last call, each in a word or two."""
        events, self.events = self.events, []
        return [_short(event) for event in events]

    def of(self, kind: type[EventT]) -> list[EventT]:
        """The events of a kind so far, since `told` was called last."""
        return [event for event in self.events if isinstance(event, kind)]

    def audio_of(self, segment: int) -> bytes:
        """What the engine was given of a segment."""
        return b"".join(piece.tobytes() for piece in self.decoded[segment])

    def _drain(self) -> Talk:
        while effects := self.recognition.effects():
            for effect in effects:
                self._do(effect)
        return self

    def _do(self, effect: Effect) -> None:
        match effect:
            case StartSegment():
                self.open.append(effect.segment)
                self.decoded[effect.segment] = []
            case Decode():
                self.decoded[effect.segment].append(effect.samples)
            case PauseSegment():
                given = sum(map(len, self.decoded[effect.segment]))
                self.pauses.append((effect.segment, given))
            case FinishSegment():
                self.finished.append(effect)
            case AbandonSegment():
                self.open.remove(effect.segment)
            case Process():
                if self._processes:
                    self.recognition.processed(
                        effect.segment, effect.hypothesis, final=effect.final
                    )
                else:
                    self.processing.append(effect)
            case TakeSlot():
                if self.slots:
                    self.slots -= 1
                    self.recognition.slot_taken()
                else:
                    self.recognition.slot_refused("no slot is free")
            case ReleaseSlot():
                self.slots += 1
            case Report():
                self.events.append(effect.event)


def _short(event: RecognitionEvent) -> str:
    match event:
        case SpeechStarted():
            return f"started {event.segment}"
        case SpeechEnded():
            return f"ended {event.segment} {event.reason}"
        case Partial():
            return f"partial {event.hypothesis.text} ({event.stable_words})"
        case Final():
            return f"final {event.hypothesis.text}"
        case HeadSilence():
            return "head silence"
        case LimitReached():
            return "limit"
        case Mark():
            return f"mark {event.mark}"
        case Warning():
            return f"warning {event.code}"
        case Failure():
            return f"failure {event.kind}"
        case Done():
            return f"done {event.outcome}"
