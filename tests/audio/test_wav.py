from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.audio import FORMATS, WavHeader, WavSkipper, contradiction
from tests.audio.sound import chunk, cut, cuts, fmt, noise, quick, wav

SOUND = noise(0.05, 16000).tobytes()
LIST = chunk(b"LIST", b"INFOISFT\x0e\0\0\0Lavf58.29.100\0")
UNKNOWN = 0xFFFFFFFF
PLAIN = WavHeader(encoding_code=1, channels=1, sample_rate=16000, bits=16)


def heard(data: bytes, sizes: list[int] | None = None) -> tuple[bytes, WavHeader | None]:
    skipper = WavSkipper()
    sound = b"".join(skipper.feed(piece) for piece in cut(data, sizes or []))
    return sound + skipper.flush(), skipper.header


STREAMS = {
    "plain": wav(SOUND),
    "LIST and fact before the sound": wav(SOUND, before=LIST + chunk(b"fact", bytes(4))),
    "an odd chunk before the sound": wav(SOUND, before=chunk(b"junk", b"odd")),
    "LIST behind the sound": wav(SOUND, behind=LIST),
    "several chunks behind the sound": wav(SOUND, behind=chunk(b"id3 ", b"odd") + LIST),
    "sizes of a pipe, as ffmpeg writes them": wav(SOUND, riff_size=UNKNOWN, data_size=UNKNOWN),
    "sizes never filled in": wav(SOUND, riff_size=0, data_size=0),
    "sizes of an empty file": wav(SOUND, riff_size=36, data_size=0),
    "sizes too small": wav(SOUND, riff_size=36 + 400, data_size=400),
    "a data size too small": wav(SOUND, data_size=400),
    "a data size too small and no RIFF size": wav(SOUND, riff_size=UNKNOWN, data_size=400),
    "a data size too large": wav(SOUND, data_size=10**6),
    "extensible": wav(
        SOUND,
        head=fmt(0xFFFE, extra=struct.pack("<HHIH", 22, 16, 4, 1) + bytes.fromhex("000000001000")),
    ),
}


@pytest.mark.parametrize("name", STREAMS)
def test_only_the_sound_of_a_wav_file_comes_through(name: str) -> None:
    assert heard(STREAMS[name]) == (SOUND, PLAIN)


@given(
    data=st.one_of(
        st.sampled_from(list(STREAMS.values())),
        st.binary(max_size=60),
        st.binary(max_size=60).map(lambda rest: b"RIFF\x24\0\0\0WAVE" + rest),
        st.binary(max_size=60).map(lambda rest: b"RIFF\x24\0\0\0WAVE" + fmt() + rest),
        st.binary(max_size=60).map(lambda rest: wav(SOUND[:20], riff_size=100) + rest),
    ),
    sizes=cuts,
    end=st.none() | st.integers(0, 120),
)
@quick
def test_the_cut_of_the_bytes_changes_neither_sound_nor_header(
    data: bytes, sizes: list[int], end: int | None
) -> None:
    data = data[:end]
    whole = heard(data)
    assert heard(data, sizes) == whole
    assert heard(data, [1] * len(data)) == whole


@given(data=st.binary(max_size=100).filter(lambda data: not data.startswith(b"RIFF")), sizes=cuts)
@quick
def test_sound_without_a_header_comes_through_untouched_and_at_once(
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
def test_what_only_begins_like_a_header_is_sound_as_soon_as_that_is_clear(start: bytes) -> None:
    skipper = WavSkipper()
    assert skipper.feed(start) == start
    assert skipper.feed(SOUND) == SOUND
    assert skipper.header is None


def test_the_first_sample_behind_a_header_is_not_held_back() -> None:
    skipper = WavSkipper()
    assert skipper.feed(wav(b"", data_size=1000, riff_size=1036)) == b""
    assert skipper.header == PLAIN
    assert skipper.feed(b"\x01") == b"\x01"


def test_a_header_that_is_cut_off_is_not_sound() -> None:
    assert heard(wav(SOUND)[:30]) == (b"", None)


def test_sound_that_ends_within_the_first_letters_of_a_header_is_sound() -> None:
    assert heard(b"RIFF") == (b"RIFF", None)


def test_sound_that_follows_a_trailing_chunk_is_kept() -> None:
    assert heard(wav(SOUND, behind=LIST) + SOUND) == (2 * SOUND, PLAIN)


def test_g711_in_a_wav_file_of_odd_length_is_kept_whole() -> None:
    data = wav(b"\x11\x22\x33\0", head=fmt(7, bits=8), data_size=3, behind=LIST)
    assert heard(data) == (b"\x11\x22\x33\0", WavHeader(7, 1, 16000, 8))


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
