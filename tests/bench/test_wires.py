"""What the two wires make of the answers that their servers send."""

from __future__ import annotations

import json

import numpy as np
import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from bench.clock import FRAME_SAMPLES, word
from bench.latency import Told
from bench.wires import SherpaWire, SisWire
from rasr.protocol.codec import decode_client, encode_server
from rasr.protocol.errors import ErrorCode
from rasr.protocol.messages import (
    Ended,
    EndReason,
    Error,
    Result,
    Segment,
    ServerMessage,
    Start,
    Started,
)
from rasr.protocol.modes import Mode

SIS = SisWire("ws://127.0.0.1:1")
SHERPA = SherpaWire("ws://127.0.0.1:1")


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
    ours, theirs = unframed(SIS.sound(samples)), unframed(SHERPA.sound(samples))
    assert (ours.opcode, theirs.opcode) == (Opcode.BINARY, Opcode.BINARY)
    assert np.frombuffer(ours.data, "<i2").tolist() == [0, 16384, -32768]
    assert np.frombuffer(theirs.data, "<f4").tolist() == [0.0, 0.5, -1.0]


def test_a_result_of_ours_says_where_its_utterance_began() -> None:
    begins_at = 35 * 320
    text = f"{word(7)} {word(15)}"
    start_ms = (begins_at + 7 * FRAME_SAMPLES) // 16
    segment = Segment(text, start_ms, start_ms + 900, is_final=False)
    message = sis(Result("trace", (segment,)))
    assert SIS.read(5.0, message) == Told(5.0, begins_at, (7, 15))


def test_only_the_end_of_the_round_ends_a_stream_of_ours() -> None:
    final = sis(Result("trace", (Segment(word(7), 280, 600, is_final=True),)))
    end = sis(Ended("trace", EndReason.NORMAL))
    told = SIS.read(1.0, final)
    assert told is not None
    assert (told.is_final, told.is_over, SIS.is_over(final)) == (True, False, False)
    told = SIS.read(2.0, end)
    assert told is not None
    assert (told.is_over, SIS.is_over(end)) == (True, True)


def test_the_answer_to_start_and_a_result_without_words_say_nothing() -> None:
    assert SIS.read(1.0, sis(Started("trace"))) is None
    assert SIS.read(1.0, sis(Result("trace", (Segment("", 0, 100, is_final=True),)))) is None


def test_a_refusal_of_ours_is_an_error_with_its_code_and_ends_the_stream() -> None:
    refusal = sis(Error("trace", ErrorCode.FULL, "too many rounds"))
    assert SIS.is_over(refusal)
    with pytest.raises(ValueError, match=f"{ErrorCode.FULL}: too many rounds"):
        SIS.read(1.0, refusal)


def peer(text: str, *, is_final: bool = False, is_eof: bool = False) -> bytes:
    body = {"text": text, "is_final": is_final, "is_eof": is_eof, "segment": 1, "start_time": 3.2}
    return json.dumps(body).encode()


def test_the_peer_counts_from_the_start_of_the_stream_whatever_its_segment() -> None:
    assert SHERPA.read(5.0, peer(f" {word(80)} {word(95)}")) == Told(5.0, 0, (80, 95))


def test_the_peer_is_over_with_its_last_result_and_hung_up_on_after_done() -> None:
    last = peer(f" {word(80)}", is_final=True, is_eof=True)
    told = SHERPA.read(1.0, last)
    assert told is not None
    assert (told.is_final, told.is_over) == (True, True)
    assert not SHERPA.is_over(last)
    assert SHERPA.is_over(b"Done!")
    assert SHERPA.read(2.0, b"Done!") is None


def test_text_of_another_model_is_an_error() -> None:
    with pytest.raises(ValueError, match="no word of this model"):
        SHERPA.read(1.0, peer("hello"))
