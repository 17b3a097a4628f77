"""Who speaks when, told by voices: sherpa-onnx's offline speaker diarization, in a process.

It has all of a recording in memory and works for minutes, so it is a process of its own, which is
begun for a recording and ends with it. One recording is worked on at a time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from decoder import DecoderError, EngineUnavailable
from rasr.audio import SAMPLE_RATE
from rasr.recordings.analysis.voices import Turn
from rasr.recordings.faults import RecordingFault
from rasr.recordings.spool import RecordingFile
from rasr.scheduling import ChildProcess, WorkerDied, answer_questions
from rasr.settings import RecordingSettings
from rasr.wire.sis.analysis import AnalysisOptions
from rasr.wire.sis.errors import ErrorCode

_log = structlog.get_logger("rasr.recordings")

MOST_AUDIO_S = 2 * 3600
"""It takes 6 MB of memory for a minute."""
_NICE = 10
_TRIES = 3


@dataclass(frozen=True, slots=True)
class VoiceModels:
    """The models that tell voices apart."""

    segmentation: Path
    """Where in some seconds of audio how many speak."""
    embedding: Path
    """What a voice is like."""


class Diarizer:
    """Tells voices apart. One serves a whole server."""

    def __init__(self, settings: RecordingSettings) -> None:
        """Take the models of the settings."""
        given = settings.voice_segmentation, settings.voice_embedding
        self._models = VoiceModels(*map(Path, given)) if settings.has_voice_models else None
        self._is_required = settings.voices_required
        self._turn = asyncio.Lock()

    def tells(self, options: AnalysisOptions) -> bool:
        """Whether the voices of a recording are told apart.

        Raises:
            RecordingFault: UNSUPPORTED: that is asked for, and there are no models for it.
        """
        if not options.tells_voices:
            return False
        if self._models is not None:
            return True
        if self._is_required:
            raise RecordingFault(
                ErrorCode.UNSUPPORTED,
                "'diarization' is not supported: this server has no models that tell voices apart "
                "(recordings.voice_segmentation and recordings.voice_embedding; `rasr models pull "
                "diarization`); send false, or name the channels with LEFT_AGENT or RIGHT_AGENT",
            )
        return False

    async def turns(self, audio: AsyncIterable[bytes], folder: Path) -> list[Turn]:
        """Who speaks when.

        Args:
            audio: mono samples, int16, at 16 kHz.
            folder: where they may lie meanwhile.

        Raises:
            RecordingFault: there is too much audio, or the models cannot be used.
        """
        assert self._models is not None, "`tells` has said that there are models"
        path = folder / "voices"
        async with RecordingFile(path, MOST_AUDIO_S * SAMPLE_RATE * 2) as file:
            async for piece in audio:
                await file.write(piece)
            await file.flush()
        try:
            async with self._turn:
                return await _in_tries(self._models, path)
        finally:
            await asyncio.to_thread(path.unlink)


async def _in_tries(models: VoiceModels, path: Path) -> list[Turn]:
    for tries in range(1, _TRIES + 1):
        try:
            return await _asked(models, path)
        except WorkerDied:
            _log.warning("diarization_process_died", tries=tries)
    # What ends it each time must not keep other recordings waiting.
    raise RecordingFault(
        ErrorCode.INTERNAL,
        f"the process that tells voices apart has ended {_TRIES} times; whoever runs the server "
        "finds more in its log",
    )


async def _asked(models: VoiceModels, path: Path) -> list[Turn]:
    process = ChildProcess("diarization")
    try:
        await process.start(_work, models, died=lambda: None)
        turns: list[Turn] = await process.ask(path)
    except DecoderError as error:
        raise RecordingFault(ErrorCode.UNSUPPORTED, f"'diarization': {error}") from error
    finally:
        process.stop()
    return turns


def _work(connection: Connection, models: VoiceModels) -> None:
    """The work of the process."""
    os.nice(_NICE)
    answer_questions(connection, partial(_load, models))


def _load(models: VoiceModels) -> tuple[None, Callable[[Path], list[Turn]]]:
    import sherpa_onnx

    # The library ends the process where a file is none that it knows.
    for path in (models.segmentation, models.embedding):
        if not path.is_file():
            raise EngineUnavailable(f"there is no model {path}")
    config = sherpa_onnx.OfflineSpeakerDiarizationConfig(
        segmentation=sherpa_onnx.OfflineSpeakerSegmentationModelConfig(
            pyannote=sherpa_onnx.OfflineSpeakerSegmentationPyannoteModelConfig(
                str(models.segmentation)
            )
        ),
        embedding=sherpa_onnx.SpeakerEmbeddingExtractorConfig(str(models.embedding)),
        # Nobody says how many there are.
        clustering=sherpa_onnx.FastClusteringConfig(num_clusters=-1),
    )
    if not config.validate():
        raise EngineUnavailable("the models that tell voices apart cannot be used")
    try:
        diarization = sherpa_onnx.OfflineSpeakerDiarization(config)
    except RuntimeError as error:
        raise EngineUnavailable("the models that tell voices apart cannot be used") from error
    return None, partial(_turns, diarization)


def _turns(diarization: Any, path: Path) -> list[Turn]:
    samples = np.fromfile(path, "<i2").astype(np.float32) / 32768
    found = diarization.process(samples).sort_by_start_time()
    return [Turn(one.speaker, round(one.start * 1000), round(one.end * 1000)) for one in found]
