"""What can go wrong with speaking, each with a sentence for whoever asked."""

from __future__ import annotations


class SynthesisError(Exception):
    """A text is not spoken, or not to its end. The text says why."""


class TextRefused(SynthesisError):
    """The text cannot be spoken as it is: whoever sent it can change that."""


class VoiceUnavailable(SynthesisError):
    """There is no such voice here, or it does not serve what is asked of it."""


class TooManySpeak(SynthesisError):
    """So many texts are being spoken that this one would come too late."""


class EngineFailed(SynthesisError):
    """The engine has failed on this text, twice where its process died."""
