"""Subtitles over HTTP: the rules are those of the captions, and what is wrong is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pysubs2
import pytest

from rasr.captions import TimedText, subtitles
from rasr.captions.files import srt, vtt
from rasr.server.http import subtitles as endpoint
from rasr.server.service import Service
from tests.captions.values import said, spoken

LONG = "good morning to everybody who has come here today, and good night to all of them as well"
SEGMENTS = (spoken(LONG, 1200), said("no", 30_000, 30_100), said("今天天气很好。", 31_500, 33_000))


def body(*segments: TimedText) -> bytes:
    """As the page sends it."""
    listed = [
        {
            "start_time": one.start_ms,
            "end_time": one.end_ms,
            "text": one.text,
            "score": 0.5,
            "word_info": [
                {"word": word.text, "start_time": word.start_ms, "end_time": word.end_ms}
                for word in one.words
            ]
            if one.words
            else None,
        }
        for one in segments
    ]
    return json.dumps({"segments": listed}).encode()


@pytest.fixture
async def web(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    url = service.url.replace("ws", "http")
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


async def test_they_are_those_that_the_command_line_writes(web: httpx.AsyncClient) -> None:
    for kind, media_type, write in (("srt", "application/x-subrip", srt), ("vtt", "text/vtt", vtt)):
        answer = await web.post(f"/subtitles/{kind}", content=body(*SEGMENTS))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.text == write(subtitles(SEGMENTS))
    cues = pysubs2.SSAFile.from_string(answer.text)
    assert len(cues) > len(SEGMENTS)
    assert all(len(line) <= 42 for cue in cues for line in cue.plaintext.split("\n"))
    assert all(cue.duration >= 1000 for cue in cues)


async def test_nothing_said_is_a_file_without_cues(web: httpx.AsyncClient) -> None:
    assert (await web.post("/subtitles/vtt", content=body())).text == "WEBVTT\n"
    assert (await web.post("/subtitles/srt", content=body(said(" ")))).text == ""


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the body: Invalid JSON"),
        (b"[]", "the body: "),
        (b'{"segments": 5}', "segments: "),
        (b'{"segments": [{"start_time": 0, "end_time": 9}]}', "segments.0.text: Field required"),
        (b'{"segments": [{"text": "secret", "start_time": -1, "end_time": 9}]}', "start_time: "),
        (b'{"segments": [{"text": ["secret"], "start_time": 1, "end_time": 9}]}', "text: "),
        (
            b'{"segments": [{"text": "'
            + b"secret" * 2000
            + b'", "start_time": 1, "end_time": 9}]}',
            "text: String should have at most 10000 characters",
        ),
    ],
    ids=["empty", "list", "number", "no text", "before time", "list of texts", "long text"],
)
async def test_what_is_wrong_is_told_and_what_was_said_is_not_repeated(
    web: httpx.AsyncClient, content: bytes, told: str
) -> None:
    answer = await web.post("/subtitles/srt", content=content)
    assert answer.status_code == 400
    assert told in answer.text
    assert "needed: JSON with segments" in answer.text
    assert "secret" not in answer.text


async def test_more_than_can_be_said_in_a_day_is_refused(
    web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "MAX_BYTES", 100)
    answer = await web.post("/subtitles/srt", content=body(*SEGMENTS))
    assert answer.status_code == 413
    assert "more than 100 bytes" in answer.text


async def test_who_does_not_send_it_all_is_not_waited_for(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "READ_S", 0.01)
    host, port = service.url.removeprefix("ws://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /subtitles/srt HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
    async with asyncio.timeout(10):
        assert b" 408 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_who_goes_away_in_the_middle_leaves_room_and_no_trace(
    service: Service, web: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    host, port = service.url.removeprefix("ws://").split(":")
    for _ in range(endpoint.AT_ONCE + 1):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /subtitles/srt HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    assert (await web.post("/subtitles/srt", content=body(*SEGMENTS))).status_code == 200
    assert "Traceback" not in "".join(capfd.readouterr())


async def test_a_strangers_page_gets_none(web: httpx.AsyncClient) -> None:
    headers = {"origin": "https://evil.example"}
    answer = await web.post("/subtitles/srt", content=body(*SEGMENTS), headers=headers)
    assert answer.status_code == 403
    assert "server.allowed_origins" in answer.text


async def test_what_was_said_is_not_logged(
    web: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    await web.post("/subtitles/srt", content=body(*SEGMENTS))
    out, err = capfd.readouterr()
    assert "everybody" not in out + err
