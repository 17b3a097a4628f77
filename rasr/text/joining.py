"""Words to text, by the rule that the engines keep too."""

from decoder.joining import join_words

__all__ = ["join_words"]
