"""`rasr voices`: who can speak here, and who speaks for the official names."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from rasr.cli.config_options import config_option
from rasr.cli.fetching import in_megabytes
from rasr.cli.screen import aligned
from rasr.cli.speaking import speaking, voices_and_settings
from rasr.models import catalogue
from rasr.models.catalogue import Model
from rasr.models.voice_list import SpokenFor, list_voices, pull_command
from rasr.settings import SynthesisSettings
from rasr.synthesis.errors import SynthesisError
from rasr.synthesis.voice import Voice, live_fault


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

    A better voice than espeak-ng's is a model, fetched by one command, which is shown. Who speaks
    for an official name can be set under [synthesis.voices].
    """
    here, settings = voices_and_settings(config)
    try:
        costs = asyncio.run(_measured(here, settings)) if measure else {}
    except SynthesisError as error:
        raise click.ClickException(f"the voices cannot be measured: {error}") from error
    listed = list_voices(here, settings.voices, costs, catalogue.load())
    if as_json:
        click.echo(json.dumps(listed.document(), ensure_ascii=False, indent=2))
        return
    header = ("VOICE", "LANGUAGES", "GENDER", "AGE", "RATE", "ENGINE", "COST" if measure else "")
    _show(header, (_row(one, costs) for one in here))
    click.echo()
    _show(
        ("OFFICIAL NAME", "GENDER", "AGE", "SPOKEN BY", "BETTER BY", ""),
        (_named(one) for one in listed.official),
    )
    if listed.models:
        click.echo()
        _show(("BETTER VOICES", "LANGUAGES", "SIZE", ""), (_offered(one) for one in listed.models))


def _show(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    for row in aligned([header, *rows]):
        click.echo(row.rstrip())


async def _measured(here: Sequence[Voice], settings: SynthesisSettings) -> Mapping[str, float]:
    """Name → processor time of a second of sound."""
    async with speaking(here, settings) as pool:
        await pool.calibrate()
        return pool.costs


def _row(voice: Voice, costs: Mapping[str, float]) -> tuple[str, ...]:
    languages = ", ".join(voice.languages)
    cost = ""
    if voice.name in costs:
        seconds = costs[voice.name]
        cost = f"{seconds:.3f}{', too slow for real time' if live_fault(voice, seconds) else ''}"
    rate = f"{voice.rate} Hz"
    return (voice.name, languages, voice.gender, voice.age, rate, voice.engine, cost)


def _named(one: SpokenFor) -> tuple[str, ...]:
    official = one.official
    spoken_by = one.voice.name if one.voice else "nobody"
    return (
        official.name,
        official.gender,
        official.age,
        spoken_by,
        one.better or "",
        one.remark,
    )


def _offered(model: Model) -> tuple[str, ...]:
    languages = ", ".join(model.languages)
    size = in_megabytes(model.download_bytes)
    return (pull_command(model), languages, size, model.good_for)
