"""Calls: who said what, how fast, in which mood, and what a review looks for in it."""

from rasr.recordings.analysis.calls import AnalysedSegment, analyse
from rasr.recordings.analysis.review import WordList, word_lists_of
from rasr.recordings.analysis.voices import Turn

__all__ = ["AnalysedSegment", "Turn", "WordList", "analyse", "word_lists_of"]
