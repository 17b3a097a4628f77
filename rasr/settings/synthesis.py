"""Settings of speech synthesis: how much is spoken at a time, and by whom."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rasr.settings.section import MANY, Section, Texts


class VoiceFolderSettings(Section):
    """Voices of a folder of your own."""

    folder: Annotated[str, Field(description="the folder of a model of sherpa-onnx")]
    languages: Annotated[
        Texts,
        Field(
            description="what its voices speak, of chinese, english and cantonese, the one that "
            "they speak best first; empty = as its files say"
        ),
    ] = ()
    gender: Annotated[
        Literal["female", "male"],
        Field(description="as the voices sound whose names do not say it, as those of Kokoro do"),
    ] = "female"
    age: Annotated[Literal["adult", "child"], Field(description="as they sound")] = "adult"
    steps: Annotated[
        int,
        Field(
            ge=0,
            le=64,
            description="of ZipVoice, Pocket TTS and Supertonic: steps in which a sound is made; "
            "more take longer and sound better; 0 = 5",
        ),
    ] = 0


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
    niceness: Annotated[
        int,
        Field(
            ge=0,
            le=19,
            description="how far processes that speak go behind those that listen where processors "
            "are short; 0 = not at all",
        ),
    ] = 10
    warm: Annotated[
        bool,
        Field(
            description="start the processes that speak once the server is ready, and load the "
            "default voice; else that is done with the first text, or once the voices are asked for"
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
    folders: Annotated[
        dict[str, VoiceFolderSettings],
        Field(
            description="voices of folders of your own, by a name of your own; the voices of a "
            "folder with several are NAME-0, NAME-1 and so on, or as its files call them"
        ),
    ] = Field(default_factory=dict)
