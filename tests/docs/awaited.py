"""What the documents speak of before it is there. Both lists are empty once it is."""

from __future__ import annotations

AWAITED_COMMANDS: tuple[tuple[str, ...], ...] = (("setup",), ("doctor",), ("serve", "--log-format"))
"""Commands and options of `rasr`, as words that a command line has."""

AWAITED_PAGES: tuple[str, ...] = ("docs/page.md", "docs/container.md")
"""Documents that others link to."""
