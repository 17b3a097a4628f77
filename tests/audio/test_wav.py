from __future__ import annotations

import struct
import sys
from typing import Any, SupportsIndex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.audio import FORMATS, AudioFormat, Encoding, WavHeader
from rasr.audio.containers import packets
from rasr.audio.containers.wav import WavSkipper, contradiction
from tests.audio.signals import chunk, cut, cuts, fmt, noise, quick, wav

AUDIO = noise(0.05, 16000).tobytes()
LIST = chunk(b"LIST", b"INFOISFT\x0e\0\0\0Lavf58.29.100\0")
UNKNOWN = 0xFFFFFFFF
PLAIN = WavHeader(encoding_code=1, channels=1, sample_rate=16000, bits=16)


def heard(data: bytes, sizes: list[int] | None = None) -> tuple[bytes, WavHeader | None]:
    skipper = WavSkipper()
    audio = b"".join(skipper.feed(piece) for piece in cut(data, sizes or []))
    return audio + skipper.flush(), skipper.header


STREAMS = {
    "plain": wav(AUDIO),
    "LIST and fact before the audio": wav(AUDIO, before=LIST + chunk(b"fact", bytes(4))),
    "an odd chunk before the audio": wav(AUDIO, before=chunk(b"junk", b"odd")),
    "LIST behind the audio": wav(AUDIO, behind=LIST),
    "several chunks behind the audio": wav(AUDIO, behind=chunk(b"id3 ", b"odd") + LIST),
    "sizes of a pipe, as ffmpeg writes them": wav(AUDIO, riff_size=UNKNOWN, data_size=UNKNOWN),
    "sizes never filled in": wav(AUDIO, riff_size=0, data_size=0),
    "sizes of an empty file": wav(AUDIO, riff_size=36, data_size=0),
    "sizes too small": wav(AUDIO, riff_size=36 + 400, data_size=400),
    "a data size too small": wav(AUDIO, data_size=400),
    "a data size too small and no RIFF size": wav(AUDIO, riff_size=UNKNOWN, data_size=400),
    "a data size too large": wav(AUDIO, data_size=10**6),
    "extensible": wav(
        AUDIO,
        head=fmt(0xFFFE, extra=struct.pack("<HHIH", 22, 16, 4, 1) + bytes.fromhex("000000001000")),
    ),
}


@pytest.mark.parametrize("name", STREAMS)
def test_only_the_audio_of_a_wav_file_comes_through(name: str) -> None:
    assert heard(STREAMS[name]) == (AUDIO, PLAIN)


@given(
    data=st.one_of(
        st.sampled_from(list(STREAMS.values())),
        st.binary(max_size=60),
        st.binary(max_size=60).map(lambda rest: b"RIFF\x24\0\0\0WAVE" + rest),
        st.binary(max_size=60).map(lambda rest: b"RIFF\x24\0\0\0WAVE" + fmt() + rest),
        st.binary(max_size=60).map(lambda rest: wav(AUDIO[:20], riff_size=100) + rest),
    ),
    sizes=cuts,
    end=st.none() | st.integers(0, 120),
)
@quick
def test_the_cut_of_the_bytes_changes_neither_audio_nor_header(
    data: bytes, sizes: list[int], end: int | None
) -> None:
    data = data[:end]
    whole = heard(data)
    assert heard(data, sizes) == whole
    assert heard(data, [1] * len(data)) == whole


@given(data=st.binary(max_size=100).filter(lambda data: not data.startswith(b"RIFF")), sizes=cuts)
@quick
def test_audio_without_a_header_comes_through_untouched_and_at_once(
    data: bytes, sizes: list[int]
) -> None:
    skipper = WavSkipper()
    sent, came = b"", b""
    for piece in cut(data, sizes):
        sent += piece
        came += skipper.feed(piece)
        held = sent[len(came) :]
        assert came + held == sent
        assert b"RIFF".startswith(held)
    assert came + skipper.flush() == data
    assert skipper.header is None


@pytest.mark.parametrize(
    "start",
    [
        b"RIFX\0\0\0\0WAVE",
        b"RIFF\0\0\0\0AVI ",
        b"RIFF\0\0\0\0WAVE" + chunk(b"\x01\x02\x03\x04", b""),
        b"RIFF\0\0\0\0WAVE" + b"LIST" + struct.pack("<I", 70_000),
        b"RIFF\0\0\0\0WAVE" + chunk(b"fmt ", bytes(14)),
        b"RIFF\0\0\0\0WAVE" + chunk(b"data", b""),
    ],
    ids=["big-endian", "video", "unprintable", "too long", "fmt too short", "no fmt"],
)
def test_what_only_begins_like_a_header_is_audio_as_soon_as_that_is_clear(start: bytes) -> None:
    skipper = WavSkipper()
    assert skipper.feed(start) == start
    assert skipper.feed(AUDIO) == AUDIO
    assert skipper.header is None


def test_the_first_sample_behind_a_header_is_not_held_back() -> None:
    skipper = WavSkipper()
    assert skipper.feed(wav(b"", data_size=1000, riff_size=1036)) == b""
    assert skipper.header == PLAIN
    assert skipper.feed(b"\x01") == b"\x01"


def test_a_header_that_is_cut_off_is_not_audio() -> None:
    assert heard(wav(AUDIO)[:30]) == (b"", None)


def test_audio_that_ends_within_the_first_letters_of_a_header_is_audio() -> None:
    assert heard(b"RIFF") == (b"RIFF", None)


def test_audio_that_follows_a_trailing_chunk_is_kept() -> None:
    assert heard(wav(AUDIO, behind=LIST) + AUDIO) == (2 * AUDIO, PLAIN)


def test_g711_in_a_wav_file_of_odd_length_is_kept_whole() -> None:
    data = wav(b"\x11\x22\x33\0", head=fmt(7, bits=8), data_size=3, behind=LIST)
    assert heard(data) == (b"\x11\x22\x33\0", WavHeader(7, 1, 16000, 8))


def test_a_trailing_chunk_that_comes_in_pieces_is_dropped_though_nothing_has_room_behind_it() -> (
    None
):
    data = wav(AUDIO, behind=LIST)
    skipper = WavSkipper()
    assert skipper.feed(data[: -len(LIST) + 9]) == AUDIO
    assert skipper.feed(data[-len(LIST) + 9 : -3]) == b""
    assert skipper.feed(data[-3:] + b"\x01\x02") == b"\x01\x02"


class _Copies(bytearray):
    """Bytes that count how many bytes are copied out of them, and out of the copies."""

    copied = 0

    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        found = super().__getitem__(key)
        if isinstance(found, int):
            return found
        _Copies.copied += len(found)
        return _Copies(found)


@pytest.mark.parametrize("where", ["before", "behind"])
def test_many_small_chunks_cost_work_in_proportion(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packets, "bytearray", _Copies, raising=False)

    def work(count: int) -> tuple[int, int]:
        """Bytes copied and functions called for so many chunks without a body."""
        chunks = chunk(b"junk", b"") * count
        data = wav(b"\0\0", before=chunks) if where == "before" else wav(b"\0\0", behind=chunks)
        calls = 0

        def count_call(frame: object, event: str, argument: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        _Copies.copied = 0
        skipper = WavSkipper()
        sys.setprofile(count_call)
        try:
            audio = skipper.feed(data)
        finally:
            sys.setprofile(None)
        assert audio == b"\0\0"
        return _Copies.copied, calls

    copied, calls = work(1000)
    copied_of_twice, calls_of_twice = work(2000)
    assert 0 < copied_of_twice < 2.2 * copied
    assert 0 < calls_of_twice < 2.2 * calls


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (WavHeader(1, 1, 16000, 16), "pcm16k16bit"),
        (WavHeader(1, 1, 8000, 16), "pcm8k16bit"),
        (WavHeader(7, 1, 8000, 8), "ulaw8k8bit"),
        (WavHeader(6, 1, 16000, 8), "alaw16k8bit"),
    ],
)
def test_a_header_that_says_what_was_declared_is_no_contradiction(
    head: WavHeader, name: str
) -> None:
    assert contradiction(head, FORMATS[name]) is None


@pytest.mark.parametrize(
    ("head", "item"),
    [
        (WavHeader(1, 2, 44100, 16), AudioFormat(Encoding.PCM_S16LE, 44100, 2)),
        (WavHeader(1, 1, 24000, 8), AudioFormat(Encoding.PCM_U8, 24000)),
        (WavHeader(1, 1, 48000, 24), AudioFormat(Encoding.PCM_S24LE, 48000)),
        (WavHeader(1, 1, 48000, 32), AudioFormat(Encoding.PCM_S32LE, 48000)),
        (WavHeader(3, 20, 48000, 32), AudioFormat(Encoding.PCM_F32LE, 48000, 20)),
    ],
)
def test_a_header_of_any_format_agrees_with_that_format_and_no_other(
    head: WavHeader, item: AudioFormat
) -> None:
    assert contradiction(head, item) is None
    for other in (
        AudioFormat(item.encoding, item.sample_rate, 3),
        AudioFormat(item.encoding, 8000, item.channels),
        AudioFormat(Encoding.ULAW, item.sample_rate, item.channels),
    ):
        sentence = contradiction(head, other)
        assert sentence is not None
        assert f"the WAV header says {head}; the declared audio_format" in sentence


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (WavHeader(1, 2, 44100, 16), "16-bit PCM, 2 channels, 44100 Hz"),
        (WavHeader(1, 1, 8000, 16), "16-bit PCM, 1 channel, 8000 Hz"),
        (WavHeader(1, 1, 16000, 8), "8-bit PCM, 1 channel, 16000 Hz"),
        (WavHeader(7, 1, 16000, 8), "8-bit µ-law, 1 channel, 16000 Hz"),
        (WavHeader(3, 1, 16000, 32), "32-bit floating point, 1 channel, 16000 Hz"),
        (WavHeader(0x161, 1, 16000, 16), "16-bit coding 353, 1 channel, 16000 Hz"),
    ],
)
def test_a_contradiction_says_both_sides(head: WavHeader, said: str) -> None:
    assert contradiction(head, FORMATS["pcm16k16bit"]) == (
        f"the WAV header says {said}; the declared audio_format 'pcm16k16bit' is "
        "16-bit PCM, 1 channel, 16000 Hz, and so the sound is read"
    )
