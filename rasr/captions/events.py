"""What viewers are sent: server-sent events as bytes, each made once for everybody.

Source: WHATWG HTML, «Server-sent events» (event stream format, `Last-Event-ID`). Only finals carry
an id: who resumes behind one is told every final since, and of the rest what stands now.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from rasr.captions.cue import Cue

KEEP_ALIVE = b": still here\n\n"
"""A comment: it keeps proxies from taking a silent stream for a dead one."""

PREAMBLE = b"retry: 2000\n\n"
"""How long a browser waits before it comes back, ms."""

_EVENT_ID = re.compile(r"([0-9a-f]{1,32})-([0-9]{1,12})")


class ChannelState(StrEnum):
    WAITING = "waiting"
    """Nobody has published to this name, or so long ago that it is forgotten."""
    LIVE = "live"
    ENDED = "ended"
    """The round is over; what was said stays for the grace time, and another round may follow."""
    CLOSING = "closing"
    """The server shuts down; this event is the last."""


@dataclass(frozen=True, slots=True)
class EventId:
    """A place in the history of a channel."""

    token: str
    """Of the channel: another one of the same name, or after a restart, has another."""
    number: int
    """Of the last final cue that was seen."""

    def __str__(self) -> str:
        return f"{self.token}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> EventId | None:
        """The place that `text` names, or None where it names none."""
        found = _EVENT_ID.fullmatch(text)
        return None if found is None else cls(found[1], int(found[2]))


def cue_event(number: int, revision: int, cue: Cue, token: str | None) -> bytes:
    """A cue as it stands now; without lines it is withdrawn.

    Args:
        token: of the channel, for a final; None for what may still change.
    """
    data = {
        "id": number,
        "start": cue.start_ms,
        "end": cue.end_ms,
        "text": cue.text,
        "final": token is not None,
        "revision": revision,
    }
    place = f"id: {EventId(token, number)}\n" if token is not None else ""
    return f"{place}event: cue\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def state_event(state: ChannelState, token: str) -> bytes:
    """How the channel stands; a `token` that was not seen before begins a new history."""
    return f'event: state\ndata: {{"state": "{state}", "channel": "{token}"}}\n\n'.encode()


def missed_event(cues: int) -> bytes:
    """So many finals are no longer kept; they can not be told any more."""
    return f'event: missed\ndata: {{"cues": {cues}}}\n\n'.encode()
