"""What is sent in real-time synthesis: sound as binary frames, and beside it messages.

START, ERROR, FATAL_ERROR and END are those of recognition. RESULT has a form of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rasr.wire.sis.codec import decode_server, encode_server, json_object, json_text
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.messages import Ended, Error, Started

MOST_BYTES = 256 << 10
"""Of a text frame: 10,000 characters outside of the basic plane, written in ASCII, take 120 KB."""


@dataclass(frozen=True, slots=True)
class SpokenPhone:
    """A sound of a word, by its letter of the IPA. Times are milliseconds from the first sample."""

    phoneme: str
    start_time: int
    end_time: int


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word and when it is said. Times are milliseconds from the first sample."""

    text: str
    start_time: int
    end_time: int
    phones: tuple[SpokenPhone, ...] | None = None
    """None where they were not asked for."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """RESULT: words that the next binary frames say."""

    trace_id: str
    words: tuple[SpokenWord, ...]
    first: int
    """So many words were told before."""


Sent = Started | Spoken | Error | Ended | bytes


def encode(message: Sent) -> str | bytes:
    """The frame of a message."""
    if isinstance(message, bytes):
        return message
    if isinstance(message, Spoken):
        return json_text(
            {
                "resp_type": "RESULT",
                "result": [
                    _word(word, index) for index, word in enumerate(message.words, message.first)
                ],
                "trace_id": message.trace_id,
            }
        )
    return encode_server(message)


def decode(text: str) -> Started | Spoken | Error | Ended:
    """The server's message in a text frame.

    Raises:
        ProtocolError: INVALID; the text is no message of this protocol.
    """
    document = json_object(text, MOST_BYTES)
    if document.get("resp_type") == "RESULT":
        try:
            words = document["result"]
            first = int(words[0]["word_index"])
            return Spoken(str(document["trace_id"]), tuple(_word_in(one) for one in words), first)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ProtocolError(
                ErrorCode.INVALID, f"the server's message cannot be read: {error!r}"
            ) from error
    message = decode_server(text)
    if isinstance(message, Started | Error | Ended):
        return message
    raise ProtocolError(ErrorCode.INVALID, "the server's message is none of synthesis")


def _word_in(raw: Mapping[str, Any]) -> SpokenWord:
    phones = raw.get("phonemes")
    return SpokenWord(
        raw["text"],
        raw["start_time"],
        raw["end_time"],
        None
        if phones is None
        else tuple(
            SpokenPhone(one["phoneme"], one["start_time"], one["end_time"]) for one in phones
        ),
    )


def _word(word: SpokenWord, index: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "start_time": word.start_time,
        "end_time": word.end_time,
        "text": word.text,
        "word_index": index,
    }
    return told if word.phones is None else told | {"phonemes": _phones(word.phones)}


def _phones(phones: Sequence[SpokenPhone]) -> list[dict[str, Any]]:
    return [
        {
            "phoneme": one.phoneme,
            "start_time": one.start_time,
            "end_time": one.end_time,
            "phoneme_index": index,
        }
        for index, one in enumerate(phones)
    ]
