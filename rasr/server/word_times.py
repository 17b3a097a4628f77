"""Whether words are aligned on this server: where an engine guesses their times."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from decoder import DecoderError
from decoder.alignment import LANGUAGES
from rasr.runtime.alignment import Aligners
from rasr.server.engines import PropertyTable
from rasr.settings import language_of
from rasr.text.spoken import Speller

_log = structlog.get_logger("rasr.server")


async def start_aligners(
    properties: PropertyTable, spellers: Mapping[str, Speller]
) -> Aligners | None:
    """Aligners, where a language that can be aligned has an engine without word times.

    None where there is nothing to align, and where they cannot be had: then words keep times that
    are guessed, which is said in the log.

    Args:
        spellers: by the English names of their languages: how written words are said.
    """
    if not any(
        language in LANGUAGES and not (engine.word_times and engine.of_finals.word_times)
        for key, engine in properties.engines.items()
        if (language := language_of(key))
    ):
        return None
    aligners = Aligners(spellers)
    try:
        await aligners.start()
    except DecoderError as error:
        _log.warning("words_not_aligned", reason=str(error))
        return None
    return aligners
