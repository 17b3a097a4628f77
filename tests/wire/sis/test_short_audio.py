"""The body of a call of one-sentence recognition, and of its answer."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.audio import FORMATS, FileFormat
from rasr.recognition.events import Warning
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.messages import Segment, WordInfo
from rasr.wire.sis.short_audio import MOST_CHARACTERS, read_short_audio, short_audio_body
from tests.fuzz.examples import fuzz
from tests.fuzz.test_start import FIELDS, VALUES

CONFIG = {"audio_format": "wav", "property": "english_16k_common"}
DATA = base64.b64encode(b"audio").decode()


def fault(document: dict[str, Any]) -> tuple[ErrorCode, str]:
    with pytest.raises(ProtocolError) as raised:
        read_short_audio(document)
    return raised.value.code, raised.value.message


def test_a_file_becomes_samples_of_the_rate_of_the_property() -> None:
    read = read_short_audio(
        {"config": CONFIG | {"property": "english_8k_common", "need_word_info": "yes"}}
        | {"data": DATA}
    )
    assert read.file_format is FileFormat.WAV
    assert read.config.audio_format == FORMATS["pcm8k16bit"]
    assert read.config.need_word_info
    assert (read.data, read.detects_language) == (b"audio", False)


def test_samples_are_what_they_are_declared_to_be() -> None:
    read = read_short_audio({"config": CONFIG | {"audio_format": "ulaw16k8bit"}, "data": DATA})
    assert (read.file_format, read.config.audio_format) == (None, FORMATS["ulaw16k8bit"])


@pytest.mark.parametrize(
    ("name", "meant"),
    [("amr-wb", FileFormat.AMR_WB), ("amrwb", FileFormat.AMR_WB), ("webm-opus", FileFormat.WEBM)],
)
def test_a_format_may_have_two_names(name: str, meant: FileFormat) -> None:
    read = read_short_audio({"config": CONFIG | {"audio_format": name}, "data": DATA})
    assert read.file_format is meant


def test_keys_that_have_no_meaning_here_are_ignored() -> None:
    more = {"interim_results": 7, "caption_channel": "/", "vad_tail": "x", "vad_threshold": 0}
    read = read_short_audio({"config": CONFIG | more, "data": DATA, "more": 1})
    assert not read.config.interim_results
    assert read.config.caption_channel is None


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        ({}, ErrorCode.MISSING, ["'config'", "'data'"]),
        ({"config": CONFIG}, ErrorCode.MISSING, ["'data'"]),
        ({"config": None, "data": DATA}, ErrorCode.MISSING, ["'config'"]),
        ({"config": {}, "data": DATA}, ErrorCode.MISSING, ["'audio_format'", "'property'"]),
        ({"config": [], "data": DATA}, ErrorCode.INVALID, ["'config'"]),
        (
            {"config": {"audio_format": "mp4"}, "data": DATA},
            ErrorCode.INVALID,
            ["'audio_format'", "'mp4'", "m4a", "'property' is invalid: it is missing"],
        ),
        (
            {"config": CONFIG | {"auto_language_detect": True}, "data": DATA},
            ErrorCode.INVALID,
            ["'auto_language_detect'", "'yes' or 'no'"],
        ),
        (
            {"config": CONFIG | {"audio_format": "pcm8k16bit"}, "data": DATA},
            ErrorCode.FORMAT_MISMATCH,
            ["is not match model"],
        ),
        ({"config": CONFIG, "data": ""}, ErrorCode.INVALID, ["'data'", "empty"]),
        ({"config": CONFIG, "data": 7}, ErrorCode.INVALID, ["'data'", "no string"]),
        ({"config": CONFIG, "data": "secret!"}, ErrorCode.INVALID, ["'data'", "no base64"]),
        ({"config": CONFIG, "data": "c2VjcmV0é"}, ErrorCode.INVALID, ["'data'", "no base64"]),
        ({"config": CONFIG, "data": "YQ==YQ=="}, ErrorCode.INVALID, ["'data'", "no base64"]),
        (
            {"config": CONFIG, "data": "data:audio/wav;base64," + DATA},
            ErrorCode.INVALID,
            ["data URL"],
        ),
        (
            {"config": CONFIG, "data": "A" * (MOST_CHARACTERS + 4)},
            ErrorCode.TOO_LONG,
            ["4194308", "4194304", "60 s"],
        ),
    ],
)
def test_what_is_wrong_is_named(
    document: dict[str, Any], code: ErrorCode, words: list[str]
) -> None:
    told, sentence = fault(document)
    assert told is code
    assert [word for word in words if word not in sentence] == []
    assert "secret" not in sentence


def test_base64_may_be_in_lines() -> None:
    audio = bytes(range(256))
    lines = base64.encodebytes(audio).decode().replace("\n", "\r\n")
    assert read_short_audio({"config": CONFIG, "data": lines}).data == audio


def test_as_much_as_may_be_is_taken() -> None:
    read = read_short_audio({"config": CONFIG, "data": "AAAA" * (MOST_CHARACTERS // 4)})
    assert len(read.data) == MOST_CHARACTERS // 4 * 3


@given(config=st.one_of(FIELDS, VALUES), data=VALUES)
@fuzz
def test_every_body_is_read_or_has_a_sentence(config: Any, data: Any) -> None:
    # What JSON can spell.
    document = json.loads(json.dumps({"config": config, "data": data}))
    try:
        read_short_audio(document)
    except ProtocolError as error:
        error.message.encode()


def test_the_answer_has_a_text_and_a_score_and_words_where_they_were_asked_for() -> None:
    plain = Segment("hello", 0, 500, True, 0.87654)
    assert short_audio_body("t", plain, []) == {
        "trace_id": "t",
        "result": {"text": "hello", "score": 0.8765},
    }
    words = (WordInfo("hello", 100, 400),)
    told = short_audio_body(
        "t",
        Segment("hello", 0, 500, True, 1.0, words, language="english"),
        [Warning("rate", "!", 0)],
    )
    assert told["result"]["word_info"] == [{"start_time": 100, "end_time": 400, "word": "hello"}]
    assert told["result"]["language"] == "english"
    assert told["warnings"] == [{"warning": "rate", "message": "!"}]
