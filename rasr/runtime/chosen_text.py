"""Text of hypotheses that are not all processed alike: by two engines that write differently, or of
whatever language an engine finds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from decoder import Hypothesis
from rasr.text import TextProcessor


class _ChosenText(TextProcessor):
    """Each hypothesis is processed by the processor that is chosen for it."""

    def is_slow(self, hypothesis: Hypothesis) -> bool:
        """As `TextProcessor.is_slow`."""
        return self._of(hypothesis).is_slow(hypothesis)

    def process(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        """As `TextProcessor.process`."""
        return self._of(hypothesis).process(hypothesis, final=final)

    def substitute(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        """As `TextProcessor.substitute`."""
        return self._of(hypothesis).substitute(hypothesis, final=final)

    @abstractmethod
    def _of(self, hypothesis: Hypothesis) -> TextProcessor:
        """The processor of a hypothesis."""


class PassText(_ChosenText):
    """A processor for each pass. Where segments are told as one and have words of both, those of
    the second pass decide: finals matter more than the partial behind them."""

    def __init__(self, first: TextProcessor, second: TextProcessor) -> None:
        self._first = first
        self._second = second

    def _of(self, hypothesis: Hypothesis) -> TextProcessor:
        return self._second if hypothesis.second_pass else self._first


class DetectedText(_ChosenText):
    """A processor for each language that is found."""

    def __init__(self, make: Callable[[str], TextProcessor], otherwise: str) -> None:
        """
        Args:
            make: the processor of a language.
            otherwise: the language where none is found.
        """
        self._make = make
        self._otherwise = otherwise
        self._made: dict[str, TextProcessor] = {}

    def _of(self, hypothesis: Hypothesis) -> TextProcessor:
        findings = hypothesis.findings
        language = (findings.language if findings is not None else "") or self._otherwise
        if language not in self._made:
            self._made[language] = self._make(language)
        return self._made[language]
