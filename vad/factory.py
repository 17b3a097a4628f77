"""Which classifiers there are, and how one is made by its name."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from vad.classifier import (
    DEFAULT_AGGRESSIVENESS,
    DEFAULT_FRAME_MS,
    DEFAULT_THRESHOLD,
    Classifier,
)
from vad.errors import VadError
from vad.gated import GatedClassifier
from vad.silero import SileroClassifier
from vad.webrtc import WebRtcClassifier


class ClassifierKind(StrEnum):
    """The classifiers, as settings name them."""

    GATED = "gated"
    WEBRTC = "webrtc"
    SILERO = "silero"


def make_classifier(
    kind: str = ClassifierKind.GATED,
    *,
    aggressiveness: int = DEFAULT_AGGRESSIVENESS,
    frame_ms: int = DEFAULT_FRAME_MS,
    threshold: float = DEFAULT_THRESHOLD,
) -> Classifier:
    """A fresh classifier for one stream at 16 kHz.

    Args:
        kind: a `ClassifierKind` or its word.
        aggressiveness, frame_ms: for `GatedClassifier` and `WebRtcClassifier`, else ignored.
        threshold: for `SileroClassifier`, else ignored.

    Raises:
        VadError: an unknown kind, or a value that this kind refuses.
    """
    try:
        known = ClassifierKind(kind)
    except ValueError:
        raise VadError("kind", repr(kind), ", ".join(ClassifierKind)) from None
    match known:
        case ClassifierKind.GATED:
            return GatedClassifier(aggressiveness, frame_ms)
        case ClassifierKind.WEBRTC:
            return WebRtcClassifier(aggressiveness, frame_ms)
        case ClassifierKind.SILERO:
            return SileroClassifier(threshold)
        case _:
            assert_never(known)
