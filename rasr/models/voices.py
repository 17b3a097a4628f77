"""The voices that are on this machine: those of installed models, then those of espeak-ng."""

from __future__ import annotations

from collections.abc import Iterator

from rasr.models.catalogue import Model
from rasr.models.store import Store
from rasr.synthesis.engines.espeak import espeak_voices
from rasr.synthesis.voice import EngineName, Voice, WordTimes


def voices_here(store: Store) -> tuple[Voice, ...]:
    """All of them, the preferred ones first."""
    installed = [
        voice
        for model in store.installed()
        if not model.recognises
        for voice in voices_of(model, str(store.path(model)))
    ]
    return (*installed, *espeak_voices())


def voices_of(model: Model, folder: str) -> Iterator[Voice]:
    """The voices of a model of kind voice, whose files are in a folder."""
    for speaker in model.speakers:
        yield Voice(
            name=speaker.name,
            languages=speaker.languages,
            gender=speaker.gender,
            age=speaker.age,
            engine=EngineName(model.engine),
            variant=speaker.variant,
            rate=model.rate,
            word_times=WordTimes.ESTIMATED,
            model=model.name,
            folder=folder,
        )
