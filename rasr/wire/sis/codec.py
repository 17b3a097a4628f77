"""Text frames ⇄ messages, strictly, for both ends of the wire.

The server reads with `decode_client` and writes with `encode_server`; the project's own client
uses the other two. What cannot be read becomes a `ProtocolError` that names the field, the value
and what is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, assert_never, cast

from rasr.audio.formats import AudioFormat, CompressedFormat
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.faults import fault, invalid, shown
from rasr.wire.sis.fields import START_FIELDS, fields_of
from rasr.wire.sis.kinds import Field, FieldValue, WholeNumber
from rasr.wire.sis.messages import (
    Acknowledge,
    AudioReceived,
    ClientMessage,
    End,
    Ended,
    EndReason,
    Error,
    Event,
    EventName,
    Result,
    Resume,
    Resumed,
    ResumeOffer,
    ResumingMessage,
    Segment,
    ServerMessage,
    Start,
    StartConfig,
    Started,
    WordInfo,
)
from rasr.wire.sis.modes import Mode
from rasr.wire.sis.properties import Property

MAX_TEXT_BYTES = 64 * 1024
"""Longest text frame that is read. A START with a thousand hot words takes about 40 KiB."""

# Made once: `json.dumps` with options of its own makes an encoder for each call.
json_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""The text of a message."""

_LONGEST_TOKEN = 200
_SEQ = WholeNumber(0, 2**53 - 1, "the number of a message")
"""What all languages can count to."""

_FINDINGS = ("language", "emotion", "event")
"""Keys of a result that SIS has not: they are sent only where the engine says something."""


def decode_client(text: str, mode: Mode) -> ClientMessage:
    """The command in `text`.

    Raises:
        ProtocolError: INVALID, with every fault of the message in one sentence each.
    """
    message = json_object(text)
    match message.get("command"):
        case "START":
            return Start(read_start_config(message.get("config"), mode))
        case "END":
            return End(_cancel(message.get("cancel", False)))
        case "RESUME":
            return Resume(_token(message), _number(message))
        case "ACK":
            return Acknowledge(_number(message))
        case other:
            # Plain clients of SIS are told what plain clients may send.
            raise invalid("command", other, "'START' or 'END'", missing="command" not in message)


def encode_server(message: ServerMessage | ResumingMessage) -> str:
    """The JSON text of `message`. Every one carries `trace_id`: the SDK cannot do without."""
    body: dict[str, Any]
    match message:
        case Started():
            body = {"resp_type": "START"}
            if message.resume is not None:
                offer = message.resume
                body["resume"] = {"token": offer.token, "grace_ms": offer.grace_ms}
        case Result():
            body = {"resp_type": "RESULT", "segments": [_segment_out(s) for s in message.segments]}
        case Event():
            body = {
                "resp_type": "EVENT",
                "event": message.event,
                "timestamp": message.timestamp,
            }
            if message.warning is not None:
                body |= {"warning": message.warning, "message": message.message}
        case Error():
            body = {
                "resp_type": "FATAL_ERROR" if message.fatal else "ERROR",
                "error_code": message.error_code,
                "error_msg": message.error_msg,
            }
        case Ended():
            body = {"resp_type": "END", "reason": message.reason}
        case AudioReceived():
            body = {"resp_type": "ACK", "audio_bytes": message.audio_bytes}
            if message.settled_ms is not None:
                body["settled_time"] = message.settled_ms
        case Resumed():
            body = {
                "resp_type": "RESUMED",
                "audio_bytes": message.audio_bytes,
                "ended": message.ended,
            }
        case _:
            assert_never(message)
    body["trace_id"] = message.trace_id
    return json_text(body)


def with_number(text: str, seq: int) -> str:
    """The JSON text of a message of the server with its number in the round."""
    return f'{text[:-1]},"seq":{seq}}}'


def encode_client(message: ClientMessage) -> str:
    """The JSON text of a command; fields at their default are left out."""
    match message:
        case Start():
            body: dict[str, Any] = {"command": "START", "config": _config_out(message.config)}
        case End():
            body = {"command": "END", "cancel": message.cancel}
        case Resume():
            body = {"command": "RESUME", "token": message.token, "seq": message.seq}
        case Acknowledge():
            body = {"command": "ACK", "seq": message.seq}
        case _:
            assert_never(message)
    return json_text(body)


def decode_server(text: str) -> ServerMessage:
    """The server's message in `text`.

    Raises:
        ProtocolError: INVALID; the text is no message of this protocol.
    """
    _, message = decode_numbered(text)
    if isinstance(message, ResumingMessage):
        raise invalid("resp_type", type(message).__name__, "what was asked for: no resuming")
    return message


def decode_numbered(text: str) -> tuple[int | None, ServerMessage | ResumingMessage]:
    """The server's message in `text`, and its number if it has one.

    Raises:
        ProtocolError: INVALID; the text is no message of this protocol.
    """
    message = json_object(text)
    number = message.get("seq")
    return number if isinstance(number, int) else None, _server_message(message)


def _server_message(message: Mapping[str, Any]) -> ServerMessage | ResumingMessage:
    try:
        trace_id = str(message["trace_id"])
        match message.get("resp_type"):
            case "START":
                offer = message.get("resume")
                return Started(
                    trace_id,
                    None if offer is None else ResumeOffer(offer["token"], offer["grace_ms"]),
                )
            case "RESULT":
                return Result(trace_id, tuple(segment_in(s) for s in message["segments"]))
            case "EVENT":
                return Event(
                    trace_id,
                    EventName(message["event"]),
                    message["timestamp"],
                    message.get("warning"),
                    message.get("message"),
                )
            case "ERROR" | "FATAL_ERROR" as kind:
                return Error(
                    trace_id,
                    ErrorCode(message["error_code"]),
                    message["error_msg"],
                    fatal=kind == "FATAL_ERROR",
                )
            case "END":
                return Ended(trace_id, EndReason(message["reason"]))
            case "ACK":
                return AudioReceived(trace_id, message["audio_bytes"], message.get("settled_time"))
            case "RESUMED":
                return Resumed(trace_id, message["audio_bytes"], message["ended"])
            case other:
                raise invalid("resp_type", other, "START, RESULT, EVENT, ERROR, FATAL_ERROR, END")
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(
            ErrorCode.INVALID, f"the server's message cannot be read: {error!r}"
        ) from error


def json_object(text: str, most_bytes: int = MAX_TEXT_BYTES) -> dict[str, Any]:
    """The JSON object in a text frame.

    Raises:
        ProtocolError: INVALID.
    """
    size = len(text.encode())
    if size > most_bytes:
        raise ProtocolError(
            ErrorCode.INVALID,
            f"the text frame is too long: {size} bytes; allowed: at most {most_bytes}",
        )
    try:
        message = json.loads(text)
    # RecursionError: thousands of opening brackets; ValueError: also a number of 5,000 digits.
    except (ValueError, RecursionError) as error:
        raise ProtocolError(
            ErrorCode.INVALID, f"the text frame is not JSON: {shown(text)} ({error})"
        ) from error
    if not isinstance(message, dict):
        raise ProtocolError(
            ErrorCode.INVALID,
            f"the text frame is not a JSON object: {shown(message)}; "
            'allowed: an object such as {"command":"END"}',
        )
    return message


def read_start_config(raw: object, mode: Mode) -> StartConfig:
    """START's `config`, as it stands in JSON.

    Raises:
        ProtocolError: INVALID, with every fault in one sentence each; FORMAT_MISMATCH.
    """
    if not isinstance(raw, dict):
        raise invalid("config", raw, "an object", missing=raw is None)
    return checked_config(read_fields(raw, fields_of(mode), ErrorCode.INVALID))


def read_fields(
    raw: Mapping[str, object],
    fields: Mapping[str, Field],
    missing: ErrorCode,
    wrong: Mapping[str, ErrorCode] | None = None,
) -> dict[str, FieldValue]:
    """The values of those fields that are there. Other keys are ignored.

    Args:
        missing: the code where nothing is wrong but that required fields are missing.
        wrong: the codes of fields whose value is not allowed; of any other it is INVALID.

    Raises:
        ProtocolError: with every fault in one sentence each, and the code of the first value that
            is not allowed, or `missing`.
    """
    values: dict[str, FieldValue] = {}
    faults: list[str] = []
    codes: list[ErrorCode] = []
    for name, field in fields.items():
        if name not in raw:
            if field.required:
                faults.append(fault(name, None, field.kind.allowed, missing=True))
            continue
        value = field.kind.read(raw[name])
        if value is None:
            faults.append(fault(name, raw[name], field.kind.allowed))
            codes.append((wrong or {}).get(name, ErrorCode.INVALID))
        else:
            values[name] = value
    if faults:
        raise ProtocolError(codes[0] if codes else missing, "; ".join(faults))
    return values


def checked_config(values: Mapping[str, FieldValue]) -> StartConfig:
    """The configuration of these fields.

    Raises:
        ProtocolError: FORMAT_MISMATCH.
    """
    config = StartConfig(**cast(dict[str, Any], values))
    declared = config.audio_format
    # Compressed audio says itself which rate it has.
    if isinstance(declared, AudioFormat) and declared.sample_rate != config.property.sample_rate:
        raise ProtocolError(
            ErrorCode.FORMAT_MISMATCH,
            f"'audio_format' is not match model: {declared.name!r} is "
            f"{declared.sample_rate} Hz and 'property' {config.property.name!r} is "
            f"{config.property.sample_rate} Hz; allowed: the same rate in both",
        )
    return config


def _cancel(raw: object) -> bool:
    # The official SDK and the samples send the string "false", other clients a boolean.
    match raw.lower() if isinstance(raw, str) else raw:
        case True | "true":
            return True
        case False | "false" | None:
            return False
        case _:
            raise invalid("cancel", raw, "true or false, as a boolean or a string")


def _token(message: Mapping[str, Any]) -> str:
    raw = message.get("token")
    if isinstance(raw, str) and 0 < len(raw) <= _LONGEST_TOKEN:
        return raw
    # What was meant for a secret is not shown.
    raise ProtocolError(
        ErrorCode.INVALID,
        f"'token' is {'missing' if raw is None else 'invalid'}; allowed: the token of the answer "
        f"to START, a string of 1 to {_LONGEST_TOKEN} characters",
    )


def _number(message: Mapping[str, Any]) -> int:
    raw = message.get("seq")
    number = _SEQ.read(raw)
    if number is None:
        raise invalid("seq", raw, _SEQ.allowed, missing="seq" not in message)
    return number


def result_body(segment: Segment) -> dict[str, Any]:
    """What is told of a sentence besides where it is, in JSON's types."""
    result: dict[str, Any] = {"text": segment.text, "score": round(segment.score, 4)}
    if segment.stable is not None:
        result["stable"] = segment.stable
    if segment.word_info is not None:
        result["word_info"] = [word.body for word in segment.word_info]
    return result | {name: value for name in _FINDINGS if (value := getattr(segment, name))}


def _segment_out(segment: Segment) -> dict[str, Any]:
    return {
        "start_time": segment.start_time,
        "end_time": segment.end_time,
        "is_final": segment.is_final,
        "result": result_body(segment),
    }


def segment_in(raw: Mapping[str, Any]) -> Segment:
    """A segment as an answer has it; one of a recording is final.

    Raises:
        KeyError, TypeError: it is none.
    """
    result = raw["result"]
    words = result.get("word_info")
    return Segment(
        text=result["text"],
        start_time=raw["start_time"],
        end_time=raw["end_time"],
        is_final=raw.get("is_final", True),
        score=result.get("score", 0.0),
        word_info=None
        if words is None
        else tuple(
            WordInfo(
                w["word"],
                w["start_time"],
                w["end_time"],
                w.get("score") == 0,
                w.get("confidence"),
            )
            for w in words
        ),
        stable=result.get("stable"),
        **{name: result.get(name, "") for name in _FINDINGS},
    )


def _config_out(config: StartConfig) -> dict[str, Any]:
    return {
        name: _value_out(value)
        for name, field in START_FIELDS.items()
        if (value := getattr(config, name)) != field.default
    }


def _value_out(value: FieldValue) -> str | int | list[str]:
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple():
            return list(value)
        case int() | str():
            return value
        case None:
            raise AssertionError("None is the default of every field that may be None")
        case AudioFormat() | CompressedFormat() | Property():
            return value.name
        case _:
            assert_never(value)
