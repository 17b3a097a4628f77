"""Official names of voices, and which voice of this machine speaks for each.

Programs that were written for the service name its voices. A name is `language_speaker_domain`;
what the service says of its speakers (how old, which gender) is a table here, and a name of that
form that is not in it is taken too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rasr.synthesis.errors import VoiceUnavailable
from rasr.synthesis.voice import Age, EngineName, Gender, Voice

DEFAULT_NAME = "chinese_xiaoyan_common"
"""Of a request that names none."""

_NAME = re.compile(r"(?P<language>[a-z]{2,20})_(?P<speaker>[A-Za-z0-9]{1,40})_[a-z0-9]{1,20}")
_FEMALE = """
xiaoqi xiaoyan xiaowen xiaojing xiaoxia xiaoqian
huaxiaoxia huaxiaolu huaxiaoshu huaxiaowei huaxiaoyan huaxiaoxuan huaxiaowen huaxiaomin huaxiaomei
huaxiaorui huaxiaoru huaxiaohan huaxiaoning huaxiaozhen huaxiaoman huaxiaofang huanvxia
"""
_MALE = """
xiaoyu xiaosong huaxiaogang huaxiaoliang huaxiaodong huaxiaoyang huaxiaofei huaxiaolong huaxiaojun
"""
_CHILDREN = "xiaowang xiaodai"
_LITERATURE = frozenset({"huanvxia", "huaxiaoxuan"})
_BILINGUAL = frozenset(
    {"huaxiaoru", "huaxiaohan", "huaxiaoning", "huaxiaozhen", "huaxiaoman", "huaxiaofang"}
    | {"huaxiaojun"}
)


@dataclass(frozen=True, slots=True)
class OfficialVoice:
    """A name of the service, and what it says of the speaker."""

    name: str
    language: str
    gender: Gender
    age: Age
    bilingual: bool = False
    """Mandarin and English."""


def official_voices() -> tuple[OfficialVoice, ...]:
    """All that the service lists."""
    found = [
        OfficialVoice(f"chinese_{speaker}_common", "chinese", gender, age, speaker in _BILINGUAL)
        for speakers, gender, age in (
            (_FEMALE, Gender.FEMALE, Age.ADULT),
            (_MALE, Gender.MALE, Age.ADULT),
            (_CHILDREN, Gender.FEMALE, Age.CHILD),
        )
        for speaker in speakers.split()
        if speaker != "huanvxia"
    ]
    found += [
        OfficialVoice(f"chinese_{speaker}_literature", "chinese", Gender.FEMALE, Age.ADULT)
        for speaker in sorted(_LITERATURE)
    ]
    found += [
        OfficialVoice(f"english_{speaker}_common", "english", gender, Age.ADULT)
        for speaker, gender in (
            ("cameal", Gender.FEMALE),
            ("amy", Gender.FEMALE),
            ("alvin", Gender.MALE),
        )
    ]
    found += [
        OfficialVoice(f"{language}_dh_{gender}", language, gender, Age.ADULT)
        for language in ("english", "arabic")
        for gender in Gender
    ]
    return tuple(found)


def mapped(name: str, voices: Sequence[Voice], table: Mapping[str, str]) -> Voice:
    """The voice of this machine that speaks for a name.

    The name may be that of a voice here. Else the table says it; else, of the voices that speak
    the language, those of the speaker's gender and age go first, and of them those of an installed
    model before espeak-ng. Speakers who are alike get different voices, as far as there are some.

    Args:
        voices: those that are here, the preferred ones first.
        table: name → name of a voice here: `synthesis.voices` of the settings.

    Raises:
        VoiceUnavailable: it is no name of a voice, or no voice speaks its language.
    """
    by_name = {voice.name: voice for voice in voices}
    wanted = table.get(name, name)
    if wanted in by_name:
        return by_name[wanted]
    if name in table:
        raise VoiceUnavailable(
            f"the setting synthesis.voices says {wanted!r} for {name}, and there is no such voice; "
            "`rasr voices` shows which there are"
        )
    form = _NAME.fullmatch(name)
    if form is None:
        raise VoiceUnavailable(
            f"{name!r} is no voice here and no name of one: such a name is "
            "language_speaker_domain, as in chinese_xiaoyan_common; `rasr voices` shows all"
        )
    known = {one.name: one for one in official_voices()}
    speaker = known.get(name) or OfficialVoice(
        name, form["language"], _gender_of(form["speaker"]), Age.ADULT
    )
    fitting = _fitting(speaker, voices)
    if not fitting:
        spoken = sorted({language for voice in voices for language in voice.languages})
        raise VoiceUnavailable(
            f"no voice here speaks {speaker.language}, as {name} asks for; spoken are "
            f"{', '.join(spoken)}"
        )
    best = min(_distance(voice, speaker) for voice in fitting)
    alike = [voice for voice in fitting if _distance(voice, speaker) == best]
    peers = [
        one.name
        for one in known.values()
        if (one.language, one.gender, one.age) == (speaker.language, speaker.gender, speaker.age)
    ]
    # The default name gets the preferred voice.
    peers.sort(key=lambda one: one != DEFAULT_NAME)
    return alike[peers.index(name) % len(alike) if name in peers else 0]


def better(
    speaker: OfficialVoice, voices: Sequence[Voice], others: Sequence[Voice]
) -> Voice | None:
    """The one of other voices that would speak for a name, and better than any that is here.

    Args:
        voices: those that are here.
        others: those that can be had.
    """
    fitting = _fitting(speaker, others)
    if not fitting:
        return None
    best = min(fitting, key=lambda voice: _distance(voice, speaker))
    here = min((_distance(voice, speaker) for voice in _fitting(speaker, voices)), default=None)
    return best if here is None or _distance(best, speaker) < here else None


def preferred(language: str, voices: Sequence[Voice]) -> Voice:
    """The best voice for a language, whoever speaks: of an installed model before espeak-ng.

    Raises:
        VoiceUnavailable: no voice speaks it.
    """
    fitting = [voice for voice in voices if language in voice.languages]
    if not fitting:
        raise VoiceUnavailable(f"no voice here speaks {language}")
    return min(fitting, key=lambda voice: voice.engine is EngineName.ESPEAK)


def _fitting(speaker: OfficialVoice, voices: Sequence[Voice]) -> list[Voice]:
    return [voice for voice in voices if speaker.language in voice.languages]


def _distance(voice: Voice, speaker: OfficialVoice) -> tuple[bool, ...]:
    return (
        voice.gender is not speaker.gender,
        voice.age is not speaker.age,
        voice.engine is EngineName.ESPEAK,
        # Who speaks this language first speaks it best.
        voice.engine is not EngineName.ESPEAK and voice.languages[0] != speaker.language,
    )


def _gender_of(speaker: str) -> Gender:
    known = {
        **dict.fromkeys(_FEMALE.split(), Gender.FEMALE),
        **dict.fromkeys(_MALE.split(), Gender.MALE),
    }
    return known.get(speaker, Gender.MALE if speaker == "male" else Gender.FEMALE)
