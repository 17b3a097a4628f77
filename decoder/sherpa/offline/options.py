"""What can be set for an engine of offline models."""

from __future__ import annotations

from dataclasses import dataclass

from decoder.sherpa.options import ModelOptions

MOST_THREADS = 64


@dataclass(frozen=True, slots=True)
class SherpaOfflineOptions(ModelOptions):
    """Options of the engine for offline models."""

    language: str = ""
    """What is spoken, as SIS properties begin, for models that can be told: "english". Empty: the
    model finds it out, where it can."""
    threads: int = 1
    """That compute one reading, 1 to 64. Readings of several utterances run beside each other
    without it."""

    def faults(self) -> list[str]:
        """What is out of range, as `ModelOptions.faults`."""
        faults = ModelOptions.faults(self)
        if not 1 <= self.threads <= MOST_THREADS:
            faults.append(f"threads is {self.threads}; allowed: 1 to {MOST_THREADS}")
        return faults
