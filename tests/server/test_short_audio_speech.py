"""One-sentence recognition with the default engine: a recording has one text, at every door."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bench.recordings import load, names
from rasr.server.service import Service
from tests.decoder.models.weights import MOONSHINE
from tests.longer import mostly_long
from tests.media.files import encoded
from tests.server.short_audio import streamed, told, transcribed
from tests.server.test_moonshine import settings

pytestmark = MOONSHINE.needed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def moonshine() -> AsyncIterator[Service]:
    async with Service(settings()) as service:
        yield service


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", mostly_long(names(), "conversation", "bed"))
async def test_a_recording_has_the_same_text_at_every_door(moonshine: Service, name: str) -> None:
    recording = load(name)
    posted = await told(moonshine, recording.path.read_bytes(), "flac")
    samples = recording.samples.tobytes()
    assert posted == await streamed(moonshine, samples, "pcm16k16bit")
    assert posted["text"] == await transcribed(moonshine, recording.path)
    assert len(posted["text"].split()) >= len(recording.text.split()) // 2


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", ["mp3", "aac", "m4a", "wma", "ogg", "webm", "amr"])
async def test_what_codecs_lose_is_not_heard(moonshine: Service, kind: str) -> None:
    recording = load("greeting")
    plain = await told(moonshine, recording.samples.tobytes(), "pcm16k16bit", add_punc="no")
    coded = await told(moonshine, encoded(recording.samples, kind), kind, add_punc="no")
    same = sum(a == b for a, b in zip(plain["text"].split(), coded["text"].split(), strict=False))
    assert same >= 0.7 * len(plain["text"].split()), coded["text"]
