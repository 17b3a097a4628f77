"""Offline models of the sherpa-onnx families: they read a whole utterance at once.

What is where: `options` what can be set; `families`, `folder`, `writing` and `model` read what kind
of model a folder holds, what it can do and whether its files belong together; `recogniser` makes
sherpa-onnx's object; `reading` makes timed words of its results; `preflight` does all of this in a
child process first; `engine` is the interface.
"""

from decoder.sherpa.offline.engine import SherpaOfflineEngine
from decoder.sherpa.offline.model import is_offline
from decoder.sherpa.offline.options import SherpaOfflineOptions

__all__ = ["SherpaOfflineEngine", "SherpaOfflineOptions", "is_offline"]
