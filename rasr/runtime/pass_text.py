"""Text of two engines that write differently: each is processed as its engine needs it."""

from __future__ import annotations

from decoder import Hypothesis
from rasr.text import TextProcessor


class PassText(TextProcessor):
    """A processor for each pass. Where segments are told as one and have words of both, those of
    the second pass decide: finals matter more than the partial behind them."""

    def __init__(self, first: TextProcessor, second: TextProcessor) -> None:
        self._first = first
        self._second = second

    def is_slow(self, hypothesis: Hypothesis) -> bool:
        """As `TextProcessor.is_slow`."""
        return self._of(hypothesis).is_slow(hypothesis)

    def process(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        """As `TextProcessor.process`."""
        return self._of(hypothesis).process(hypothesis, final=final)

    def substitute(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        """As `TextProcessor.substitute`."""
        return self._of(hypothesis).substitute(hypothesis, final=final)

    def _of(self, hypothesis: Hypothesis) -> TextProcessor:
        return self._second if hypothesis.second_pass else self._first
