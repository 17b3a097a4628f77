"""Voices are told apart by sherpa-onnx in a process; without models that is refused."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from rasr.recordings.analysis import diarization
from rasr.recordings.analysis.diarization import Diarizer, VoiceModels
from rasr.recordings.faults import RecordingFault
from rasr.settings import RecordingSettings
from rasr.wire.sis.analysis import AnalysisOptions, ChannelRule
from tests.recordings.analysis.voice_models import embedding, segmentation

LOW, HIGH = 300, 3000


def said(*parts: tuple[int, float]) -> bytes:
    """Tones of so many Hz and seconds, with half a second of silence behind each."""
    pieces = []
    for hz, seconds in parts:
        time = np.arange(round(seconds * 16000)) / 16000
        pieces += [8000 * np.sin(2 * np.pi * hz * time), np.zeros(8000)]
    return np.concatenate(pieces).astype("<i2").tobytes()


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 64_000):
        yield data[at : at + 64_000]


def with_models(folder: Path) -> RecordingSettings:
    return RecordingSettings(
        voice_segmentation=str(segmentation(folder / "segmentation.onnx")),
        voice_embedding=str(embedding(folder / "embedding.onnx")),
    )


async def test_two_voices_have_their_turns(tmp_path: Path) -> None:
    diarizer = Diarizer(with_models(tmp_path))
    assert diarizer.tells(AnalysisOptions())
    audio = said((LOW, 4), (HIGH, 5), (LOW, 4))
    turns = await diarizer.turns(pieces(audio), tmp_path)
    assert [turn.speaker for turn in turns] in ([0, 1, 0], [1, 0, 1])
    for turn, (start, end) in zip(turns, [(0, 4000), (4500, 9500), (10000, 14000)], strict=True):
        assert abs(turn.start_ms - start) < 200
        assert abs(turn.end_ms - end) < 200
    assert sorted(os.listdir(tmp_path)) == ["embedding.onnx", "segmentation.onnx"]


async def test_silence_has_no_turns(tmp_path: Path) -> None:
    assert await Diarizer(with_models(tmp_path)).turns(pieces(bytes(320_000)), tmp_path) == []


async def test_without_models_it_is_refused_or_left_out(tmp_path: Path) -> None:
    with pytest.raises(RecordingFault) as refused:
        Diarizer(RecordingSettings()).tells(AnalysisOptions())
    assert refused.value.code == "SIS.0031"
    assert "recordings.voice_segmentation" in refused.value.message
    lenient = Diarizer(RecordingSettings(voices_required=False))
    assert not lenient.tells(AnalysisOptions())


@pytest.mark.parametrize(
    "options",
    [
        AnalysisOptions(diarization=False),
        AnalysisOptions(channel=ChannelRule.LEFT_AGENT),
        AnalysisOptions(channel=ChannelRule.RIGHT_AGENT),
    ],
)
def test_channels_need_no_models(options: AnalysisOptions) -> None:
    assert not Diarizer(RecordingSettings()).tells(options)


async def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    settings = RecordingSettings(voice_segmentation="/none.onnx", voice_embedding="/none.onnx")
    with pytest.raises(RecordingFault) as refused:
        await Diarizer(settings).turns(pieces(bytes(3200)), tmp_path)
    assert refused.value.code == "SIS.0031"
    assert "there is no model /none.onnx" in refused.value.message
    assert os.listdir(tmp_path) == []


async def test_a_file_that_is_no_model_costs_the_call_alone(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"no model")
    path = str(tmp_path / "x.onnx")
    settings = RecordingSettings(voice_segmentation=path, voice_embedding=path)
    with pytest.raises(RecordingFault) as refused:
        await Diarizer(settings).turns(pieces(bytes(3200)), tmp_path)
    assert refused.value.code == "SIS.0031"
    assert "cannot be used" in refused.value.message
    assert not refused.value.may_pass


async def test_a_process_that_dies_each_time_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diarization, "_work", _dies)
    with capture_logs() as lines, pytest.raises(RecordingFault) as refused:
        await Diarizer(with_models(tmp_path)).turns(pieces(bytes(3200)), tmp_path)
    assert [one["tries"] for one in lines] == [1, 2, 3]
    assert refused.value.code == "SIS.0100"
    assert not refused.value.may_pass


def _dies(connection: Connection, models: VoiceModels) -> None:
    os._exit(1)


async def test_too_much_audio_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diarization, "MOST_AUDIO_S", 1)
    with pytest.raises(RecordingFault) as refused:
        await Diarizer(with_models(tmp_path)).turns(pieces(bytes(32_002)), tmp_path)
    assert refused.value.code == "SIS.0537"
