"""A second, tiny dialect, to prove that a dialect is nothing but a conversation.

The client says a word a message: `begin LANGUAGE`, `flush MARK`, `drop`, `end`, `cancel`; binary
messages are 16 kHz audio. The server answers in lines: `ready`, `speech`, `silence`, `+ TEXT` for
partials with what is stable of them, `= TEXT` for finals, `mark MARK`, `bye`, `error SENTENCE`.
There is no order to keep but one: audio comes after `ready`.
"""

from __future__ import annotations

from rasr.audio import FORMATS
from rasr.recognition.config import RecognitionConfig, Segmentation, TextOptions
from rasr.recognition.events import (
    Done,
    Failure,
    Final,
    Mark,
    Partial,
    RecognitionEvent,
    SpeechEnded,
    SpeechStarted,
)
from rasr.wire.dialect import (
    AccessRequest,
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
    Send,
)


class LineConversation:
    """See the module's text."""

    def __init__(self) -> None:
        self._language = ""
        self._effects: list[Effect] = []
        self._gone = False

    def receive(self, message: str | bytes, *, now: float) -> None:
        if isinstance(message, bytes):
            self._effects.append(Feed(message))
            return
        match message.split(" ", 1):
            case ["begin", language]:
                self._language = language
                self._effects.append(
                    AccessRequest(model=language, language=language, sample_rate=16_000)
                )
            case ["flush", mark]:
                self._effects.append(Flush(mark))
            case ["drop"]:
                self._effects.append(Drop())
            case ["end"]:
                self._effects.append(Finish())
            case ["cancel"]:
                self._effects.append(Cancel())
            case _:
                self._say(f"error nobody knows {message!r}")

    def heard(self, *, now: float) -> None:
        pass

    def granted(self, grant: Grant, *, now: float) -> None:
        config = RecognitionConfig(
            audio_format=FORMATS["pcm16k16bit"],
            engine=grant.engine,
            text=TextOptions(self._language),
            segmentation=Segmentation(tail_ms=None),
            partials=True,
            warnings=False,
        )
        self._effects.append(Open(config, "line"))
        self._say("ready")

    def refused(self, refusal: Refusal, *, now: float) -> None:
        self._say(f"error {refusal.kind}: {refusal.detail}")

    def event(self, event: RecognitionEvent, *, now: float) -> None:
        match event:
            case SpeechStarted():
                self._say("speech")
            case SpeechEnded():
                self._say("silence")
            case Partial():
                stable = " ".join(
                    word.text for word in event.hypothesis.words[: event.stable_words]
                )
                self._say(f"+ {event.hypothesis.text} ({stable})")
            case Final():
                self._say(f"= {event.hypothesis.text}")
            case Mark():
                self._say(f"mark {event.mark}")
            case Failure():
                self._say(f"error {event.message}")
            case Done():
                self._say("bye")
                self._effects.append(Ended(event.outcome))

    def not_taken_up(self) -> None:
        raise AssertionError("nothing was to be taken up")

    def receive_eof(self) -> None:
        self._gone = True

    def shut_down(self, farewell: Farewell = Farewell.SHUTDOWN) -> None:
        self._effects.append(Finish())

    def cut_off(self) -> None:
        self._effects.append(Close(1001, "cut off"))

    def break_off(self) -> None:
        self._say("error a fault of the server")
        self._effects.append(Close(1011, "fault"))

    def deadline(self) -> float | None:
        return None

    def advance(self, *, now: float) -> None:
        pass

    def effects(self) -> list[Effect]:
        drained, self._effects = self._effects, []
        return drained

    def encode(self, message: object) -> str:
        return str(message)

    def _say(self, line: str) -> None:
        if not self._gone:
            error = "error" if line.startswith("error") else None
            self._effects.append(Send(line, error=error))
