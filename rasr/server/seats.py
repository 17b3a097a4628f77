"""Seats: how many rounds may be open at once, and the sentence for who comes too late."""

from __future__ import annotations


class Seats:
    """Counts the rounds that are open. A refused client is told the numbers."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.taken = 0

    def take(self) -> str | None:
        """Take a seat: None, or the sentence that refuses it."""
        if self.taken >= self.total:
            return (
                f"the server is full: {self.taken} of {self.total} rounds are open; "
                "try again when one has ended"
            )
        self.taken += 1
        return None

    def leave(self) -> None:
        assert self.taken > 0, "more seats were left than taken"
        self.taken -= 1
