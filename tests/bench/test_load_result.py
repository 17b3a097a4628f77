from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.load_result import largest


@given(
    truth=st.integers(0, 300),
    start=st.integers(1, 300),
    resolution=st.integers(1, 8),
    most=st.integers(1, 300),
)
def test_the_largest_number_is_found_to_within_the_resolution(
    truth: int, start: int, resolution: int, most: int
) -> None:
    asked: list[int] = []

    def holds(number: int) -> bool:
        asked.append(number)
        return number <= truth

    found = largest(holds, start, resolution, most)
    best = min(truth, most)
    assert best - resolution < found <= best
    assert len(asked) == len(set(asked))
    assert all(1 <= number <= most for number in asked)


def test_a_guess_near_the_truth_takes_few_tries() -> None:
    asked: list[int] = []

    def holds(number: int) -> bool:
        asked.append(number)
        return number <= 77

    assert largest(holds, start=64, resolution=4, most=512) == 76
    assert asked == [64, 80, 72, 76]
