"""After the decoder: numbers, punctuation, case, the text of the words, its sentences."""

from rasr.text.processor import (
    StepProcessor,
    TextProcessor,
    TextTools,
)
from rasr.text.punctuation import PausePunctuator, Punctuator, StopPunctuator
from rasr.text.sentences import sentence_spans, sentences

__all__ = [
    "PausePunctuator",
    "Punctuator",
    "StepProcessor",
    "StopPunctuator",
    "TextProcessor",
    "TextTools",
    "sentence_spans",
    "sentences",
]
