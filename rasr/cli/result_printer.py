"""Shows the messages of a recognition on the screen, and keeps its finals."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from rasr.cli.screen import Screen
from rasr.wire.sis.messages import (
    Ended,
    Error,
    Event,
    EventName,
    Result,
    Segment,
    ServerMessage,
    StartConfig,
    Started,
)
from rasr.wire.sis.modes import MODE_TRAITS, Mode


class ResultPrinter:
    """Shows one recognition: partials and finals as text, events and warnings as remarks."""

    def __init__(
        self,
        screen: Screen,
        mode: Mode,
        config: StartConfig,
        line_of: Callable[[Segment], str] | None = None,
    ) -> None:
        """
        Args:
            line_of: the line that a final gets on the screen; None: finals are not shown.
        """
        self._screen = screen
        self._mode = mode
        self._config = config
        self._line_of = line_of
        self.finals: list[Segment] = []
        """The finals so far, those without text among them."""
        self.failure: str | None = None
        """The server's ERROR, as a sentence; None without one."""

    def show(self, message: ServerMessage) -> None:
        """Show the next message of the recognition."""
        match message:
            case Result():
                for segment in message.segments:
                    self._segment(segment)
            case Event():
                self._event(message)
            case Error():
                self.failure = f"{message.error_msg} ({message.error_code})"
            case Started() | Ended():
                pass
            case _:
                assert_never(message)

    def _segment(self, segment: Segment) -> None:
        if not segment.is_final:
            self._screen.partial(segment.text)
            return
        self.finals.append(segment)
        if self._line_of is not None and segment.text:
            self._screen.final(self._line_of(segment))
        if MODE_TRAITS[self._mode].endpoints:
            self._screen.progress(segment.end_time / 1000)

    def _event(self, event: Event) -> None:
        match event.event:
            case EventName.EXCEEDED_AUDIO:
                limit_s = MODE_TRAITS[self._mode].max_audio_s
                hint = "" if self._mode is Mode.CONTINUE else "; --mode continue takes 5 hours"
                self._warn(
                    f"{self._mode} mode takes {limit_s} s of sound, the rest was not "
                    f"recognised{hint}"
                )
            case EventName.EXCEEDED_SILENCE:
                self._warn(
                    f"no speech was heard within {self._config.vad_head} ms, the rest was not "
                    "recognised; a longer --vad-head waits longer, --mode continue for ever"
                )
            case EventName.WARNING:
                self._warn(event.message or event.warning or "the sound is very likely wrong")
            case EventName.VOICE_START | EventName.VOICE_END:
                pass
            case _:
                assert_never(event.event)

    def _warn(self, sentence: str) -> None:
        self._screen.remark(f"Warning: {sentence}")
