"""Whose turn it is, where work of two kinds waits."""

from __future__ import annotations

IN_A_ROW = 3
"""So many that go first go for each one of the others, where both wait: however many of the others
there are, one that goes first waits for one of them at most, and they are never shut out."""


class Precedence:
    """Of one kind of work over another."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def is_of_first(self, *, first: bool, others: bool) -> bool:
        """Whether one of those that go first is next. It is counted as done.

        Args:
            first: some of them wait.
            others: some of the others do. One of the two is true.
        """
        if first and (not others or self._in_a_row < IN_A_ROW):
            self._in_a_row += 1
            return True
        self._in_a_row = 0
        return False
