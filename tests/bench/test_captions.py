"""How long the viewers of a channel have waited."""

from __future__ import annotations

import pytest

from bench.captions import waits_ms


def test_a_final_was_sent_when_the_speaker_had_it_if_he_had_it_first() -> None:
    assert waits_ms([1.0, 9.0], [[1.05, 1.2]]) == pytest.approx([50, 200])


def test_a_viewer_who_is_first_tells_when_it_was_sent() -> None:
    assert waits_ms([1.3], [[1.0, 1.2]]) == pytest.approx([0, 200])
