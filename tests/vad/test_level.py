from __future__ import annotations

import numpy as np
import pytest

from vad import frame_level


def test_the_level_of_a_square_wave_is_its_height() -> None:
    assert frame_level(np.tile(np.array([500, -500], np.int16), 160)) == pytest.approx(500.0)


def test_full_scale_does_not_overflow() -> None:
    assert frame_level(np.full(512, -32768, np.int16)) == pytest.approx(32768.0)


def test_digital_silence_and_no_sound_at_all_are_level_zero() -> None:
    assert frame_level(np.zeros(320, np.int16)) == 0.0
    assert frame_level(np.zeros(0, np.int16)) == 0.0
