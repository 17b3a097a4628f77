"""After the decoder: spoken numbers to digits, punctuation, joining of words."""

from rasr.text.joining import join_words
from rasr.text.pipeline import TextPipeline, TextTools
from rasr.text.punctuation import PausePunctuator, Punctuator, StopPunctuator

__all__ = [
    "PausePunctuator",
    "Punctuator",
    "StopPunctuator",
    "TextPipeline",
    "TextTools",
    "join_words",
]
