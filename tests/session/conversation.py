"""A whole conversation without socket, engine or clock: inputs in, messages out."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decoder import HotWord, Hypothesis, Word
from rasr.session.effects import (
    AbandonUtterance,
    Close,
    Decode,
    Effect,
    FinishUtterance,
    OpenUtterance,
    RoundClosed,
    RoundOpened,
    Send,
)
from rasr.session.machine import SessionMachine
from rasr.session.rules import EngineChoice, Services, SessionRules
from rasr.wire.sis.codec import encode_server
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.messages import Ended, Error, Event, Result, Started
from rasr.wire.sis.modes import Mode

RATE = 16000
LOUD = 8000
QUIET = SessionRules(warnings=False)
"""The sound of these tests is no sound that anybody would send; no need to be told."""


class LoudIsSpeech:
    """A classifier that a test can command: loud frames are speech."""

    sample_rate = RATE

    def __init__(self, frame_ms: int = 20) -> None:
        self.frame_samples = RATE * frame_ms // 1000

    def judge(self, samples: NDArray[np.int16], levels: Sequence[float]) -> list[bool]:
        frames = np.abs(samples.astype(np.int32)).reshape(-1, self.frame_samples)
        flags: list[bool] = (frames.max(axis=1) > LOUD // 2).tolist()
        return flags


def speech(ms: int) -> bytes:
    """Loud sound, which `LoudIsSpeech` takes for speech; pcm16k16bit."""
    count = RATE * ms // 1000
    return np.where(np.arange(count) % 2, LOUD, -LOUD).astype("<i2").tobytes()


def hush(ms: int) -> bytes:
    """Sound that is nearly silent; pcm16k16bit."""
    count = RATE * ms // 1000
    return np.where(np.arange(count) % 7, 40, -40).astype("<i2").tobytes()


def hypothesis(text: str, at_ms: int = 0, word_ms: int = 200) -> Hypothesis:
    """Words of `text` one after the other from `at_ms` of their utterance."""
    width = RATE * word_ms // 1000
    start = RATE * at_ms // 1000
    words = tuple(
        Word(word, start + number * width, start + (number + 1) * width, 0.9)
        for number, word in enumerate(text.split())
    )
    return Hypothesis(words, text, 0.9)


class Conversation:
    """Plays the client and the engine against one machine."""

    def __init__(
        self,
        mode: Mode = Mode.CONTINUE,
        *,
        rules: SessionRules | None = None,
        seats: int = 1000,
        hot_words: bool = False,
        lookahead_ms: int = 0,
    ) -> None:
        self.now = 100.0
        self.seats = seats
        engine = EngineChoice("engine", RATE, hot_words, RATE * lookahead_ms // 1000)
        ids = itertools.count(1)
        services = Services(
            engine_for=lambda prop: engine if prop.language == "english" else None,
            languages=("english",),
            make_classifier=LoudIsSpeech,
            make_text=lambda language, digits, punctuation: lambda raw, final: raw,
            vocabulary={"team": ("Dashwood", "Brandon")}.get,
            admit=self._admit,
            channel_refusal=self._refuse_channel,
            new_trace_id=lambda: f"trace-{next(ids)}",
        )
        self.machine = SessionMachine(mode, services, rules or QUIET, now=self.now)
        self.effects: list[Effect] = []
        self.decoded: dict[int, list[NDArray[np.int16]]] = {}
        self.open: list[int] = []
        """Utterances that no final was given for, in order."""
        self.finished: list[int] = []
        self.silences: list[int] = []
        self.awaited: list[bool] = []
        """Samples without speech at the end of each of `finished`."""

    def _refuse_channel(self, name: str) -> ProtocolError | None:
        if name != "taken":
            return None
        return ProtocolError(ErrorCode.INVALID, "another round is publishing to 'taken'")

    def _admit(self, engine: str) -> str | None:
        if self.seats == 0:
            return "the server is full: 0 of 0 rounds are open"
        self.seats -= 1
        return None

    # The client

    def start(self, **config: Any) -> Conversation:
        defaults = {"audio_format": "pcm16k16bit", "property": "english_16k_common"}
        return self.text(json.dumps({"command": "START", "config": defaults | config}))

    def end(self, cancel: object = None) -> Conversation:
        command = {"command": "END"} if cancel is None else {"command": "END", "cancel": cancel}
        return self.text(json.dumps(command))

    def text(self, text: str) -> Conversation:
        self.machine.receive_text(text, now=self.now)
        return self._drain()

    def audio(self, *pieces: bytes, chunk: int | None = None) -> Conversation:
        data = b"".join(pieces)
        step = chunk or 1 << 16
        for at in range(0, max(len(data), 1), step):
            self.machine.receive_audio(data[at : at + step], now=self.now)
            self._drain()
        return self

    def wait(self, seconds: float) -> Conversation:
        self.now += seconds
        self.machine.advance(now=self.now)
        return self._drain()

    def leave(self) -> Conversation:
        self.machine.receive_eof()
        return self._drain()

    # The engine

    def partial(self, text: str, utterance: int | None = None) -> Conversation:
        self.machine.hypothesis(
            utterance or self.open[0], hypothesis(text), final=False, now=self.now
        )
        return self._drain()

    def final(self, text: str, utterance: int | None = None) -> Conversation:
        number = utterance or self.open[0]
        self.open.remove(number)
        self.machine.hypothesis(number, hypothesis(text), final=True, now=self.now)
        return self._drain()

    def fail(self, sentence: str = "the engine failed") -> Conversation:
        self.machine.decode_failed(self.open.pop(0), sentence, now=self.now)
        return self._drain()

    def refuse(self, *hot_words: str) -> Conversation:
        self.machine.hot_words_refused(tuple(HotWord(word) for word in hot_words))
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
            json.loads(encode_server(effect.message))
            for effect in self.effects
            if isinstance(effect, Send)
        ]
        self.effects.clear()
        return sent

    def sound(self, utterance: int) -> bytes:
        """What the engine was given of an utterance."""
        return b"".join(piece.tobytes() for piece in self.decoded[utterance])

    def _drain(self) -> Conversation:
        new = self.machine.effects()
        self.effects += new
        for effect in new:
            match effect:
                case OpenUtterance():
                    self.open.append(effect.utterance)
                    self.decoded[effect.utterance] = []
                case Decode():
                    self.decoded[effect.utterance].append(effect.samples)
                case FinishUtterance():
                    self.finished.append(effect.utterance)
                    self.silences.append(effect.silence)
                    self.awaited.append(effect.awaited)
                case AbandonUtterance():
                    self.open.remove(effect.utterance)
                case Send() | Close() | RoundOpened() | RoundClosed():
                    pass
        return self


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
        case Send(Ended(reason=reason)):
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
