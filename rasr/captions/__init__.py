"""Live captions: what recognised speech looks like to those who read it.

`timed_text` → `tokens` → `lines` → `cues` is pure and makes the same cues for a live channel and
for a file (`files`). `channel` remembers what was published, `event_stream` encodes it, and
`broadcaster` brings it to the viewers. Nothing in here knows the server, a wire format or HTTP.
"""

from rasr.captions.broadcaster import (
    Broadcaster,
    ChannelBusy,
    ChannelRefusal,
    Publisher,
    TooManyChannels,
    Viewer,
    ViewerRefused,
)
from rasr.captions.channel import ChannelHistory
from rasr.captions.cues import Cue, cues_of, readable, subtitles
from rasr.captions.timed_text import TimedText, TimedWord, timed_text

__all__ = [
    "Broadcaster",
    "ChannelBusy",
    "ChannelHistory",
    "ChannelRefusal",
    "Cue",
    "Publisher",
    "TimedText",
    "TimedWord",
    "TooManyChannels",
    "Viewer",
    "ViewerRefused",
    "cues_of",
    "readable",
    "subtitles",
    "timed_text",
]
