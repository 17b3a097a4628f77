"""After the decoder: spoken numbers to digits, punctuation, the text of the words."""

from rasr.text.processor import RuleProcessor, TextProcessor, TextTools
from rasr.text.punctuation import PausePunctuator, Punctuator, StopPunctuator

__all__ = [
    "PausePunctuator",
    "Punctuator",
    "RuleProcessor",
    "StopPunctuator",
    "TextProcessor",
    "TextTools",
]
