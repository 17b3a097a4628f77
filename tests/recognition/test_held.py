"""What a recognition holds when it is over, however it ended: nothing of the audio or its text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rasr.recognition.config import Segmentation
from rasr.recognition.recognition import Recognition, State
from rasr.recognition.segmenter import Margins
from tests.held import held_bytes
from tests.recognition.talk import LoudIsSpeech, Talk, config, hush, speech

SENTENCE = " ".join(f"word{number}" for number in range(50))
"""Fifty words are 10 kB and more."""


def finish_with_finals(talk: Talk) -> None:
    talk.finish()
    for segment in list(talk.open):
        talk.final(SENTENCE, segment)


def finish_with_failures(talk: Talk) -> None:
    while talk.open:
        talk.fail()


def give_up(talk: Talk) -> None:
    talk.recognition.give_up("nobody answers")
    talk.wait(0)


def drop(talk: Talk) -> None:
    talk.drop()


def flush(talk: Talk) -> None:
    talk.flush()
    for segment in list(talk.open):
        talk.final(SENTENCE, segment)


ENDINGS: dict[str, tuple[Callable[[Talk], object], State]] = {
    "finals": (finish_with_finals, State.OVER),
    "failures": (finish_with_failures, State.OVER),
    "cancelled": (Talk.cancel, State.OVER),
    "given up": (give_up, State.OVER),
    "dropped": (drop, State.OPEN),
    "flushed": (flush, State.OPEN),
}


@pytest.mark.parametrize("joined", [False, True], ids=["sentences", "joined"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_is_held_whatever_ended_it(ending: str, joined: bool) -> None:
    end, state = ENDINGS[ending]
    talk = Talk(Segmentation(joined=joined), slot_pause_s=30.0)
    talk.audio(hush(20))
    before = held_bytes(talk.recognition)
    # A segment whose final is awaited, and one that is open; both have had partials.
    talk.audio(speech(600), hush(900), speech(2000))
    for segment in list(talk.open):
        talk.partial(SENTENCE, segment).partial(f"{SENTENCE} and more", segment)
    assert held_bytes(talk.recognition) - before > 15_000
    end(talk)
    assert talk.recognition.state is state
    assert talk.open == []
    # An object of its own here and there, longer numbers; audio of 0.1 s would be 3,200 bytes.
    assert held_bytes(talk.recognition) - before < 1500
    # Nothing is awaited, so the slot is given back after the pause, and only once.
    assert talk.recognition.deadline() == talk.now + 30
    assert talk.wait(30).slots == 1
    assert talk.recognition.deadline() is None
    assert talk.wait(100).slots == 1


@pytest.mark.parametrize("ending", ["drop", "slot_refused"])
def test_nothing_is_held_of_what_waited_for_a_slot(ending: str) -> None:
    recognition = Recognition(
        config(Segmentation(), {"slot_pause_s": 30.0}), LoudIsSpeech(), Margins(300, 300)
    )
    before = held_bytes(recognition)
    for _ in range(10):
        recognition.audio(speech(200), now=0.0)
    recognition.flush("mark")
    assert held_bytes(recognition) - before > 60_000
    if ending == "drop":
        recognition.drop()
    else:
        recognition.slot_refused("no slot is free")
    recognition.effects()
    assert held_bytes(recognition) - before < 1500


@pytest.mark.parametrize("ending", [drop, flush, Talk.cancel, finish_with_finals, give_up])
def test_the_silence_that_might_have_been_a_pause_is_given_back(
    ending: Callable[[Talk], object],
) -> None:
    talk = Talk(Segmentation(tail_ms=None)).audio(hush(20))
    before = held_bytes(talk.recognition)
    talk.audio(speech(600), hush(5000))
    assert held_bytes(talk.recognition) - before > 100_000
    ending(talk)
    assert held_bytes(talk.recognition) - before < 1500
