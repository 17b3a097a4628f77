"""Ports that nobody else gets by chance."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import ports


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [("20000\t60999\n", 12_000, 20_000), ("1024\t65535\n", 1024, 65_536)],
)
def test_they_lie_below_those_that_the_system_gives_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str, least: int, most: int
) -> None:
    (tmp_path / "range").write_text(given)
    monkeypatch.setattr(ports, "_RANGE", tmp_path / "range")
    assert all(least <= ports.free_port() < most for _ in range(100))


def test_without_a_word_of_the_system_they_lie_below_the_usual_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ports, "_RANGE", tmp_path / "none")
    assert 12_000 <= ports.free_port() < 32_768
