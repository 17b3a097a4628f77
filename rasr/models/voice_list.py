"""Who can speak here, who speaks for the official names, and what would improve that.

One list for the command, for the server and for its pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rasr.models.catalogue import Catalogue, Model
from rasr.models.languages import megabytes
from rasr.models.voices import voices_of
from rasr.synthesis.errors import VoiceUnavailable
from rasr.synthesis.official import DEFAULT_NAME, OfficialVoice, better, mapped, official_voices
from rasr.synthesis.voice import Voice, live_fault


class Lack(StrEnum):
    """What an official speaker is, and a voice that speaks for him may not be."""

    FEMALE = "female"
    MALE = "male"
    ADULT = "adult"
    CHILD = "child"
    ENGLISH = "english"


_REMARKS = {
    Lack.FEMALE: "no female voice here",
    Lack.MALE: "no male voice here",
    Lack.ADULT: "no voice of an adult here",
    Lack.CHILD: "no voice of a child here",
    Lack.ENGLISH: "no English",
}


@dataclass(frozen=True, slots=True)
class SpokenFor:
    """An official name, and who speaks for it."""

    official: OfficialVoice
    voice: Voice | None
    """None: nobody."""
    remark: str
    """What is not as it should be; or that the settings say so."""
    better: str | None
    """Name of a model whose voice would be nearer to the speaker; None where none would."""
    lacks: tuple[Lack, ...] = ()
    """What of the speaker the voice is not, for programs that say it in their own words."""


@dataclass(frozen=True, slots=True)
class VoiceList:
    """The voices of a machine. See `list_voices`."""

    voices: tuple[Voice, ...]
    """The preferred ones first."""
    costs: Mapping[str, float]
    """Processor time of a second of sound, by the names of the voices that were measured."""
    official: tuple[SpokenFor, ...]
    models: tuple[Model, ...]
    """Those with voices that can be had and are not here."""

    def document(self) -> dict[str, object]:
        """As programs get it."""
        return {
            "default": DEFAULT_NAME,
            "voices": [self._described(one) for one in self.voices],
            "official": [_named(one) for one in self.official],
            "models": [_offered(one) for one in self.models],
        }

    def _described(self, voice: Voice) -> dict[str, object]:
        cost = self.costs.get(voice.name)
        fault = None if cost is None else live_fault(voice, cost)
        return {
            "name": voice.name,
            "languages": list(voice.languages),
            "gender": voice.gender,
            "age": voice.age,
            "sample_rate": voice.rate,
            "engine": voice.engine,
            "model": voice.model or None,
            "word_times": voice.word_times,
            "cost": cost,
            "real_time": None if cost is None else fault is None,
            "real_time_fault": fault,
        }


def list_voices(
    here: Sequence[Voice],
    table: Mapping[str, str],
    costs: Mapping[str, float],
    catalogue: Catalogue,
) -> VoiceList:
    """The voices of this machine.

    Args:
        here: those that are, the preferred ones first.
        table: name → name of a voice here: `synthesis.voices` of the settings.
        costs: processor time of a second of sound, by the names of voices that were measured.
    """
    installed = {voice.model for voice in here}
    models = tuple(one for one in catalogue.models if one.speaks and one.name not in installed)
    others = [voice for model in models for voice in voices_of(model, "")]
    official = tuple(_spoken_for(one, here, table, others) for one in official_voices())
    return VoiceList(tuple(here), dict(costs), official, models)


def pull_command(model: Model) -> str:
    """The command that fetches a model."""
    return f"rasr models pull {model.name}"


def _spoken_for(
    one: OfficialVoice, here: Sequence[Voice], table: Mapping[str, str], others: Sequence[Voice]
) -> SpokenFor:
    if one.name in table:
        try:
            return SpokenFor(one, mapped(one.name, here, table), "as the settings say", None)
        except VoiceUnavailable as error:
            return SpokenFor(one, None, str(error), None)
    found = better(one, here, others)
    model = found.model if found else None
    try:
        voice = mapped(one.name, here, table)
    except VoiceUnavailable as error:
        return SpokenFor(one, None, str(error), model)
    lacks = tuple(_lacks(one, voice))
    remark = ", ".join(_REMARKS[lack] for lack in lacks)
    return SpokenFor(one, voice, remark, model, lacks)


def _lacks(one: OfficialVoice, voice: Voice) -> Iterator[Lack]:
    if voice.gender is not one.gender:
        yield Lack(one.gender)
    if voice.age is not one.age:
        yield Lack(one.age)
    if one.bilingual and "english" not in voice.languages:
        yield Lack.ENGLISH


def _named(one: SpokenFor) -> dict[str, object]:
    return {
        "name": one.official.name,
        "language": one.official.language,
        "gender": one.official.gender,
        "age": one.official.age,
        "bilingual": one.official.bilingual,
        "voice": one.voice and one.voice.name,
        "remark": one.remark,
        "lacks": list(one.lacks),
        "better": one.better,
    }


def _offered(model: Model) -> dict[str, object]:
    return {
        "name": model.name,
        "languages": list(model.languages),
        "voices": len(model.speakers),
        "good_for": model.good_for,
        "download_mb": megabytes(model.download_bytes),
        "command": pull_command(model),
    }
