"""What commands that speak share: the voices of this machine and a pool that speaks with them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from rasr.cli.config_options import settings_only
from rasr.models.store import open_store
from rasr.models.voices import voices_here
from rasr.settings import SynthesisSettings
from rasr.synthesis import PoolLimits, SpeechPool, Voice


def voices_and_settings(config: Path | None) -> tuple[tuple[Voice, ...], SynthesisSettings]:
    """The voices that are here, the preferred ones first, and the settings of synthesis.

    Raises:
        click.ClickException: the settings cannot be used.
    """
    settings = settings_only(config)
    return voices_here(open_store(settings.models.folder, os.environ)), settings.synthesis


@asynccontextmanager
async def speaking(
    voices: Sequence[Voice], settings: SynthesisSettings
) -> AsyncIterator[SpeechPool]:
    """A pool that has started; it ends with the context."""
    limits = PoolLimits(settings.workers, settings.max_texts, settings.step_timeout_s)
    pool = SpeechPool(voices, limits)
    try:
        await pool.start()
        yield pool
    finally:
        pool.stop()
