"""`rasr voices`: who can speak here, and who speaks for the official names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from rasr.cli.config_options import config_option
from rasr.cli.screen import aligned
from rasr.cli.speaking import voices_and_settings
from rasr.settings import SynthesisSettings
from rasr.synthesis import Voice, VoiceUnavailable
from rasr.synthesis.official import OfficialVoice, mapped, official_voices


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
def voices(config: Path | None, as_json: bool) -> None:
    """Who can speak here, and who speaks for the official names of voices.

    A better voice than espeak-ng's is a model: `rasr models list` shows those of kind voice, and
    `rasr models pull NAME` fetches one. Who speaks for an official name can be set under
    [synthesis.voices].
    """
    here, settings = voices_and_settings(config)
    names = [(one, *_who(one, here, settings)) for one in official_voices()]
    if as_json:
        click.echo(json.dumps(_document(here, names), ensure_ascii=False, indent=2))
        return
    _show(("VOICE", "LANGUAGES", "GENDER", "AGE", "RATE", "ENGINE"), map(_row, here))
    click.echo()
    _show(("OFFICIAL NAME", "GENDER", "AGE", "SPOKEN BY", ""), (_named(*one) for one in names))


def _show(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    for row in aligned([header, *rows]):
        click.echo(row.rstrip())


def _who(
    one: OfficialVoice, here: Sequence[Voice], settings: SynthesisSettings
) -> tuple[Voice | None, str]:
    """Who speaks for a name, and what is not as it should be."""
    try:
        voice = mapped(one.name, here, settings.voices)
    except VoiceUnavailable as error:
        return None, str(error)
    if one.name in settings.voices:
        return voice, "as the settings say"
    return voice, ", ".join(_differences(one, voice))


def _differences(one: OfficialVoice, voice: Voice) -> Iterator[str]:
    if voice.gender is not one.gender:
        yield f"no {one.gender} voice here"
    if voice.age is not one.age:
        yield f"no voice of a{'n adult' if one.age == 'adult' else f' {one.age}'} here"
    if one.bilingual and "english" not in voice.languages:
        yield "no English"


def _row(voice: Voice) -> tuple[str, ...]:
    languages = ", ".join(voice.languages)
    return (voice.name, languages, voice.gender, voice.age, f"{voice.rate} Hz", voice.engine)


def _named(one: OfficialVoice, voice: Voice | None, remark: str) -> tuple[str, ...]:
    return (one.name, one.gender, one.age, voice.name if voice else "nobody", remark)


def _document(
    here: Sequence[Voice], names: Sequence[tuple[OfficialVoice, Voice | None, str]]
) -> dict[str, object]:
    return {
        "voices": [
            {
                "name": one.name,
                "languages": list(one.languages),
                "gender": one.gender,
                "age": one.age,
                "rate": one.rate,
                "engine": one.engine,
                "word_times": one.word_times,
            }
            for one in here
        ],
        "official": [
            {
                "name": one.name,
                "gender": one.gender,
                "age": one.age,
                "voice": voice.name if voice else None,
                "remark": remark,
            }
            for one, voice, remark in names
        ],
    }
