"""Forced alignment: recognised words and their audio to the times at which they were said.

For engines that say no word times. The library is imported only where an aligner is made
(`decoder.alignment.forced`).
"""

from decoder.alignment.words import LANGUAGES, Phrase, WordTimes, guess, timed

__all__ = ["LANGUAGES", "Phrase", "WordTimes", "guess", "timed"]
