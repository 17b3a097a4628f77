"""Live captions: what recognised speech looks like to those who read it.

`timed_text` → `tokens` → `lines` → `cues` is pure and makes the same cues for a live channel and
for a file (`files`). `channel` remembers what was published, `event_stream` encodes it, and
`broadcaster` brings it to the `watchers`: viewers, and other servers, for their `copies`. Nothing
in here knows the server, a wire format or HTTP.
"""

from rasr.captions.audience import ViewerRefused
from rasr.captions.broadcaster import (
    Broadcaster,
    ChannelBusy,
    ChannelRefusal,
    TooManyChannels,
)
from rasr.captions.channel import ChannelHistory
from rasr.captions.copies import Copy, CopyBroken
from rasr.captions.cues import Cue, cues_of, readable, subtitles
from rasr.captions.publisher import Publisher
from rasr.captions.timed_text import TimedText, TimedWord, timed_text
from rasr.captions.watchers import Copier, Viewer, Watcher

__all__ = [
    "Broadcaster",
    "ChannelBusy",
    "ChannelHistory",
    "ChannelRefusal",
    "Copier",
    "Copy",
    "CopyBroken",
    "Cue",
    "Publisher",
    "TimedText",
    "TimedWord",
    "TooManyChannels",
    "Viewer",
    "ViewerRefused",
    "Watcher",
    "cues_of",
    "readable",
    "subtitles",
    "timed_text",
]
