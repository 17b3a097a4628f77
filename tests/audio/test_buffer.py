from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.audio import AudioBuffer
from tests.audio.signals import noise, quick

AUDIO = noise(4, 16000)


OBJECTS_BYTES = 2000
"""What a buffer takes beside its samples, and more."""


@contextmanager
def traced_memory() -> Iterator[Callable[[], int]]:
    """Yields what says how many bytes have been allocated since and not been given back."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield lambda: tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 9000), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30
    )
)
@quick
def test_what_is_kept_can_be_read_at_its_own_place(steps: list[tuple[int, float, float]]) -> None:
    with traced_memory() as memory:
        buffer = AudioBuffer()
        start = 0
        for count, forgotten, read in steps:
            piece = AUDIO[buffer.end_sample :][:count]
            buffer.append(piece)
            start += int(forgotten * (buffer.end_sample - start))
            buffer.forget_before(start)
            first = start + int(read * (buffer.end_sample - start))
            assert buffer.start_sample == start
            assert (buffer.read(first, buffer.end_sample) == AUDIO[first : buffer.end_sample]).all()
            assert (buffer.read(start, first) == AUDIO[start:first]).all()
            most = max(8192, 2 * 4 * (buffer.end_sample - start))
            assert memory() <= most + OBJECTS_BYTES


def test_hours_of_audio_take_no_more_memory_than_what_is_kept() -> None:
    frame = np.ones(3200, np.int16)
    with traced_memory() as memory:
        buffer = AudioBuffer()
        for _ in range(5 * 3600 * 5):
            buffer.append(frame)
            buffer.forget_before(buffer.end_sample - 1600)
        assert buffer.end_sample == 5 * 3600 * 16000
        assert memory() <= 2 * 4 * (1600 + 3200) + OBJECTS_BYTES


def test_the_buffer_grows_in_few_steps_however_small_the_pieces() -> None:
    with traced_memory() as memory:
        buffer = AudioBuffer()
        steps, before = 0, memory()
        for _ in range(50_000):
            buffer.append(AUDIO[:4])
            now = memory()
            steps += abs(now - before) > OBJECTS_BYTES
            before = now
    assert 0 < steps < 10


def test_what_was_read_stays_as_it_was() -> None:
    buffer = AudioBuffer()
    buffer.append(AUDIO[:4000])
    copy = buffer.read(0, 4000)
    buffer.forget_before(4000)
    buffer.append(AUDIO[4000:8000])
    assert (copy == AUDIO[:4000]).all()


def test_reading_what_was_forgotten_or_never_came_is_a_bug_of_the_caller() -> None:
    buffer = AudioBuffer()
    buffer.append(AUDIO[:100])
    buffer.forget_before(50)
    for start, end in ((49, 60), (60, 101), (70, 60)):
        with pytest.raises(AssertionError, match="buffer of 50 to 100"):
            buffer.read(start, end)
    with pytest.raises(AssertionError, match="past the end"):
        buffer.forget_before(101)


def test_forgetting_never_goes_back() -> None:
    buffer = AudioBuffer()
    buffer.append(AUDIO[:100])
    buffer.forget_before(50)
    buffer.forget_before(10)
    assert buffer.start_sample == 50


@pytest.mark.parametrize("kept", [0, 4095, 4096, 4097, 10_000])
def test_what_is_kept_of_much_is_still_there(kept: int) -> None:
    audio = np.arange(200_000, dtype=np.int32).astype(np.int16)
    buffer = AudioBuffer()
    buffer.append(audio)
    buffer.forget_before(len(audio) - kept)
    assert (buffer.read(len(audio) - kept, len(audio)) == audio[len(audio) - kept :]).all()
    buffer.append(audio)
    assert (buffer.read(len(audio), 2 * len(audio)) == audio).all()
