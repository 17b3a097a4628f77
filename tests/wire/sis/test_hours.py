"""Five hours of conversation through the pure core, as fast as it goes: nothing of it is kept."""

from __future__ import annotations

import numpy as np
import pytest

from rasr.settings import SessionSettings
from rasr.wire.sis.modes import Mode
from tests.held import held_bytes
from tests.recognition.talk import hush, speech
from tests.wire.sis.conversation import RATE, Conversation

_MINUTE = [
    # Sentences, breaks at the longest sentence, and a silence that ends nothing.
    *[speech(1000)] * 4,
    *[hush(1000)] * 2,
    *[speech(600) + hush(400)] * 9,
    *[hush(1000)] * 15,
    *[speech(1000)] * 24,
    *[hush(1000)] * 6,
]
"""A minute of audio, second by second."""
_HOURS = 5


def hear_a_minute(talk: Conversation, *, engine_lag: int) -> None:
    """Audio of a minute, and what an engine makes of it that is so many sentences late."""
    for second in _MINUTE:
        talk.audio(second)
        for number in list(talk.open[: -engine_lag or None]):
            if number in talk.finished:
                talk.final(f"sentence {number}. And another of {number}", utterance=number)
        for number in talk.open:
            talk.partial(f"sentence {number} so far", utterance=number)
            # What the engine was given is its own affair.
            talk.decoded[number].clear()
    talk.effects.clear()


def test_what_is_held_is_found_wherever_it_lies() -> None:
    class Holder:
        def __init__(self) -> None:
            self.inner = {"list": [np.zeros(1000, np.int16)[5:]]}

    holder = Holder()
    before = held_bytes(holder)
    assert before > 2000
    holder.inner["list"].append(np.zeros(500, np.int16))
    assert 1000 < held_bytes(holder) - before < 1300


@pytest.mark.parametrize("engine_lag", [0, 2])
def test_five_hours_leave_nothing_behind(engine_lag: int) -> None:
    talk = Conversation(Mode.CONTINUE, rules=SessionSettings())
    talk.start(
        interim_results="yes",
        add_punc="yes",
        need_word_info="yes",
        max_seconds=10,
        vad_tail=300,
        vad_head=3000,
    )
    held = {}
    for minute in range(1, 60 * _HOURS + 1):
        hear_a_minute(talk, engine_lag=engine_lag)
        if minute in (30, 60 * _HOURS // 2, 60 * _HOURS):
            held[minute] = held_bytes(talk.conversation, talk.recognition)
    assert talk.recognition is not None
    assert talk.recognition.received_samples == _HOURS * 3600 * RATE
    assert len(talk.finished) > _HOURS * 60 * 10
    # An hour of audio is 115 MB; a number that has grown by a digit is a few bytes.
    assert max(held.values()) - min(held.values()) < 512, held
    talk.end()
    for number in list(talk.open):
        talk.final("the last", utterance=number)
    assert talk.told()[-1] == "END NORMAL"
    assert talk.recognition is None
