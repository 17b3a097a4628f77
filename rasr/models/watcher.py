"""Who is told how far an installation has got."""

from __future__ import annotations

from typing import Protocol


class Watcher(Protocol):
    """Is told how far an installation has got."""

    def stage(self, name: str) -> None:
        """A stage begins: "fetching", "verifying" or "unpacking"."""

    def progress(self, done: int, total: int | None) -> None:
        """So many bytes of this stage are done; `total` is None where it is not known."""
