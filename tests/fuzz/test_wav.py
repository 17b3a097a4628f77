"""WAV headers and what may stand behind the audio."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rasr.audio.containers.wav import WavHeader, WavSkipper
from tests.audio.signals import chunk, fmt, wav
from tests.fuzz.examples import fuzz
from tests.fuzz.streams import numbers, pieces_of, sizes, stream_of

NAMES = st.sampled_from([b"fmt ", b"data", b"LIST", b"RIFF", b"id3 ", b"\0\0\0\0"])
WHOLE = [
    wav(bytes(range(64))),
    wav(bytes(100), data_size=0xFFFFFFFF, riff_size=0xFFFFFFFF),
    wav(bytes(64), behind=chunk(b"LIST", b"INFO" * 4)),
    wav(bytes(8), head=fmt(0xFFFE, extra=bytes(24)), before=chunk(b"LIST", bytes(31))),
]
PARTS = st.builds(
    lambda name, size, body: name + (size & 0xFFFFFFFF).to_bytes(4, "little") + body,
    NAMES,
    numbers,
    st.binary(max_size=40),
)


def skipped(pieces: list[bytes]) -> tuple[bytes, WavHeader | None]:
    skipper = WavSkipper()
    audio = [skipper.feed(piece) for piece in pieces]
    return b"".join([*audio, skipper.flush()]), skipper.header


@given(data=stream_of(PARTS, whole=WHOLE), lengths=sizes)
@fuzz
def test_the_cut_changes_nothing_and_nothing_is_made_up(data: bytes, lengths: list[int]) -> None:
    audio, header = skipped([data])
    assert skipped(pieces_of(data, lengths)) == (audio, header)
    assert len(audio) <= len(data)
    if not data.startswith(b"RIFF"[: len(data)]):
        assert audio == data


@given(data=stream_of(PARTS, whole=WHOLE), lengths=sizes)
@fuzz
def test_little_is_held_and_the_steps_are_as_many_as_the_bytes(
    data: bytes, lengths: list[int]
) -> None:
    skipper = WavSkipper()
    steps = 0
    step = skipper._step

    def counted() -> bytes | None:
        nonlocal steps
        steps += 1
        return step()

    skipper._step = counted  # type: ignore[method-assign]
    pieces = pieces_of(data * (20_000 // max(len(data), 1) + 1), lengths * 3)
    for piece in pieces:
        skipper.feed(piece)
        assert len(skipper._queue) <= 64 * 1024
    assert steps <= sum(map(len, pieces)) + 3 * len(pieces)
