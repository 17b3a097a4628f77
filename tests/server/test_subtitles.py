"""Subtitles over HTTP: the rules are those of the captions, and what is wrong is told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator

import httpx
import pysubs2
import pytest
from pydantic import ValidationError

from rasr.captions import TimedText, subtitles
from rasr.captions.files import srt, vtt
from rasr.server.http import subtitles as endpoint
from rasr.server.service import Service
from tests.captions.values import said, spoken
from tests.processes import LONG_S

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
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=LONG_S) as client:
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


async def test_the_texts_together_have_a_bound_too(
    web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "MAX_LETTERS", 100)
    answer = await web.post("/subtitles/vtt", content=body(*[said("x" * 26)] * 4))
    assert answer.status_code == 413
    assert answer.text == "the texts have more than 100 letters; send fewer\n"
    assert (await web.post("/subtitles/vtt", content=body(*[said("x" * 25)] * 4))).is_success


async def test_of_many_segments_that_are_wrong_the_first_alone_is_looked_at(
    web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = 0
    validate = endpoint._Segment.model_validate

    def counted(item: object) -> endpoint._Segment:
        nonlocal looked_at
        looked_at += 1
        return validate(item)

    monkeypatch.setattr(endpoint._Segment, "model_validate", counted)
    answer = await web.post("/subtitles/vtt", content=b'{"segments":[' + b"{}," * 999 + b"{}]}")
    assert answer.status_code == 400
    assert answer.text.startswith("segments.0.start_time: Field required; needed: ")
    assert looked_at == 1


def test_of_many_words_that_are_wrong_the_first_alone_is_told() -> None:
    with pytest.raises(ValidationError) as wrong:
        endpoint._Segment.model_validate(
            {"start_time": 0, "end_time": 1, "text": "a", "word_info": [{}] * 9999}
        )
    # What is missing in it: three fields.
    assert wrong.value.error_count() == 3


def test_work_that_nobody_waits_for_ends_behind_its_segment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop = threading.Event()
    done = 0

    def timed_text(segment: endpoint._Segment) -> TimedText:
        nonlocal done
        done += 1
        stop.set()
        return said(segment.text)

    monkeypatch.setattr(endpoint, "_timed_text", timed_text)
    with pytest.raises(endpoint._Stopped):
        endpoint._document(body(*SEGMENTS), vtt, lambda: False, stop)
    assert done == 1


async def test_the_work_is_stopped_when_the_client_has_gone(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, stopped = threading.Event(), threading.Event()

    def endless(content: bytes, write: object, is_closing: object, stop: threading.Event) -> str:
        begun.set()
        if stop.wait(LONG_S):
            stopped.set()
        raise endpoint._Stopped

    monkeypatch.setattr(endpoint, "_document", endless)
    host, port = service.url.removeprefix("ws://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /subtitles/srt HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
    assert await asyncio.to_thread(begun.wait, LONG_S)
    writer.close()
    await writer.wait_closed()
    assert await asyncio.to_thread(stopped.wait, LONG_S)


async def test_a_server_that_shuts_down_makes_no_more(
    service: Service, web: httpx.AsyncClient
) -> None:
    service.state.connections.closing = True
    answer = await web.post("/subtitles/vtt", content=body(*SEGMENTS))
    assert (answer.status_code, answer.text) == (503, "the server is shutting down\n")


async def test_who_does_not_send_it_all_is_not_waited_for(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "READ_S", 0.01)
    host, port = service.url.removeprefix("ws://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /subtitles/srt HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
    async with asyncio.timeout(LONG_S):
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
