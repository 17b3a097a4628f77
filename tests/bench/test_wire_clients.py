"""What the two wire clients make of the answers that their servers send."""

from __future__ import annotations

import json

import numpy as np
import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from bench.wire_clients import Answer, SherpaClient, SisClient, WireClient
from rasr.wire.sis.codec import decode_client, encode_server
from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.messages import (
    Ended,
    EndReason,
    Error,
    Result,
    Segment,
    ServerMessage,
    Start,
    Started,
)
from rasr.wire.sis.modes import Mode

SIS = SisClient("ws://127.0.0.1:1")
SHERPA = SherpaClient("ws://127.0.0.1:1")


def unframed(data: bytes) -> Frame:
    reader = StreamReader()
    reader.feed_data(data)
    parser = Frame.parse(reader.read_exact, mask=True, max_size=None)
    with pytest.raises(StopIteration) as stopped:
        next(parser)
    frame = stopped.value.value
    assert isinstance(frame, Frame)
    return frame


def sis(message: ServerMessage) -> bytes:
    return encode_server(message).encode()


def test_ours_is_opened_by_a_start_that_our_server_reads() -> None:
    assert SIS.opening is not None
    start = decode_client(bytes(unframed(SIS.opening).data).decode(), Mode.CONTINUE)
    assert isinstance(start, Start)
    assert start.config.interim_results
    assert not start.config.digit_norm
    assert start.config.max_seconds == 60


def test_the_same_samples_go_out_as_int16_to_ours_and_as_float32_to_the_peer() -> None:
    samples = np.array([0, 16384, -32768], np.int16)
    ours, theirs = unframed(SIS.audio(samples)), unframed(SHERPA.audio(samples))
    assert (ours.opcode, theirs.opcode) == (Opcode.BINARY, Opcode.BINARY)
    assert np.frombuffer(ours.data, "<i2").tolist() == [0, 16384, -32768]
    assert np.frombuffer(theirs.data, "<f4").tolist() == [0.0, 0.5, -1.0]


def read(wire: WireClient, at_s: float, message: bytes) -> list[Answer]:
    return list(wire.read(at_s, message))


@pytest.mark.parametrize("is_final", [False, True])
def test_a_result_of_ours_is_told_with_its_times(is_final: bool) -> None:
    message = sis(Result("trace", (Segment("hello", 280, 600, is_final=is_final),)))
    assert read(SIS, 5.0, message) == [Answer(5.0, "hello", is_final=is_final, times_ms=(280, 600))]
    assert not SIS.is_over(message)


def test_only_the_end_of_the_recognition_ends_a_stream_of_ours() -> None:
    end = sis(Ended("trace", EndReason.NORMAL))
    assert read(SIS, 2.0, end) == [Answer(2.0, "", is_over=True)]
    assert SIS.is_over(end)


def test_the_answer_to_start_says_nothing() -> None:
    assert read(SIS, 1.0, sis(Started("trace"))) == []


def test_a_refusal_of_ours_for_want_of_room_is_told_from_other_errors() -> None:
    refusal = sis(Error("trace", ErrorCode.FULL, "too many rounds"))
    assert SIS.refusal(refusal) == f"{ErrorCode.FULL}: too many rounds"
    assert SIS.refusal(sis(Error("trace", ErrorCode.INVALID, "what?"))) is None
    assert SIS.refusal(sis(Started("trace"))) is None


def test_an_error_of_ours_ends_the_stream_and_is_told_with_its_code() -> None:
    error = sis(Error("trace", ErrorCode.INVALID, "what?"))
    assert SIS.is_over(error)
    with pytest.raises(ValueError, match=f"{ErrorCode.INVALID}: what\\?"):
        read(SIS, 1.0, error)


def test_the_peer_is_over_with_its_last_result_and_hung_up_on_after_done() -> None:
    body = {"text": " a", "is_final": True, "is_eof": True, "segment": 1, "start_time": 3.2}
    last = json.dumps(body).encode()
    assert read(SHERPA, 1.0, last) == [Answer(1.0, " a", is_final=True, is_over=True)]
    assert not SHERPA.is_over(last)
    assert SHERPA.is_over(b"Done!")
    assert read(SHERPA, 2.0, b"Done!") == []
