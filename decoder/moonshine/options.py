"""What can be set for a Moonshine engine."""

from __future__ import annotations

from dataclasses import dataclass

from decoder.errors import EngineUnavailable


@dataclass(frozen=True, slots=True)
class MoonshineOptions:
    """Options of the engine. Names and types are those that a settings file writes."""

    model: str = ""
    """Folder of the model."""
    languages: str = "english"
    """What the model knows, as SIS properties begin; each Moonshine model knows one language."""
    hot_word_boost: float = 0.5
    """Added for each letter of a hot word of boost 1, natural logarithm."""
    beam: int = 4
    """Texts that are followed at once where a final is not clear, and with hot words; 1: only the
    most probable one."""

    def check(self) -> None:
        """Refuse values that are out of range, all in one sentence.

        Raises:
            EngineUnavailable: a value is out of its range.
        """
        faults = []
        if not self.model:
            faults.append("model is empty; it names the folder of a model")
        if not self.languages.strip():
            faults.append('languages is empty; it names the language of the model, as "english"')
        if not 0 <= self.hot_word_boost <= 10:
            faults.append(f"hot_word_boost is {self.hot_word_boost}; allowed: 0 to 10")
        if not 1 <= self.beam <= 16:
            faults.append(f"beam is {self.beam}; allowed: 1 to 16")
        if faults:
            raise EngineUnavailable("; ".join(faults))
