"""One message, or one connection, of a client that means no good: the event loop goes on turning.

The clients are in threads of their own, so that all callbacks of the loop are the server's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from rasr.server.service import Service
from tests.audio.compressed import compressed, element, opus_head, page
from tests.audio.signals import noise, wav
from tests.longer import mostly_long
from tests.server.conftest import fake_settings
from tests.server.event_loop import MOST_HELD_MS, watched, watched_turns
from tests.server.sdk import PROJECT

Message = str | bytes
MEBIBYTE = 1 << 20

END = '{"command":"END"}'
WEBM = element(0x1A45DFA3, b"") + element(
    0x1654AE6B,
    element(0xAE, element(0xD7, b"\1") + element(0x86, b"A_OPUS") + element(0x63A2, opus_head())),
)
EIGHT = opus_head(8, family=1) + bytes([8, 0, *range(8)])
MP3 = compressed(noise(0.3, 48_000), "mp3", 48_000)
AAC = compressed(noise(0.3, 48_000), "aac", 48_000)


def start(audio_format: str = "pcm16k16bit", /, **fields: object) -> str:
    rate = "8k" if "8k" in audio_format else "16k"
    config = {"audio_format": audio_format, "property": f"english_{rate}_common", **fields}
    return json.dumps({"command": "START", "config": config})


def opus(head: bytes, packet: bytes) -> bytes:
    """90 s of silence in three pages."""
    begin = page(1, head, [len(head)], flags=2) + page(1, b"OpusTags", [8])
    return begin + page(1, packet * 255, [len(packet)] * 255) * 3


CASES: dict[str, Sequence[Message]] = {
    "chunks of no bytes behind two bytes of audio": (
        start(),
        wav(bytes(2), data_size=2, riff_size=16 << 20) + b"LIST\0\0\0\0" * 125_000,
    ),
    "chunks of no bytes before the audio": (start(), wav(b"")[:36] + b"LIST\0\0\0\0" * 125_000),
    "silence of a byte a packet": (start("ogg-opus"), opus(opus_head(), b"\x19")),
    "silence of eight channels": (
        start("ogg-opus"),
        opus(EIGHT, bytes([0x19, 0]) * 7 + b"\x19"),
    ),
    "elements of no bytes": (start("webm-opus"), WEBM + b"\xec\x80" * 300_000),
    "groups of nothing": (start("webm-opus"), WEBM + b"\xa0\x80" * 300_000),
    "frames that are none": (start("mp3"), (MP3 + b"\xff\xfb\x90\0" * 16_000) * 8),
    "tags of nothing": (start("mp3"), MP3 + b"ID3\4\0\0\0\0\0\0" * 50_000),
    "frames of AAC that are none": (start("aac"), (AAC + b"\xff\xf1\x50" * 20_000) * 8),
    "frames of a byte": (start(), *[b"\0"] * 50_000),
    "empty frames": (start(), *[b""] * 50_000),
    "a mebibyte of µ-law": (start("ulaw8k8bit"), bytes(range(256)) * 4096),
    "a mebibyte of noise": (start(), noise(32, 16_384).tobytes()),
    "six thousand hot words": (start(user_words=[f"w{number}" for number in range(6000)]),),
    "long hot words": (start(user_words=["antidisestablishmentarianism" * 40] * 50),),
    "a START of brackets": ("[" * 65_000,),
    "a START of objects": ('{"a":' * 13_000,),
    "a START of fields": (
        start("pcm16k16bit", **{f"field{number}": number for number in range(3000)}),
    ),
    "a START with a number of 60,000 digits": ("1" * 60_000,),
    "a mebibyte of text": ("x" * MEBIBYTE,),
    "many STARTs": [start(), END] * 200,
}


def talk(url: str, messages: Sequence[Message]) -> None:
    """Say it all, then END, and read until there is nothing more to come."""
    with connect(
        f"{url}/v1/{PROJECT}/rasr/continue-stream",
        compression=None,
        proxy=None,
        ping_interval=None,
        max_size=None,
    ) as socket:
        try:
            for message in messages:
                socket.send(message)
            # An END of our own is answered behind everything else, whatever that was.
            socket.send(END)
            socket.send('{"command":"END","cancel":"last"}')
            while "'last'" not in socket.recv(timeout=100):
                pass
        except ConnectionClosed:
            pass


@dataclass
class Post:
    """A body for `/subtitles/vtt`."""

    make: Callable[[], bytes]

    def __call__(self, url: str) -> None:
        address = url.replace("ws", "http") + "/subtitles/vtt"
        httpx.post(address, content=self.make(), timeout=100, trust_env=False)


def segments(text: str, count: int) -> bytes:
    listed = [{"start_time": at, "end_time": at + 1, "text": text} for at in range(count)]
    return json.dumps({"segments": listed}).encode()


POSTS = {
    "long texts": Post(lambda: segments("a " * 4900, 10)),
    "more text than is taken": Post(lambda: segments("ab" * 4900, 800)),
    "segments that are wrong": Post(lambda: b'{"segments":[' + b"{}," * 500_000 + b"{}]}"),
}


async def check(
    monkeypatch: pytest.MonkeyPatch,
    attack: Callable[[str], None],
    note: Callable[[str, object], None],
) -> None:
    """No callback holds the event loop for longer than it may; the longest is noted."""
    async with Service(fake_settings()) as service:
        with watched(monkeypatch) as held:
            await asyncio.to_thread(attack, service.url)
    assert held
    note("held_ms", round(max(held)[0], 1))
    assert max(held)[0] < MOST_HELD_MS, max(held)


@pytest.mark.parametrize("case", CASES)
async def test_no_message_holds_the_event_loop(
    case: str,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    await check(monkeypatch, lambda url: talk(url, CASES[case]), record_property)


@pytest.mark.parametrize("case", POSTS)
async def test_no_body_holds_the_event_loop(
    case: str,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    await check(monkeypatch, POSTS[case], record_property)


@pytest.mark.parametrize(
    "case",
    mostly_long(
        ["silence of a byte a packet", "a mebibyte of µ-law", "elements of no bytes"],
        "silence of a byte a packet",
    ),
)
async def test_nor_do_many_clients_at_once(
    case: str,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    async with Service(fake_settings()) as service:
        with watched_turns(monkeypatch) as turns:
            await asyncio.gather(
                *(asyncio.to_thread(talk, service.url, CASES[case]) for _ in range(8))
            )
    record_property("turn_ms", round(max(turns), 1))
    assert max(turns) < MOST_HELD_MS
