"""What viewers are sent: server-sent events as bytes, each made once for everybody.

Source: WHATWG HTML, «Server-sent events» (event stream format, `Last-Event-ID`). Only finals carry
an id: a viewer that resumes behind one is sent every final since, and of the rest what stands now.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from rasr.captions.cues import Cue

KEEP_ALIVE = b": still here\n\n"
"""A comment: it keeps proxies from taking a silent stream for a dead one."""

PREAMBLE = b"retry: 2000\n\n"
"""How long a browser waits before it comes back, ms."""

_EVENT_ID = re.compile(r"([0-9a-f]{1,32})-([0-9]{1,12})")


class ChannelState(StrEnum):
    """What a viewer is told of its channel."""

    WAITING = "waiting"
    """Nothing was published to this name, or so long ago that it is forgotten."""
    LIVE = "live"
    """A recognition publishes."""
    ENDED = "ended"
    """The recognition is over; what was said stays for the grace time, and another one may
    follow."""
    CLOSING = "closing"
    """The server shuts down; this event is the last."""


@dataclass(frozen=True, slots=True)
class EventId:
    """A place in the history of a channel."""

    token: str
    """Tells the channel from another one of the same name, before it or after a restart."""
    number: int
    """Number of the last final cue that was seen."""

    def __str__(self) -> str:
        return f"{self.token}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> EventId | None:
        """The place that `text` names, or None where it names none."""
        found = _EVENT_ID.fullmatch(text)
        return None if found is None else cls(found[1], int(found[2]))


def cue_event(number: int, revision: int, cue: Cue, token: str | None) -> bytes:
    """The event that tells a cue as it is now; a cue without lines is withdrawn.

    Args:
        token: of the channel, for a final; None for a cue that may still change.
    """
    data = {
        "id": number,
        "start": cue.start_ms,
        "end": cue.end_ms,
        "text": cue.text,
        "final": token is not None,
        "revision": revision,
    }
    if token is None:
        data["stable"] = cue.stable
    place = f"id: {EventId(token, number)}\n" if token is not None else ""
    return f"{place}event: cue\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def state_event(state: ChannelState, token: str) -> bytes:
    """The event that tells the state; a `token` that was not seen before begins a new history."""
    return f'event: state\ndata: {{"state": "{state}", "channel": "{token}"}}\n\n'.encode()


def missed_event(cues: int) -> bytes:
    """The event that tells that so many final cues are no longer kept and cannot be sent."""
    return f'event: missed\ndata: {{"cues": {cues}}}\n\n'.encode()
