"""What a person at a terminal is told of a connection that is lost and comes back."""

from __future__ import annotations

from collections.abc import Callable

from rasr.cli.screen import Screen
from rasr.client import LineState

_REMARKS = {
    LineState.LOST: "The connection is lost. The sound is kept, and the server looked for …",
    LineState.RESUMED: "The connection is back, and nothing is lost.",
    LineState.BEGUN_ANEW: "Another server goes on from the open sentence, and nothing is lost.",
}


def line_remarks(screen: Screen) -> Callable[[LineState], None]:
    """Tells it on this screen, as lines that stay and are not part of the text."""
    return lambda state: screen.remark(_REMARKS[state])
