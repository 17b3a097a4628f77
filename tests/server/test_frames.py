"""Websocket frames, byte by byte: what comes in, and which frames and close code go out.

The cases are those of the Autobahn test suite, by their numbers, for a server that answers instead
of sending everything back: framing (1), pings (2), reserved bits (3), opcodes (4), fragments (5),
UTF-8 (6), closing (7) and the rest (10). Every message here is out of order for the server, so it
is answered with one ERROR; control frames are answered as RFC 6455 says.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import pytest

from rasr.server.service import Service
from tests.asgi.served import handshake
from tests.processes import LONG_S
from tests.server.sdk import PROJECT

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
ERROR = "ERROR"
_MASK = b"\x37\xfa\x21\x3d"


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, masked: bool = True
) -> bytes:
    """One frame as a client sends it."""
    head = bytes([fin << 7 | reserved << 4 | opcode])
    size = len(payload)
    if size < 126:
        head += bytes([masked << 7 | size])
    elif size < 1 << 16:
        head += bytes([masked << 7 | 126]) + struct.pack(">H", size)
    else:
        head += bytes([masked << 7 | 127]) + struct.pack(">Q", size)
    if not masked:
        return head + payload
    coded = bytes(byte ^ _MASK[at % 4] for at, byte in enumerate(payload))
    return head + _MASK + coded


def text(words: str | bytes = "hello") -> bytes:
    return frame(TEXT, words.encode() if isinstance(words, str) else words)


def fragments(*payloads: bytes, opcode: int = TEXT, between: bytes = b"") -> bytes:
    """A message in pieces, with other frames between them."""
    frames = [
        frame(CONTINUATION if number else opcode, payload, fin=number == len(payloads) - 1)
        for number, payload in enumerate(payloads)
    ]
    return between.join(frames)


def closing(code: int | None = 1000, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


def pong(payload: bytes = b"") -> str:
    return f"PONG {payload.hex()}"


@dataclass(frozen=True)
class Case:
    """Bytes, and what answers them.

    Whoever closes cannot count on answers that are still being made, so these are waited for.
    """

    name: str
    data: bytes
    answers: Sequence[str] = ()
    """Before the closing frame."""
    code: int = 1000
    """Of the closing frame of the server."""
    then: bytes = b""
    """What the client sends when it has the answers; by default it closes, if it is to."""
    at_once: bool = True
    """False: `data` goes byte by byte."""


def _framing() -> list[Case]:
    sizes = (0, 1, 125, 126, 127, 128, 65_535, 65_536)
    return [
        *(Case(f"1.1 text of {size}", text("x" * size), [ERROR]) for size in sizes),
        *(
            Case(f"1.2 binary of {size}", frame(BINARY, b"\xfe" * size), [ERROR])
            for size in sizes[1:]
        ),
        Case("1.2 binary of 0", frame(BINARY), []),
        Case("1.1 text byte by byte", text("x" * 300), [ERROR], at_once=False),
        Case("1.2 binary byte by byte", frame(BINARY, b"\xfe" * 300), [ERROR], at_once=False),
        Case("1 two in one packet", text() + text(), [ERROR, ERROR]),
        Case("1 not masked", frame(TEXT, b"hello", masked=False), code=1002),
        Case("1 longer than any length", b"\x82\xff" + b"\xff" * 8 + _MASK, code=1009),
        Case("1 5 MiB to come", b"\x82\xff" + struct.pack(">Q", 5 << 20) + _MASK, code=1009),
    ]


def _pings() -> list[Case]:
    most = b"\xfe" * 125
    ten = [f"payload-{number}".encode() for number in range(10)]
    return [
        Case("2.1", frame(PING), [pong()]),
        Case("2.2", frame(PING, b"Hello, world!"), [pong(b"Hello, world!")]),
        Case("2.3", frame(PING, b"\x00\xff\xfe"), [pong(b"\x00\xff\xfe")]),
        Case("2.4", frame(PING, most), [pong(most)]),
        Case("2.5", frame(PING, most + b"\xfe"), code=1002),
        Case("2.6", frame(PING, most), [pong(most)], at_once=False),
        Case("2.7", frame(PONG)),
        Case("2.8", frame(PONG, b"unsolicited")),
        Case("2.9", frame(PONG, b"unsolicited") + frame(PING, b"ping"), [pong(b"ping")]),
        Case("2.10", b"".join(frame(PING, one) for one in ten), [pong(one) for one in ten]),
        Case(
            "2.11",
            b"".join(frame(PING, one) for one in ten),
            [pong(one) for one in ten],
            at_once=False,
        ),
    ]


def _reserved_and_opcodes() -> list[Case]:
    return [
        *(
            Case(f"3 reserved {bits}", frame(TEXT, b"x", reserved=bits), code=1002)
            for bits in range(1, 8)
        ),
        Case("3 binary", frame(BINARY, b"x", reserved=5), code=1002),
        Case("3 ping", frame(PING, b"x", reserved=6), code=1002),
        Case("3 close", frame(CLOSE, b"\x03\xe8", reserved=7), code=1002),
        Case("3 behind a text", text(), [ERROR], 1002, frame(TEXT, b"x", reserved=2)),
        *(Case(f"4 opcode {one}", frame(one, b"x"), code=1002) for one in (3, 4, 5, 6, 7)),
        *(Case(f"4 opcode {one}", frame(one, b"x"), code=1002) for one in (11, 12, 13, 14, 15)),
        Case("4 behind a text", text(), [ERROR], 1002, frame(5) + frame(PING)),
    ]


def _fragments() -> list[Case]:
    two = fragments(b"frag1", b"frag2")
    ping = frame(PING, b"between")
    return [
        Case("5.1", frame(PING, b"x", fin=False), code=1002),
        Case("5.2", frame(PONG, b"x", fin=False), code=1002),
        Case("5.3", two, [ERROR]),
        Case("5.5", two, [ERROR], at_once=False),
        Case("5.6", fragments(b"frag1", b"frag2", between=ping), [pong(b"between"), ERROR]),
        Case(
            "5.8",
            fragments(b"frag1", b"frag2", between=ping),
            [pong(b"between"), ERROR],
            at_once=False,
        ),
        Case("5 binary", fragments(b"frag1", b"frag2", opcode=BINARY), [ERROR]),
        Case("5 empty pieces", fragments(b"", b"", b""), [ERROR]),
        Case("5.9", frame(CONTINUATION, b"x") + text(), code=1002),
        Case("5.12", frame(CONTINUATION, b"x", fin=False) + text(), code=1002),
        Case("5.15", two, [ERROR], 1002, frame(CONTINUATION, b"x")),
        Case("5.18", frame(TEXT, b"x", fin=False) + text(), code=1002),
        Case(
            "5.19",
            frame(TEXT, b"1", fin=False)
            + ping
            + frame(CONTINUATION, b"2", fin=False)
            + ping
            + frame(CONTINUATION, b"3"),
            [pong(b"between"), pong(b"between"), ERROR],
        ),
        Case("10.1.1", fragments(*[b"*" * 1300] * 50, b"*" * 536), [ERROR]),
    ]


def _utf8() -> list[Case]:
    word = "Hello-µ@ßöäüàá-UTF-8!!".encode()
    valid = {
        "a word": word,
        "Greek": "κόσμε".encode(),
        "no character": "\ufffe\uffff".encode(),
        "the first and the last": "\x00\x7f\x80߿ࠀ\ud7ff\ue000�\U00010000\U0010ffff".encode(),
    }
    wrong = {
        "a continuation alone": b"\x80",
        "a continuation behind": word + b"\xbf",
        "a letter that is cut off": "κόσμε".encode()[:-1],
        "overlong of two": b"\xc0\xaf",
        "overlong of three": b"\xe0\x80\xaf",
        "overlong of four": b"\xf0\x80\x80\xaf",
        "half a surrogate pair": b"\xed\xa0\x80",
        "a surrogate pair": b"\xed\xa0\x80\xed\xb0\x80",
        "beyond U+10FFFF": b"\xf4\x90\x80\x80",
        "five bytes": b"\xf8\x88\x80\x80\x80",
        "bytes that never are": b"\xfe\xff",
    }
    return [
        *(Case(f"6 {name}", text(data), [ERROR]) for name, data in valid.items()),
        *(
            Case(f"6 {name}, byte by byte", fragments(*(bytes([one]) for one in data)), [ERROR])
            for name, data in valid.items()
        ),
        *(Case(f"6 {name}", text(data), code=1007) for name, data in wrong.items()),
        *(
            Case(f"6 {name} in pieces", fragments(b"x", data, b""), code=1007)
            for name, data in wrong.items()
        ),
        Case("6 the same as binary", frame(BINARY, b"\xfe\xff"), [ERROR]),
    ]


def _closes() -> list[Case]:
    allowed = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    refused = (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    return [
        Case("7.1.1", text(), [ERROR]),
        Case("7.1.2", closing() + closing()),
        Case("7.1.3", closing() + frame(PING)),
        Case("7.1.4", closing() + text()),
        # An unfinished message is a fault of the one who closes; the standard leaves it open.
        Case("7.1.5", frame(TEXT, b"x", fin=False) + closing(), code=1002),
        Case("7.3.1", closing(None)),
        Case("7.3.2", frame(CLOSE, b"x"), code=1002),
        Case("7.3.3", closing(1000)),
        Case("7.3.4", closing(1000, b"Hello World!")),
        Case("7.3.5", closing(1000, b"*" * 123)),
        Case("7.3.6", closing(1000, b"*" * 124), code=1002),
        Case("7.5.1", closing(1000, b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80"), code=1007),
        *(Case(f"7.7 {code}", closing(code), code=code) for code in allowed),
        *(Case(f"7.9 {code}", closing(code), code=1002) for code in refused),
    ]


CASES = {
    "framing": _framing(),
    "pings": _pings(),
    "reserved bits and opcodes": _reserved_and_opcodes(),
    "fragments": _fragments(),
    "UTF-8": _utf8(),
    "closing": _closes(),
}


async def play(service: Service, case: Case) -> list[str]:
    """What the server says until it closes the connection, the closing frame included."""
    host, port = service.url.removeprefix("ws://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(handshake(f"/v1/{PROJECT}/rasr/continue-stream"))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    size = len(case.data) if case.at_once else 1
    for at in range(0, len(case.data), max(size, 1)):
        writer.write(case.data[at : at + size])
        await writer.drain()
    async with asyncio.timeout(LONG_S):
        said = [await _frame(reader) for _ in case.answers]
        writer.write(case.then or (closing() if case.code == 1000 else b""))
        while not reader.at_eof():
            with suppress(asyncio.IncompleteReadError):
                said.append(await _frame(reader))
    writer.close()
    return said


async def _frame(reader: asyncio.StreamReader) -> str:
    """The next frame of the server, in a word or two."""
    first, size = await reader.readexactly(2)
    assert first & 0xF0 == 0x80, "a server sends whole frames without reserved bits"
    assert size < 127, "a server does not mask, and no answer here is that long"
    if size == 126:
        (size,) = struct.unpack(">H", await reader.readexactly(2))
    payload = await reader.readexactly(size)
    match first & 0x0F:
        case 1:
            return str(json.loads(payload)["resp_type"])
        case 8:
            return f"CLOSE {struct.unpack_from('>H', payload)[0] if payload else 1000}"
        case 10:
            return pong(payload)
        case other:
            return f"opcode {other}"


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES.keys())
async def test_frames_are_answered_as_the_standard_says(
    service: Service, cases: Sequence[Case]
) -> None:
    told = await asyncio.gather(*(play(service, case) for case in cases))
    answers = {case.name: said for case, said in zip(cases, told, strict=True)}
    assert len(answers) == len(cases), "two cases have one name"
    assert answers == {case.name: [*case.answers, f"CLOSE {case.code}"] for case in cases}
