"""Text in whatever language the engine finds: each hypothesis processed as its language needs."""

from __future__ import annotations

from collections.abc import Callable

from decoder import Hypothesis
from rasr.text import TextProcessor


class DetectedText(TextProcessor):
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
        findings = hypothesis.findings
        language = (findings.language if findings is not None else "") or self._otherwise
        if language not in self._made:
            self._made[language] = self._make(language)
        return self._made[language]
