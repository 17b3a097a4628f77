"""`rasr voices`: who can speak here, and who speaks for the official names."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from rasr.cli.config_options import config_option
from rasr.cli.screen import aligned
from rasr.cli.speaking import speaking, voices_and_settings
from rasr.settings import SynthesisSettings
from rasr.synthesis import Voice, VoiceUnavailable
from rasr.synthesis.official import OfficialVoice, mapped, official_voices


@click.command()
@config_option
@click.option(
    "--measure",
    is_flag=True,
    help="Measure what each voice costs here, and say whether it may speak in real time.",
)
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
def voices(config: Path | None, measure: bool, as_json: bool) -> None:
    """Who can speak here, and who speaks for the official names of voices.

    A better voice than espeak-ng's is a model: `rasr models list` shows those of kind voice, and
    `rasr models pull NAME` fetches one. Who speaks for an official name can be set under
    [synthesis.voices].
    """
    here, settings = voices_and_settings(config)
    costs = asyncio.run(_measured(here, settings)) if measure else {}
    names = [(one, *_who(one, here, settings)) for one in official_voices()]
    if as_json:
        click.echo(json.dumps(_document(here, names, costs), ensure_ascii=False, indent=2))
        return
    header = ("VOICE", "LANGUAGES", "GENDER", "AGE", "RATE", "ENGINE", "COST" if measure else "")
    _show(header, (_row(one, costs) for one in here))
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


async def _measured(
    here: Sequence[Voice], settings: SynthesisSettings
) -> dict[str, tuple[float, bool]]:
    """Name → processor time of a second of sound, and whether it may speak in real time."""
    async with speaking(here, settings) as pool:
        await pool.calibrate()
        return {
            voice.name: (pool.costs[voice.name], pool.live_fault(voice) is None) for voice in here
        }


def _row(voice: Voice, costs: Mapping[str, tuple[float, bool]]) -> tuple[str, ...]:
    languages = ", ".join(voice.languages)
    cost = ""
    if voice.name in costs:
        seconds, live = costs[voice.name]
        cost = f"{seconds:.3f}{'' if live else ', too slow for real time'}"
    rate = f"{voice.rate} Hz"
    return (voice.name, languages, voice.gender, voice.age, rate, voice.engine, cost)


def _named(one: OfficialVoice, voice: Voice | None, remark: str) -> tuple[str, ...]:
    return (one.name, one.gender, one.age, voice.name if voice else "nobody", remark)


def _document(
    here: Sequence[Voice],
    names: Sequence[tuple[OfficialVoice, Voice | None, str]],
    costs: Mapping[str, tuple[float, bool]],
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
                "cost": costs[one.name][0] if one.name in costs else None,
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
