from __future__ import annotations

import numpy as np
import pytest

from vad import frame_levels
from vad.level import frame_edges


def test_the_level_of_a_square_wave_is_its_height() -> None:
    sound = np.tile(np.array([500, -500], np.int16), 160)
    assert frame_levels(sound, 320) == pytest.approx([500.0])


def test_full_scale_does_not_overflow() -> None:
    assert frame_levels(np.full(512, -32768, np.int16), 512) == pytest.approx([32768.0])


def test_digital_silence_is_level_zero_and_no_sound_has_no_level() -> None:
    assert frame_levels(np.zeros(320, np.int16), 320) == [0.0]
    assert frame_levels(np.zeros(0, np.int16), 320) == []


def test_each_frame_has_a_level_of_its_own() -> None:
    sound = np.concatenate([np.full(320, 100, np.int16), np.full(320, 7, np.int16)])
    assert frame_levels(sound, 320) == pytest.approx([100.0, 7.0])


def test_edges_are_the_differences_of_neighbours_within_each_frame() -> None:
    steps = np.tile(np.array([0, 30], np.int16), 160)
    sound = np.concatenate([steps, np.full(320, 9000, np.int16)])
    assert frame_edges(sound, 320) == pytest.approx([30.0, 0.0])


def test_the_edges_of_full_scale_do_not_overflow() -> None:
    sound = np.tile(np.array([-32768, 32767], np.int16), 160)
    assert frame_edges(sound, 320) == pytest.approx([65535.0])
