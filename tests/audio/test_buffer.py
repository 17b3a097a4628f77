from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.audio import AudioBuffer
from tests.audio.sound import noise, quick

SOUND = noise(4, 16000)


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 9000), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30
    )
)
@quick
def test_what_is_kept_can_be_read_at_its_own_place(steps: list[tuple[int, float, float]]) -> None:
    tape = AudioBuffer()
    start = 0
    for count, forgotten, read in steps:
        piece = SOUND[tape.end_sample :][:count]
        tape.append(piece)
        start += int(forgotten * (tape.end_sample - start))
        tape.forget_before(start)
        first = start + int(read * (tape.end_sample - start))
        assert tape.start_sample == start
        assert (tape.read(first, tape.end_sample) == SOUND[first : tape.end_sample]).all()
        assert (tape.read(start, first) == SOUND[start:first]).all()
        assert tape.capacity_bytes <= max(8192, 2 * 4 * (tape.end_sample - start))


def test_hours_of_sound_take_no_more_memory_than_what_is_kept() -> None:
    tape = AudioBuffer()
    frame = np.ones(3200, np.int16)
    for _ in range(5 * 3600 * 5):
        tape.append(frame)
        tape.forget_before(tape.end_sample - 1600)
    assert tape.end_sample == 5 * 3600 * 16000
    assert tape.capacity_bytes <= 2 * 4 * (1600 + 3200)


def test_the_buffer_grows_in_few_steps_however_small_the_pieces() -> None:
    tape = AudioBuffer()
    capacities = set()
    for _ in range(50_000):
        tape.append(SOUND[:4])
        capacities.add(tape.capacity_bytes)
    assert len(capacities) < 10


def test_what_was_read_stays_as_it_was() -> None:
    tape = AudioBuffer()
    tape.append(SOUND[:4000])
    copy = tape.read(0, 4000)
    tape.forget_before(4000)
    tape.append(SOUND[4000:8000])
    assert (copy == SOUND[:4000]).all()


def test_reading_what_was_forgotten_or_never_came_is_a_bug_of_the_caller() -> None:
    tape = AudioBuffer()
    tape.append(SOUND[:100])
    tape.forget_before(50)
    for start, end in ((49, 60), (60, 101), (70, 60)):
        with pytest.raises(AssertionError, match="tape of 50 to 100"):
            tape.read(start, end)
    with pytest.raises(AssertionError, match="past the end"):
        tape.forget_before(101)


def test_forgetting_never_goes_back() -> None:
    tape = AudioBuffer()
    tape.append(SOUND[:100])
    tape.forget_before(50)
    tape.forget_before(10)
    assert tape.start_sample == 50
