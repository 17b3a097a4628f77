"""Which files of voices need no trial any more before a worker loads them.

The trial of a model of sherpa-onnx, in a child process, costs a worker seconds before the first
text. What has been loaded once, when the server looked at its folders or by another worker, is not
tried again; what a worker has died of is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rasr.synthesis.host import Measure, Question, Read, ReadOn, Say, Warm
from rasr.synthesis.voice import Voice


class Trials:
    """What one pool knows of its voices."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], bool] = {}

    def asked(self, question: Question) -> Question:
        """The question as a worker is asked it: it says whether its voice was tried."""
        match question:
            case Say(piece):
                return Say(replace(piece, voice=self._as_known(piece.voice)))
            case Measure(voice):
                return Measure(self._as_known(voice))
            case Warm(voice):
                return Warm(self._as_known(voice))
            case Read() | ReadOn():
                return question
            case _:
                assert_never(question)

    def note(self, question: Question, *, fine: bool) -> None:
        """A worker has answered the question, or died of it."""
        match question:
            case Say(piece):
                self._known[_files(piece.voice)] = fine
            case Measure(voice) | Warm(voice):
                self._known[_files(voice)] = fine

    def _as_known(self, voice: Voice) -> Voice:
        return replace(voice, tried=self._known.get(_files(voice), voice.tried))


def _files(voice: Voice) -> tuple[str, str]:
    return voice.engine, voice.folder
