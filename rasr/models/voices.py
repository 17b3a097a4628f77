"""The voices on this machine: of folders of one's own, of installed models, of espeak-ng."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from rasr.models.catalogue import Model
from rasr.models.store import Store
from rasr.settings import VoiceFolderSettings
from rasr.synthesis.engines.espeak import espeak_voices
from rasr.synthesis.errors import VoiceUnavailable
from rasr.synthesis.voice import Age, EngineName, Gender, Voice, WordTimes

_GENDERS = {"f": Gender.FEMALE, "m": Gender.MALE}
_WITH_GENDER = re.compile(r"[a-z](?P<first>[fm])_.+|.+-(?P<last>[fm])")
"""How Kokoro and KittenTTS name speakers: "zf_xiaoxiao", "expr-voice-2-m"."""


def voices_here(store: Store, own: Iterable[Voice] = ()) -> tuple[Voice, ...]:
    """All of them, the preferred ones first.

    Args:
        own: those of folders of one's own.
    """
    installed = [
        voice
        for model in store.installed()
        if model.speaks
        for voice in voices_of(model, str(store.path(model)))
    ]
    return (*own, *installed, *espeak_voices())


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


def own_voices(
    folders: Mapping[str, VoiceFolderSettings], refused: Callable[[str], None]
) -> Iterator[Voice]:
    """The voices of folders of one's own; each folder is tried, in a process of its own.

    Args:
        folders: `synthesis.folders` of the settings.
        refused: is told, in a sentence, of each folder whose voices cannot be served.
    """
    for name, settings in folders.items():
        # Here, because it loads much that nobody needs who has no such folders.
        from rasr.synthesis.engines.sherpa import try_voices

        try:
            model = try_voices(Path(settings.folder), settings.languages)
            model.refuse_steps(settings.steps)
        except VoiceUnavailable as error:
            refused(f"synthesis.folders.{name}: {error}")
            continue
        for number, speaker in enumerate(model.speakers):
            said = _WITH_GENDER.fullmatch(speaker)
            yield Voice(
                name=name if len(model.speakers) == 1 else f"{name}-{speaker}",
                languages=model.languages,
                gender=_GENDERS[said["first"] or said["last"]] if said else Gender(settings.gender),
                age=Age(settings.age),
                engine=EngineName.SHERPA,
                variant=str(number),
                rate=model.rate,
                word_times=WordTimes.ESTIMATED,
                folder=settings.folder,
                steps=settings.steps,
                tried=True,
            )
