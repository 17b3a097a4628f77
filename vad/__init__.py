"""Voice activity: one frame -> speech?, and the rules that turn frame flags into utterances.

Pure: no loop, no clock, no thread; what goes in decides what comes out. Knows neither the server
nor the decoder. A caller holds one `Classifier` and one `Endpointer` per stream, cuts its sound
into frames of `Classifier.frame_samples` and gives each to both.
"""

from vad.classifier import Classifier
from vad.classifiers import ClassifierKind, make_classifier
from vad.endpointer import Endpointer, FlushReason, State
from vad.errors import VadError
from vad.events import Endpoint, EndpointReason, Event, HeadSilence, SpeechStarted
from vad.gated import GatedClassifier
from vad.level import frame_levels
from vad.rules import EndpointRules
from vad.silero import SileroClassifier
from vad.webrtc import WebRtcClassifier

__all__ = [
    "Classifier",
    "ClassifierKind",
    "Endpoint",
    "EndpointReason",
    "EndpointRules",
    "Endpointer",
    "Event",
    "FlushReason",
    "GatedClassifier",
    "HeadSilence",
    "SileroClassifier",
    "SpeechStarted",
    "State",
    "VadError",
    "WebRtcClassifier",
    "frame_levels",
    "make_classifier",
]
