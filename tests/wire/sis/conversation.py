"""A whole SIS conversation without socket, engine or clock: inputs in, messages out."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decoder import HotWord
from rasr.recognition import effects as core
from rasr.recognition.config import EngineChoice
from rasr.recognition.events import Done
from rasr.recognition.recognition import Recognition
from rasr.recognition.segmenter import Margins
from rasr.settings import SessionSettings
from rasr.wire.dialect import (
    AccessRequest,
    Acknowledged,
    Cancel,
    Close,
    Drop,
    Effect,
    Ended,
    Farewell,
    Feed,
    Finish,
    Flush,
    Grant,
    Open,
    Refusal,
    RefusalKind,
    Resumable,
    Send,
    TakeUp,
)
from rasr.wire.sis.conversation import SisConversation
from rasr.wire.sis.messages import Ended as EndedMessage
from rasr.wire.sis.messages import Error, Event, Result, Started
from rasr.wire.sis.modes import Mode
from rasr.wire.sis.resuming import ResumeOffers
from tests.recognition.talk import LoudIsSpeech, hypothesis

RATE = 16000
QUIET = SessionSettings(warnings=False)
"""The audio of these tests is no audio that anybody would send; no need to be told."""
VOCABULARIES = {"team": ("Dashwood", "Brandon")}


class Conversation:
    """Plays the client, the engine and the server against one conversation."""

    def __init__(
        self,
        mode: Mode = Mode.CONTINUE,
        *,
        rules: SessionSettings | None = None,
        slots: int = 1000,
        hot_words: bool = False,
        lookahead_ms: int = 0,
    ) -> None:
        self.now = 100.0
        self.slots = slots
        self.engine = EngineChoice("engine", hot_words, True, RATE * lookahead_ms // 1000)
        ids = itertools.count(1)
        self.conversation = SisConversation(
            mode,
            rules or QUIET,
            lambda: f"trace-{next(ids)}",
            now=self.now,
            offers=ResumeOffers(lambda: "token", 30.0),
        )
        self.recognition: Recognition | None = None
        self.requests: list[AccessRequest] = []
        self.effects: list[Effect] = []
        self.hot_words: list[tuple[HotWord, ...]] = []
        """Those of each segment."""
        self.decoded: dict[int, list[NDArray[np.int16]]] = {}
        self.open: list[int] = []
        """Segments that no final was given for, in order; they count on over recognitions."""
        self.finished: list[int] = []
        self.silences: list[int] = []
        """Samples without speech at the end of each of `finished`."""
        self.awaited: list[bool] = []
        self._before = 0
        """Segments of the recognitions before the newest."""

    @property
    def closed(self) -> bool:
        return self.conversation.deadline() is None

    # The client

    def start(self, **config: Any) -> Conversation:
        defaults = {"audio_format": "pcm16k16bit", "property": "english_16k_common"}
        return self.text(json.dumps({"command": "START", "config": defaults | config}))

    def end(self, cancel: object = None) -> Conversation:
        command = {"command": "END"} if cancel is None else {"command": "END", "cancel": cancel}
        return self.text(json.dumps(command))

    def command(self, command: str, **more: object) -> Conversation:
        return self.text(json.dumps({"command": command, **more}))

    def text(self, text: str) -> Conversation:
        self.conversation.receive(text, now=self.now)
        return self._drain()

    def audio(self, *pieces: bytes, chunk: int | None = None) -> Conversation:
        data = b"".join(pieces)
        step = chunk or 1 << 16
        for at in range(0, max(len(data), 1), step):
            self.conversation.receive(data[at : at + step], now=self.now)
            self._drain()
        return self

    def wait(self, seconds: float) -> Conversation:
        self.now += seconds
        self.conversation.advance(now=self.now)
        return self._drain()

    def leave(self) -> Conversation:
        self.conversation.receive_eof()
        if self.recognition is not None:
            self.recognition.cancel()
        return self._drain()

    # The server

    def shut_down(self, farewell: Farewell = Farewell.SHUTDOWN) -> Conversation:
        self.conversation.shut_down(farewell)
        return self._drain()

    def break_off(self) -> Conversation:
        self.conversation.break_off()
        return self._drain()

    def _answer(self, request: AccessRequest) -> None:
        self.requests.append(request)
        answer = self._access(request)
        if isinstance(answer, Refusal):
            self.conversation.refused(answer, now=self.now)
        else:
            self.conversation.granted(answer, now=self.now)

    def _access(self, request: AccessRequest) -> Grant | Refusal:
        if request.language != "english":
            return Refusal(RefusalKind.LANGUAGE, "english")
        words = list(request.hot_words)
        if request.vocabulary_id is not None:
            if request.vocabulary_id not in VOCABULARIES:
                return Refusal(RefusalKind.VOCABULARY)
            words = [*VOCABULARIES[request.vocabulary_id], *words]
        if request.caption_channel == "taken":
            return Refusal(RefusalKind.CHANNEL_BUSY)
        if self.slots == 0:
            return Refusal(RefusalKind.CAPACITY, "the server is full: 0 of 0 rounds are open")
        self.slots -= 1
        return Grant(self.engine, tuple(HotWord(word) for word in dict.fromkeys(words)))

    # The engine

    def partial(self, text: str, utterance: int | None = None) -> Conversation:
        return self._hear(utterance or self.open[0], text, final=False)

    def final(self, text: str, utterance: int | None = None) -> Conversation:
        number = utterance or self.open[0]
        self.open.remove(number)
        return self._hear(number, text, final=True)

    def _hear(self, number: int, text: str, *, final: bool) -> Conversation:
        assert self.recognition is not None
        segment = number - self._before
        self.recognition.hypothesis(segment, hypothesis(text), final=final)
        return self._drain()

    def fail(self, sentence: str = "the engine failed") -> Conversation:
        assert self.recognition is not None
        self.recognition.failed(self.open.pop(0) - self._before, sentence)
        return self._drain()

    def refuse(self, *hot_words: str) -> Conversation:
        assert self.recognition is not None
        self.recognition.hot_words_refused(tuple(HotWord(word) for word in hot_words))
        return self._drain()

    # What came of it

    def told(self) -> list[str]:
        """The messages sent since the last call, each in a word or two."""
        said = [_short(effect) for effect in self.effects]
        self.effects.clear()
        return [line for line in said if line]

    def messages(self) -> list[dict[str, Any]]:
        """The messages sent since the last call, as the client parses them."""
        sent = [
            json.loads(self.conversation.encode(effect.message))
            for effect in self.effects
            if isinstance(effect, Send)
        ]
        self.effects.clear()
        return sent

    def audio_of(self, utterance: int) -> bytes:
        """What the engine was given of an utterance."""
        return b"".join(piece.tobytes() for piece in self.decoded[utterance])

    def _drain(self) -> Conversation:
        while True:
            wanted: list[Effect | core.Effect] = list(self.conversation.effects())
            if self.recognition is not None:
                wanted += self.recognition.effects()
            if not wanted:
                return self
            for effect in wanted:
                if isinstance(effect, core.Effect):
                    self._do_core(effect)
                else:
                    self._do(effect)

    def _do(self, effect: Effect) -> None:
        self.effects.append(effect)
        match effect:
            case AccessRequest():
                self._answer(effect)
            case Open():
                self.recognition = Recognition(effect.config, LoudIsSpeech(), Margins(300, 300))
            case Send() | Close() | Ended() | Resumable() | Acknowledged():
                pass
            case TakeUp():
                self.conversation.not_taken_up()
            case _ if self.recognition is None:
                raise AssertionError(f"{effect} without a recognition")
            case Feed():
                self.recognition.audio(effect.data, now=self.now)
                while self.recognition.pending:
                    self.recognition.audio(b"", now=self.now)
            case Finish():
                self.recognition.finish()
            case Cancel():
                self.recognition.cancel()
            case Flush() | Drop():
                raise AssertionError("SIS has no such thing")

    def _do_core(self, effect: core.Effect) -> None:
        assert self.recognition is not None
        match effect:
            case core.StartSegment():
                number = self._before + effect.segment
                self.open.append(number)
                self.decoded[number] = []
                self.hot_words.append(effect.hot_words)
            case core.Decode():
                self.decoded[self._before + effect.segment].append(effect.samples)
            case core.PauseSegment():
                pass
            case core.FinishSegment():
                self.finished.append(self._before + effect.segment)
                self.silences.append(effect.silence)
                self.awaited.append(effect.awaited)
            case core.AbandonSegment():
                self.open.remove(self._before + effect.segment)
            case core.Process():
                self.recognition.processed(effect.segment, effect.hypothesis, final=effect.final)
            case core.Report():
                self.conversation.event(effect.event, now=self.now)
                if isinstance(effect.event, Done):
                    self._before += self.recognition.segments
                    self.recognition = None
            case core.TakeSlot() | core.ReleaseSlot():
                raise AssertionError("a SIS recognition has its slot from START on")


def _short(effect: Effect) -> str:
    match effect:
        case Close():
            return f"close {effect.code}"
        case Send(Started()):
            return "START"
        case Send(Result(segments=segments)):
            return _shown(segments)
        case Send(Event(event=event, warning=None)):
            return str(event)
        case Send(Event(warning=warning)):
            return f"WARNING {warning}"
        case Send(Error(fatal=fatal, error_code=code)):
            return f"{'FATAL_ERROR' if fatal else 'ERROR'} {code}"
        case Send(EndedMessage(reason=reason)):
            return f"END {reason}"
        case _:
            return ""


def _shown(segments: Sequence[Any]) -> str:
    (segment,) = segments
    return f"{'final' if segment.is_final else 'partial'}: {segment.text}"


def refused(**config: Any) -> str:
    """The sentence that answers a START with these fields."""
    (message,) = Conversation().start(**config).messages()
    assert message["resp_type"] == "ERROR"
    return f"{message['error_code']} {message['error_msg']}"
