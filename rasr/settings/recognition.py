"""Settings of the recognition: from speech in audio to engines, their models and their text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from rasr.settings.section import MANY, Section
from vad.classifier import DEFAULT_AGGRESSIVENESS, DEFAULT_FRAME_MS, DEFAULT_THRESHOLD
from vad.rules import EndpointRules

_ENDPOINTING = EndpointRules()

EngineOption = str | Annotated[int, Field(ge=-(2**63), lt=2**63)] | float | bool
"""Engines keep whole numbers in 64 bits, as TOML does; a longer one is read as a `float`, which an
engine refuses where it wants a whole number."""


class VadSettings(Section):
    """Voice activity and the margins of an utterance."""

    kind: Annotated[
        Literal["gated", "webrtc", "silero"], Field(description="what tells speech from silence")
    ] = "gated"
    aggressiveness: Annotated[
        int, Field(ge=0, le=3, description="gated, webrtc: 0 hears speech most easily, 3 least")
    ] = DEFAULT_AGGRESSIVENESS
    frame_ms: Annotated[
        Literal[10, 20, 30], Field(description="gated, webrtc: length of a frame, ms")
    ] = DEFAULT_FRAME_MS
    threshold: Annotated[
        float, Field(gt=0, lt=1, description="silero: probability that counts as speech")
    ] = DEFAULT_THRESHOLD
    pre_roll_ms: Annotated[
        int, Field(ge=0, le=2000, description="audio kept before the first speech frame, ms")
    ] = _ENDPOINTING.pre_roll_ms
    post_roll_ms: Annotated[
        int, Field(ge=0, le=2000, description="audio decoded after the last speech frame, ms")
    ] = _ENDPOINTING.post_roll_ms


class DecodingSettings(Section):
    """How the work is spread over the machine."""

    workers: Annotated[
        int, Field(ge=0, le=256, description="threads or processes for each engine; 0 = one a core")
    ] = 0
    streams_per_worker: Annotated[
        int,
        Field(ge=0, le=256, description="utterances a worker decodes by turns; 0 = by memory"),
    ] = 0
    max_rounds: Annotated[
        int,
        Field(
            ge=0,
            le=MANY,
            description="recognitions open at once, one more gets SIS.0312; 0 = as the load "
            "allows, or without capacity.max_load one for each stream",
        ),
    ] = 0
    step_ms: Annotated[
        int, Field(ge=20, le=5000, description="most audio decoded before others get a turn, ms")
    ] = 400
    partial_ms: Annotated[
        int, Field(ge=20, le=5000, description="audio between two partial results, ms")
    ] = 200
    step_timeout_s: Annotated[
        float, Field(gt=0, description="a worker silent for so long is replaced, s")
    ] = 60.0
    load_timeout_s: Annotated[
        float,
        Field(gt=0, description="time for an engine to load at start, and again to be measured, s"),
    ] = 300.0
    final_timeout_s: Annotated[
        float,
        Field(
            gt=0,
            description="after the endpoint, time for the second pass; then the live engine's "
            "final stands, s",
        ),
    ] = 1.5


class EngineSettings(Section):
    """One engine: its kind and the options that its kind takes."""

    kind: Annotated[
        str,
        Field(
            description="pocketsphinx, moonshine, whisper, sherpa-onnx, sherpa-onnx-offline or fake"
        ),
    ]
    options: Annotated[
        dict[str, EngineOption], Field(description="see docs/settings.md; checked by the engine")
    ] = Field(default_factory=dict)


class PropertySettings(Section):
    """The engines of one property, where finals have one of their own."""

    live: Annotated[
        str, Field(description="the engine, or model, that hears people while they speak")
    ]
    final: Annotated[
        str,
        Field(
            description="the engine, or model, that reads each utterance once more when it is "
            "over, for its final; empty = none does"
        ),
    ] = ""


Served = str | PropertySettings
"""What serves a property: the name of its engine, or its engines."""


def language_of(key: str) -> str:
    """The language that a key of `properties` begins with: "english" of "english_16k_common"."""
    return key.partition("_")[0]


def live_engine(served: Served) -> str:
    """The engine that hears people while they speak."""
    return served if isinstance(served, str) else served.live


def final_engine(served: Served) -> str | None:
    """The engine of the second pass, if there is one."""
    return None if isinstance(served, str) else served.final or None


def served_engines(properties: Mapping[str, Served]) -> tuple[str, ...]:
    """All engines that the properties name, each once."""
    pairs = ((live_engine(served), final_engine(served)) for served in properties.values())
    return tuple(dict.fromkeys(name for pair in pairs for name in pair if name))


class TextSettings(Section):
    """What is done to the text of engines."""

    punctuation: Annotated[
        dict[str, str],
        Field(
            description="punctuation model for engines without marks of their own, by language "
            "('english', 'chinese'): the path of its folder, or its name in models.folder"
        ),
    ] = Field(default_factory=dict)


class ModelSettings(Section):
    """Where models are kept and fetched from."""

    folder: Annotated[
        str, Field(description="folder of the models; empty = $XDG_DATA_HOME/rasr/models")
    ] = ""
    mirror: Annotated[
        str,
        Field(
            description="address that has the release files by their names, tried before those "
            "of the catalogue"
        ),
    ] = ""
    hub_mirror: Annotated[
        str,
        Field(description="address that has the repositories of huggingface.co, tried before it"),
    ] = ""
