"""Messages survive the wire; the wire's keys are those of the specification (3.2, 3.7)."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.audio.formats import FORMATS
from rasr.wire.sis.codec import decode_client, decode_server, encode_client, encode_server
from rasr.wire.sis.errors import ERROR_TABLE, ErrorCode, ProtocolError
from rasr.wire.sis.fields import START_FIELDS
from rasr.wire.sis.messages import (
    ClientMessage,
    End,
    Ended,
    EndReason,
    Error,
    Event,
    EventName,
    Result,
    Segment,
    ServerMessage,
    Start,
    StartConfig,
    Started,
    WordInfo,
)
from rasr.wire.sis.modes import Mode
from rasr.wire.sis.properties import Property

_ms = st.integers(0, 5 * 3_600_000)
_text = st.text(max_size=30)
_share = st.integers(0, 10_000).map(lambda n: n / 10_000)
_words = st.builds(
    WordInfo, word=_text, start_time=_ms, end_time=_ms, confidence=st.none() | _share
)


@st.composite
def _configs(draw: st.DrawFn) -> StartConfig:
    audio_format = draw(st.sampled_from(list(FORMATS.values())))
    khz = audio_format.sample_rate // 1000
    parsed = Property.parse(f"{draw(st.sampled_from(['english', 'sichuan']))}_{khz}k_common")
    assert parsed is not None
    return StartConfig(
        audio_format,
        parsed,
        add_punc=draw(st.booleans()),
        digit_norm=draw(st.booleans()),
        interim_results=draw(st.booleans()),
        vad_head=draw(st.integers(0, 60000)),
        vad_tail=draw(st.integers(0, 3000)),
        max_seconds=draw(st.integers(1, 60)),
        vocabulary_id=draw(st.none() | st.text(min_size=1, max_size=9)),
        need_word_info=draw(st.booleans()),
        user_words=draw(st.none() | st.lists(_text, max_size=3).map(tuple)),
        warnings=draw(st.none() | st.booleans()),
        word_confidence=draw(st.booleans()),
        caption_channel=draw(st.none() | st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)),
    )


_segments = st.builds(
    Segment,
    text=_text,
    start_time=_ms,
    end_time=_ms,
    is_final=st.booleans(),
    score=_share,
    word_info=st.none() | st.lists(_words).map(tuple),
    language=_text,
    emotion=_text,
    event=_text,
    stable=st.none() | st.integers(0, 1000),
)
_server_messages: st.SearchStrategy[ServerMessage] = st.one_of(
    st.builds(Started, trace_id=_text),
    st.builds(Result, trace_id=_text, segments=st.lists(_segments, max_size=3).map(tuple)),
    st.builds(Event, trace_id=_text, event=st.sampled_from(EventName), timestamp=_ms),
    st.builds(
        Event,
        trace_id=_text,
        event=st.just(EventName.WARNING),
        timestamp=_ms,
        warning=_text,
        message=_text,
    ),
    st.builds(
        Error,
        trace_id=_text,
        error_code=st.sampled_from(ErrorCode),
        error_msg=_text,
        fatal=st.booleans(),
    ),
    st.builds(Ended, trace_id=_text, reason=st.sampled_from(EndReason)),
)


@given(_configs().map(Start) | st.booleans().map(End))
def test_client_messages_round_trip(message: ClientMessage) -> None:
    assert decode_client(encode_client(message), Mode.CONTINUE) == message


def test_a_field_at_its_default_is_left_out() -> None:
    asked = {"audio_format": "pcm16k16bit", "property": "english_16k_common", "vad_head": 10_000}
    message = decode_client(json.dumps({"command": "START", "config": asked}), Mode.CONTINUE)
    del asked["vad_head"]
    assert json.loads(encode_client(message)) == {"command": "START", "config": asked}


@given(_server_messages)
def test_server_messages_round_trip(message: ServerMessage) -> None:
    assert decode_server(encode_server(message)) == message


@given(st.text(max_size=200), st.sampled_from(Mode))
def test_any_text_is_a_message_or_a_protocol_error(text: str, mode: Mode) -> None:
    try:
        decode_client(text, mode)
    except ProtocolError as error:
        # The answer itself must be sendable.
        error.message.encode()


def test_what_the_official_sdk_sends_is_understood() -> None:
    # Specification 12.3: the START of SDK 1.8.1 with its defaults, and its END.
    text = json.dumps(
        {
            "command": "START",
            "config": {
                "audio_format": "pcm8k16bit",
                "property": "english_8k_common",
                "add_punc": "no",
                "digit_norm": "yes",
                "vad_head": 10000,
                "vad_tail": 500,
                "max_seconds": 30,
                "interim_results": "no",
                "vad_threshold": 0,
                "need_word_info": "no",
            },
        }
    )
    start = decode_client(text, Mode.SENTENCE)
    assert isinstance(start, Start)
    assert start.config == StartConfig(FORMATS["pcm8k16bit"], start.config.property)
    assert decode_client('{"command": "END", "cancel": "false"}', Mode.SHORT) == End(cancel=False)


def test_a_result_looks_as_the_specification_says() -> None:
    segment = Segment("hi", 10, 500, True, 0.98765, (WordInfo("hi", 10, 500),))
    assert json.loads(encode_server(Result("t", (segment,)))) == {
        "resp_type": "RESULT",
        "trace_id": "t",
        "segments": [
            {
                "start_time": 10,
                "end_time": 500,
                "is_final": True,
                "result": {
                    "text": "hi",
                    "score": 0.9877,
                    "word_info": [{"start_time": 10, "end_time": 500, "word": "hi"}],
                },
            }
        ],
    }


def test_guessed_times_have_the_score_0_and_others_have_none() -> None:
    words = (WordInfo("hi", 10, 500), WordInfo("you", 500, 700, times_guessed=True))
    text = encode_server(Result("t", (Segment("hi you", 10, 700, True, 0.9, words),)))
    (segment,) = json.loads(text)["segments"]
    assert segment["result"]["word_info"] == [
        {"start_time": 10, "end_time": 500, "word": "hi"},
        {"start_time": 500, "end_time": 700, "word": "you", "score": 0.0},
    ]
    decoded = decode_server(text)
    assert isinstance(decoded, Result)
    assert decoded.segments[0].word_info == words


def test_words_are_left_out_unless_they_were_asked_for() -> None:
    (segment,) = json.loads(encode_server(Result("t", (Segment("hi", 0, 5, False),))))["segments"]
    assert "word_info" not in segment["result"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"trace_id":"t","resp_type":"NEWS"}', '{"resp_type":"START"}']
)
def test_what_is_no_message_of_a_server_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        decode_server(text)


def test_every_code_has_a_row() -> None:
    assert set(ERROR_TABLE) == set(ErrorCode)


def test_the_table_of_fields_has_each_field_of_start_and_a_default_that_its_kind_allows() -> None:
    assert list(START_FIELDS) == [one.name for one in dataclasses.fields(StartConfig)]
    for name, field in START_FIELDS.items():
        assert field.meaning, name
        assert field.required == (name in ("audio_format", "property"))
        assert field.extension == (
            name in ("warnings", "word_confidence", "caption_channel", "resume")
        )
        match field.default:
            case bool():
                assert field.kind.read("yes" if field.default else "no") is field.default
            case int():
                assert field.kind.read(field.default) == field.default
            case other:
                assert other is None


@pytest.mark.parametrize(
    ("name", "rate"), [("english_8k_common", 8000), ("chinese_16k_general", 16000)]
)
def test_a_property_is_language_rate_and_domain(name: str, rate: int) -> None:
    parsed = Property.parse(name)
    assert parsed is not None
    assert (parsed.name, parsed.sample_rate) == (name, rate)
    assert parsed.language == name.split("_")[0]


@pytest.mark.parametrize("name", ["", "english", "english_16k", "english_44k_common", "E_8k_x"])
def test_what_is_no_property_is_none(name: str) -> None:
    assert Property.parse(name) is None
