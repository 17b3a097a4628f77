"""Settings of speech synthesis: how much is spoken at a time, and by whom."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rasr.settings.section import MANY, Section


class SynthesisSettings(Section):
    """Workers that speak, and voices."""

    workers: Annotated[
        int, Field(ge=0, le=256, description="processes that speak; 0 = one for two cores")
    ] = 0
    max_texts: Annotated[
        int, Field(ge=1, le=MANY, description="texts that are spoken at once; one more is refused")
    ] = 64
    step_timeout_s: Annotated[
        float,
        Field(gt=0, description="a worker that takes so long for a sentence is replaced, s"),
    ] = 60.0
    warm: Annotated[
        bool,
        Field(
            description="start the processes that speak once the server is ready, and load the "
            "default voice; else that is done with the first text"
        ),
    ] = False
    characters: Annotated[
        int,
        Field(
            ge=500,
            le=10_000,
            description="characters of a text in real time, or whose answer streams; a text that "
            "is answered as a whole has 500",
        ),
    ] = 10_000
    cache_mb: Annotated[
        int,
        Field(
            ge=0,
            le=MANY,
            description="answers of texts that were spoken lately, kept in memory, MB; 0 = nothing "
            "is kept",
        ),
    ] = 0
    voices: Annotated[
        dict[str, str],
        Field(
            description="which voice speaks for an official name ('chinese_xiaoyan_common') → the "
            "name of a voice of `rasr voices`"
        ),
    ] = Field(default_factory=dict)
