"""The onset window: which frames called speech are believed."""

from __future__ import annotations

import pytest

from tests.vad.builders import flags_of
from vad.windows import OnsetWindow


def believed(window: OnsetWindow, picture: str) -> str:
    return "".join(".#"[window.push(flag)] for flag in flags_of(picture))


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        ("##.....", "......."),
        ("###....", "..#...."),
        ("#.#.#..", "....#.."),
        ("#..#..#", "......."),
        ("###..#.", "..#..#."),
        ("###...#", "..#...."),
        ("###...###", "..#.....#"),
    ],
)
def test_three_of_five_are_believed_from_the_third_on(picture: str, expected: str) -> None:
    assert believed(OnsetWindow(3, 5), picture) == expected


def test_one_of_one_believes_every_speech_frame() -> None:
    assert believed(OnsetWindow(1, 1), "#.##.") == "#.##."


def test_the_first_is_the_oldest_speech_frame_still_in_the_window() -> None:
    window = OnsetWindow(2, 4)
    believed(window, "#..#.#")
    assert window.first_since(0) == 3


def test_the_first_since_a_frame_passes_over_those_before_it() -> None:
    window = OnsetWindow(2, 4)
    believed(window, "#..#.#")
    assert [window.first_since(frame) for frame in (3, 4, 5)] == [3, 5, 5]


@pytest.mark.parametrize(("needed", "window"), [(1, 1), (1, 5), (5, 5)])
def test_a_window_has_room_for_what_is_needed(needed: int, window: int) -> None:
    assert believed(OnsetWindow(needed, window), "." * 7 + "#" * needed)[-1]


@pytest.mark.parametrize(("needed", "window"), [(0, 1), (0, 0), (2, 1), (6, 5)])
def test_nonsense_is_a_bug_of_the_caller(needed: int, window: int) -> None:
    with pytest.raises(AssertionError, match=f"{needed}, {window}"):
        OnsetWindow(needed, window)
