"""Live captions: what recognised speech looks like to those who read it.

The craft is pure: `measure`, `tokens`, `phrases`, `layout` and `timing` make cues of segments, the
same ones for a live channel and for a file. `channel` and `events` remember and encode what was
published, `hub` brings it to the viewers. Nothing in here knows the server or HTTP.
"""

from rasr.captions.channel import Said
from rasr.captions.cue import Cue
from rasr.captions.hub import Hub, Publisher, Refused, Viewer
from rasr.captions.layout import cues_of
from rasr.captions.timing import readable, subtitles

__all__ = [
    "Cue",
    "Hub",
    "Publisher",
    "Refused",
    "Said",
    "Viewer",
    "cues_of",
    "readable",
    "subtitles",
]
