"""What commands that speak share: the voices of this machine and a pool that speaks with them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import click

from rasr.cli.config_options import settings_only
from rasr.models.store import open_store
from rasr.models.voices import own_voices, voices_here
from rasr.settings import SynthesisSettings
from rasr.synthesis.pool import SpeechPool
from rasr.synthesis.voice import Voice


def voices_and_settings(config: Path | None) -> tuple[tuple[Voice, ...], SynthesisSettings]:
    """The voices that are here, the preferred ones first, and the settings of synthesis.

    Of folders whose voices cannot be served standard error is told.

    Raises:
        click.ClickException: the settings cannot be used.
    """
    settings = settings_only(config)
    own = own_voices(settings.synthesis.folders, lambda fault: click.echo(fault, err=True))
    return voices_here(open_store(settings.models.folder, os.environ), own), settings.synthesis


@asynccontextmanager
async def speaking(
    voices: Sequence[Voice], settings: SynthesisSettings
) -> AsyncIterator[SpeechPool]:
    """A pool that has started; it ends with the context."""
    pool = SpeechPool(voices, settings)
    await pool.start()
    try:
        yield pool
    finally:
        pool.stop()
