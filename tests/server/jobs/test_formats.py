"""A recording has the same sentences and times as a job, by `rasr transcribe` and streamed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import pytest_asyncio

from rasr.audio import read_audio
from rasr.server.service import Service
from tests.audio.compressed import muxed
from tests.media.files import ENCODED, encoded
from tests.recordings.hosts import saying, serving
from tests.server.jobs.place import asking, job_settings, service_of, talk, url_of
from tests.server.sdk import SdkClient
from tests.server.short_audio import transcribed

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SPOKEN = np.frombuffer(talk(3), "<i2")
_MORE = {"wav-adpcm": ("wav", "adpcm_ima_wav")}
_DECLARED = {
    "ogg": "ogg-opus",
    **dict.fromkeys(("wav-adpcm", "wav-alaw", "wav-ulaw"), "wav"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service_of(job_settings(tmp_path_factory.mktemp("formats"))) as running:
        yield running


def _file(kind: str) -> bytes:
    samples = np.ascontiguousarray(_SPOKEN)
    if kind in _MORE:
        return muxed(samples, *_MORE[kind], 16000)
    return encoded(samples, kind)


async def _job(service: Service, data: bytes, audio_format: str, **config: object) -> list[Any]:
    async with serving(saying(data)) as host, asking(service) as asker:
        job = await asker.submit(url_of(host), audio_format=audio_format, **config)
        told = await asker.over(job)
    assert told["status"] == "FINISHED", told
    segments: list[Any] = told["segments"]
    return segments


async def _streamed(service: Service, data: bytes, audio_format: str) -> list[Any]:
    async with SdkClient(service.url, "rasr/continue-stream") as client:
        await client.start(audio_format=audio_format, property="english_16k_common")
        await client.audio(data)
        await client.end()
    return [
        {name: one[name] for name in ("start_time", "end_time", "result")} for one in client.finals
    ]


@pytest.mark.parametrize("kind", [*ENCODED, *_MORE])
@pytest.mark.parametrize("is_declared", [True, False], ids=["declared", "by content"])
async def test_a_file_has_the_sentences_of_its_stream(
    service: Service, tmp_path: Path, kind: str, is_declared: bool
) -> None:
    """Streamed is what `rasr transcribe` streams: the file, decoded to 16 kHz."""
    data = _file(kind)
    path = tmp_path / "recording"
    path.write_bytes(data)
    declared = _DECLARED.get(kind, kind) if is_declared else "auto"
    found = await _job(service, data, declared)
    samples = b"".join(piece.astype("<i2").tobytes() for piece in read_audio(path, 16000))
    assert found == await _streamed(service, samples, "pcm16k16bit")
    assert len(found) == 3


@pytest.mark.parametrize("kind", ["mp3", "flac"])
async def test_the_command_line_has_the_same(service: Service, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"recording.{kind}"
    path.write_bytes(_file(kind))
    written = await transcribed(service, path, "--mode", "continue", "--format", "json")
    (recording,) = json.loads(written)["recordings"]
    found = await _job(service, path.read_bytes(), "auto")
    assert [(one["start_time"], one["end_time"], one["text"]) for one in recording["segments"]] == [
        (one["start_time"], one["end_time"], one["result"]["text"]) for one in found
    ]


@pytest.mark.parametrize(
    "name",
    ["pcm16k16bit", "alaw16k8bit", "ulaw16k8bit", "pcm8k16bit", "alaw8k8bit", "ulaw8k8bit"],
)
async def test_raw_audio_has_the_sentences_of_its_stream(service: Service, name: str) -> None:
    khz = 8 if "8k8" in name or "8k16" in name else 16
    samples = np.ascontiguousarray(_SPOKEN[:: 16 // khz])
    codec = {"pcm": "pcm_s16le", "ala": "pcm_alaw", "ula": "pcm_mulaw"}[name[:3]]
    muxer = {"pcm": "s16le", "ala": "alaw", "ula": "mulaw"}[name[:3]]
    data = muxed(samples, muxer, codec, 1000 * khz)
    wanted = f"english_{khz}k_common"
    found = await _job(service, data, name, property=wanted)
    async with SdkClient(service.url, "rasr/continue-stream") as client:
        await client.start(audio_format=name, property=wanted)
        await client.audio(data)
        await client.end()
    assert [one["result"] for one in found] == [one["result"] for one in client.finals]
    assert len(found) == 3


async def test_dialogic_adpcm_is_heard(service: Service) -> None:
    """No encoder of it is at hand: bytes that swing by themselves stand for speech."""
    data = np.random.default_rng(1).integers(0, 256, 8000, dtype=np.uint8).tobytes()
    decoder = av.CodecContext.create("adpcm_ima_oki", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = 8000, "mono"
    (frame,) = decoder.decode(av.Packet(data))
    plain = frame.to_ndarray().reshape(-1).astype("<i2").tobytes()
    wanted = "english_8k_common"
    found = await _job(service, data, "vox8k4bit", property=wanted)
    assert found == await _job(service, plain, "pcm8k16bit", property=wanted)


async def test_stereo_is_mixed_down(service: Service) -> None:
    both = np.ascontiguousarray(np.repeat(_SPOKEN, 2))
    found = await _job(service, muxed(both, "wav", "pcm_s16le", 16000, "stereo"), "auto")
    assert [one["result"]["text"] for one in found] == [
        one["result"]["text"] for one in await _job(service, _file("wav"), "wav")
    ]
