"""Voice activity: classifiers that flag frames as speech, and an endpointer that turns the flags
into utterances.

The package has no loop, no clock and no thread: what goes in decides what comes out. It knows
neither the server nor the decoder. A caller holds one `Classifier` and one `Endpointer` per stream,
cuts its audio into frames of `Classifier.frame_samples` and gives each to both.
"""

from vad.classifier import Classifier
from vad.endpointer import Endpointer, FlushReason, State
from vad.errors import VadError
from vad.events import Endpoint, EndpointReason, Event, HeadSilence, SpeechStarted
from vad.factory import ClassifierKind, make_classifier
from vad.features import frame_levels
from vad.gated import GatedClassifier
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
