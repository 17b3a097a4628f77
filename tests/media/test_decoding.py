"""Decoding files in processes of their own: what comes of them, and of those that are hostile."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, aclosing

import numpy as np
import pytest

from rasr.audio import AudioFileError, FileFormat, Samples
from rasr.media import (
    AudioFiles,
    AudioTooLong,
    DecodingKilled,
    DecodingLate,
    Limits,
    file_of,
)
from tests.media.files import (
    ENCODED,
    amr_wb,
    bomb,
    encoded,
    endless_webm,
    tone,
    wav_head,
    with_streams,
)
from tests.processes import Process, until

MINUTE = Limits(audio_s=60)


@pytest.fixture
async def files() -> AsyncIterator[AudioFiles]:
    decoding = AudioFiles(2)
    yield decoding
    decoding.close()


async def decoded(
    files: AudioFiles,
    data: bytes,
    declared: FileFormat = FileFormat.AUTO,
    rate: int = 16000,
    limits: Limits = MINUTE,
    channel: int | None = None,
) -> Samples:
    with file_of(data) as file:
        async with aclosing(files.pieces(file, declared, rate, limits, channel=channel)) as pieces:
            return np.frombuffer(b"".join([piece async for piece in pieces]), "<i2")


async def refusal(files: AudioFiles, data: bytes, declared: FileFormat = FileFormat.AUTO) -> str:
    with pytest.raises(AudioFileError) as raised:
        await decoded(files, data, declared)
    return str(raised.value)


@pytest.mark.parametrize("kind", ENCODED)
@pytest.mark.parametrize("rate", [8000, 16000])
async def test_every_format_is_decoded_as_it_is_declared_and_by_its_content(
    files: AudioFiles, kind: str, rate: int
) -> None:
    data = encoded(tone(3), kind)
    found = await decoded(files, data, FileFormat(kind.partition("-")[0]), rate)
    assert abs(len(found) - 3 * rate) < 0.15 * rate
    assert np.abs(found.astype(int)).max() > 6000
    assert (await decoded(files, data, rate=rate)).tolist() == found.tolist()


async def test_amr_of_either_band_is_told_apart(files: AudioFiles) -> None:
    wide, narrow = amr_wb(2), encoded(tone(1), "amr")
    assert len(await decoded(files, wide, FileFormat.AMR_WB)) == 2 * 16000
    assert "not 'amr', as declared; it seems to be 'amrwb'" in await refusal(
        files, wide, FileFormat.AMR
    )
    assert "it seems to be 'amr'" in await refusal(files, narrow, FileFormat.AMR_WB)


async def test_samples_of_a_wav_file_are_not_changed(files: AudioFiles) -> None:
    samples = tone(5)
    assert (await decoded(files, encoded(samples, "wav"))).tolist() == samples.tolist()


STEREO = np.stack((tone(1), -tone(1) // 2), axis=1)


@pytest.mark.parametrize("channel", [0, 1])
async def test_one_channel_is_decoded_alone(files: AudioFiles, channel: int) -> None:
    data = encoded(STEREO, "wav", layout="stereo")
    found = await decoded(files, data, channel=channel)
    assert found.tolist() == STEREO[:, channel].tolist()


@pytest.mark.parametrize("kind", ["mp3", "m4a", "flac", "ogg"])
async def test_one_channel_of_any_format_is_what_it_is_alone(files: AudioFiles, kind: str) -> None:
    both = np.stack((tone(2), np.zeros(32000, np.int16)), axis=1)
    data = encoded(both, kind, layout="stereo")
    loud, silent = [
        np.abs((await decoded(files, data, rate=8000, channel=one)).astype(int)) for one in (0, 1)
    ]
    assert abs(len(loud) - 16000) < 0.15 * 8000
    assert (loud.max() > 6000, silent.max() < 800) == (True, True)


async def test_a_channel_that_is_not_there_is_a_fault(files: AudioFiles) -> None:
    with pytest.raises(AudioFileError, match="no channel 2; it has 2, counted from 0"):
        await decoded(files, encoded(STEREO, "wav", layout="stereo"), channel=2)
    with pytest.raises(AudioFileError, match="no channel 1; it has 1"):
        await decoded(files, encoded(tone(1), "wav"), channel=1)


@pytest.mark.parametrize("kind", ENCODED)
async def test_what_a_file_says_of_its_audio_is_told(files: AudioFiles, kind: str) -> None:
    with file_of(encoded(tone(3), kind)) as file:
        info = await files.info(file, FileFormat.AUTO, MINUTE)
    assert info.channels == 1
    assert info.sample_rate in (8000, 16000, 48000)
    assert info.duration_s is None or abs(info.duration_s - 3) < 0.3


async def test_a_file_that_says_nothing_is_told_as_ever(files: AudioFiles) -> None:
    for data, sentence in ((b"hello " * 99, "is a text file"), (b"", "is empty")):
        with file_of(data) as file, pytest.raises(AudioFileError, match=sentence):
            await files.info(file, FileFormat.AUTO, MINUTE)


async def test_files_that_are_read_slowly_take_no_place_from_others(files: AudioFiles) -> None:
    data = encoded(tone(8), "wav")
    with ExitStack() as opened:
        slow = [
            files.pieces(
                opened.enter_context(file_of(data)), FileFormat.WAV, 16000, MINUTE, unhurried=True
            )
            for _ in range(3)
        ]
        for one in slow:
            assert await anext(one)
        assert len(await decoded(files, data)) == 8 * 16000
        for one in slow:
            await one.aclose()


async def test_channels_are_mixed_down(files: AudioFiles) -> None:
    both = np.stack((np.full(16000, 1000), np.full(16000, 3000)), axis=1).astype(np.int16)
    found = await decoded(files, encoded(both, "wav", layout="stereo"))
    assert len(found) == 16000
    assert set(found.tolist()) == {2000}


@pytest.mark.parametrize(
    ("data", "declared", "sentence"),
    [
        (b"", "wav", "the audio is empty"),
        (b"hello, this is no audio\n" * 40, "auto", "is a text file, not a recording"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x.mp3\n", "auto", "is a text file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(800), "auto", "of none of the formats that are read here"),
        (bytes(100_000), "mp3", "cannot be read as 'mp3': Invalid data"),
        (encoded(tone(1), "mp3"), "wav", "is not 'wav', as declared; it seems to be 'mp3'"),
        (encoded(tone(1), "m4a"), "aac", "is not 'aac', as declared; it seems to be 'm4a'"),
        (encoded(tone(1), "m4a")[:-900], "m4a", "cannot be read as 'm4a'"),
    ],
)
async def test_what_is_not_as_it_is_declared_is_said(
    files: AudioFiles, data: bytes, declared: str, sentence: str
) -> None:
    assert sentence in await refusal(files, data, FileFormat(declared))


@pytest.mark.parametrize(
    "data",
    [
        wav_head(rate=0, bytes_said=3200) + bytes(3200),
        wav_head(channels=0, bytes_said=3200) + bytes(3200),
        wav_head(channels=65535, bytes_said=3200) + bytes(3200),
        endless_webm(),
    ],
    ids=["zero rate", "no channels", "65535 channels", "endless"],
)
async def test_a_container_that_claims_what_cannot_be_costs_its_own_call_alone(
    files: AudioFiles, data: bytes
) -> None:
    assert await refusal(files, data)
    assert len(await decoded(files, encoded(tone(1), "wav"))) == 16000


async def test_a_header_that_claims_hours_is_believed_as_far_as_there_is_audio(
    files: AudioFiles,
) -> None:
    data = wav_head(bytes_said=2**32 - 60) + tone(1).tobytes()
    assert len(await decoded(files, data)) == 16000


@pytest.mark.parametrize("kind", ENCODED)
async def test_a_file_that_is_damaged_is_decoded_or_has_a_sentence(
    files: AudioFiles, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    whole, random = encoded(tone(1), kind), np.random.default_rng(5)
    sentences = []
    for _ in range(12):
        damaged = bytearray(whole)
        for at in random.integers(0, len(damaged), random.integers(1, 60)):
            damaged[at] = random.integers(0, 256)
        data = bytes(damaged[: random.integers(1, len(damaged) + 1)])
        try:
            await decoded(files, data)
        except AudioFileError as error:
            sentences.append(str(error))
    assert all(one.startswith("the audio ") for one in sentences)
    assert capfd.readouterr().err == ""


async def test_of_many_streams_the_first_is_decoded(files: AudioFiles) -> None:
    data = with_streams(10_000, tone(0.5))
    assert (await decoded(files, data)).tolist() == tone(0.5).tolist()


async def test_a_bomb_is_decoded_as_far_as_its_limit(files: AudioFiles) -> None:
    assert len(bomb()) < 4 << 20
    with pytest.raises(AudioTooLong, match="allowed: 60 s"):
        await decoded(files, bomb())
    assert len(await decoded(files, encoded(tone(60), "wav"))) == 60 * 16000


async def test_what_takes_too_much_of_the_processor_is_ended(files: AudioFiles) -> None:
    day = Limits(audio_s=24 * 3600, processor_s=1)
    with pytest.raises(AudioFileError, match="within 1 s of processor time and 256 MB"):
        await decoded(files, bomb() * 4, limits=day)
    assert len(await decoded(files, encoded(tone(1), "wav"))) == 16000


async def test_what_takes_too_much_memory_is_ended(files: AudioFiles) -> None:
    little = Limits(audio_s=60, memory_bytes=1 << 16)
    with pytest.raises(AudioFileError, match="memory"):
        await decoded(files, encoded(tone(1), "aac"), limits=little)


async def test_audio_comes_no_faster_than_it_is_taken(files: AudioFiles) -> None:
    hour = Limits(audio_s=3600)
    with file_of(encoded(tone(600), "wav")) as file:
        async with aclosing(files.pieces(file, FileFormat.WAV, 16000, hour)) as pieces:
            first = await anext(pieces)
            (child,) = decoders(files)
            # What waits in the socket and the reader is not more than a minute.
            await until(lambda: child.asleep)
            rest = [piece async for piece in pieces]
    assert len(first) + sum(map(len, rest)) == 600 * 32000


async def test_what_takes_long_gives_way_to_live_speech(files: AudioFiles) -> None:
    hour = Limits(audio_s=3600)
    with file_of(encoded(tone(600), "wav")) as file:
        async with aclosing(files.pieces(file, FileFormat.WAV, 16000, hour)) as pieces:
            await anext(pieces)
            (child,) = decoders(files)
            await until(lambda: os.getpriority(os.PRIO_PROCESS, child.pid) == 10)


async def test_whoever_leaves_ends_the_process(files: AudioFiles) -> None:
    with file_of(encoded(tone(60), "wav")) as file:
        pieces = files.pieces(file, FileFormat.WAV, 16000, MINUTE)
        await anext(pieces)
        (child,) = decoders(files)
        await pieces.aclose()
    await until(lambda: child.gone)


async def test_no_more_are_decoded_at_once_than_may_be(files: AudioFiles) -> None:
    opened = [file_of(encoded(tone(60), "wav")) for _ in range(3)]
    first, second, third = (files.pieces(one, FileFormat.WAV, 16000, MINUTE) for one in opened)
    await anext(first)
    await anext(second)
    waiting = asyncio.ensure_future(anext(third))
    await asyncio.sleep(0)
    assert len(decoders(files)) == 2
    assert not waiting.done()
    await first.aclose()
    assert await waiting
    for left in (second, third):
        await left.aclose()
    for file in opened:
        file.close()


async def test_where_a_process_is_killed_another_one_tells_the_rest(files: AudioFiles) -> None:
    samples = tone(60)
    with file_of(encoded(samples, "wav")) as file:
        pieces = files.pieces(file, FileFormat.WAV, 16000, MINUTE)
        found = [await anext(pieces)]
    # It may be closed by now.
    decoders(files)[0].kill()
    found += [piece async for piece in pieces]
    assert np.frombuffer(b"".join(found), "<i2").tolist() == samples.tolist()


async def test_a_process_that_is_killed_twice_is_told_of_and_costs_its_own_file_alone(
    files: AudioFiles,
) -> None:
    with file_of(encoded(tone(60), "wav")) as file:
        pieces = files.pieces(file, FileFormat.WAV, 16000, MINUTE)
        await anext(pieces)
        decoders(files)[0].kill()
        # More than waits in the socket and the reader: the other process has begun.
        for _ in range(20):
            await anext(pieces)
        (second,) = decoders(files)
        second.kill()
        with pytest.raises(DecodingKilled, match="ended from outside, twice"):
            async for _ in pieces:
                pass
    assert len(await decoded(files, encoded(tone(1), "wav"))) == 16000


async def test_the_process_that_begins_others_is_begun_anew_for_those_that_are_waiting(
    files: AudioFiles,
) -> None:
    await files.start()
    first = beginner(files)
    first.kill()
    # Nobody has noticed yet.
    found = await asyncio.gather(*(decoded(files, encoded(tone(1), "wav")) for _ in range(4)))
    assert [len(one) for one in found] == [16000] * 4
    assert beginner(files).pid != first.pid


async def test_nothing_is_left_of_it_when_it_is_closed() -> None:
    decoding = AudioFiles(1)
    await decoding.start()
    process = beginner(decoding)
    decoding.close()
    await until(lambda: process.gone)


_SERVER = """\
import asyncio
from rasr.media import AudioFiles

async def main():
    files = AudioFiles(1)
    await files.start()
    print(files.process_id, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("stopped", [False, True])
async def test_it_ends_with_a_server_that_is_killed(stopped: bool) -> None:
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _SERVER),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert server.stdout is not None
    process = Process(int(await server.stdout.readline()))
    if stopped:
        await process.stop()
    server.kill()
    await server.wait()
    await until(lambda: process.gone)


async def test_a_machine_that_is_too_busy_is_no_fault_of_the_file(files: AudioFiles) -> None:
    limits = Limits(audio_s=60, piece_s=0.0)
    with pytest.raises(DecodingLate):
        await decoded(files, encoded(tone(1), "wav"), limits=limits)


def beginner(files: AudioFiles) -> Process:
    return Process(files.process_id)


def decoders(files: AudioFiles) -> list[Process]:
    return [one for one in beginner(files).children if not one.gone]
