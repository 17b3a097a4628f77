"""Messages that scripts send."""

from __future__ import annotations

from rasr.audio import FORMATS
from rasr.wire.sis.messages import Ended, EndReason, Result, Segment, StartConfig, Started
from rasr.wire.sis.properties import Property

_PROPERTY = Property.parse("english_16k_common")
assert _PROPERTY is not None

CONFIG = StartConfig(FORMATS["pcm16k16bit"], _PROPERTY)
STARTED = Started("trace")


def partial(text: str, start_ms: int = 0, end_ms: int = 1000) -> Result:
    return Result("trace", (Segment(text, start_ms, end_ms, False),))


def final(text: str, start_ms: int = 0, end_ms: int = 1000) -> Result:
    return Result("trace", (Segment(text, start_ms, end_ms, True, 0.9),))


def ended(reason: EndReason = EndReason.NORMAL) -> Ended:
    return Ended("trace", reason)
