"""Subtitles of a transcript that the sender kept: segments come in, a file of cues goes out.

A page keeps what was said on it and saves it as SubRip or WebVTT. How cues are cut and timed is
written once, in `rasr.captions`, so the page asks for them here. Nothing of it is kept or logged.

The work is done in a thread, segment by segment, and ends with whoever asked for it. Nothing in it
keeps the interpreter for long: a parser in C or Rust would hold up everybody's audio for half a
second where a body is as long as it may be.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from rasr.captions import Cue, TimedText, TimedWord, subtitles
from rasr.captions.files import srt, vtt
from rasr.server.auth.call import principal_of
from rasr.server.origins import OriginRule, refusal
from rasr.server.request_body import read_body
from rasr.tasks import watched

MAX_BYTES = 8 << 20
"""An hour of speech with the times of its words is about 1 MiB."""
MAX_LETTERS = 1_000_000
"""Of the texts together: 18 hours of speech. Cues of so many take 2 to 5 s to make."""
AT_ONCE = 4
"""So many requests are held in memory; more wait. Only one of them is worked on at a time."""
READ_S = 30.0
"""A client that takes longer to send at most 8 MiB does not keep others waiting."""

_KINDS: dict[str, tuple[str, Callable[[Iterable[Cue]], str]]] = {
    "srt": ("application/x-subrip; charset=utf-8", srt),
    "vtt": ("text/vtt", vtt),
}
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class _Times(BaseModel):
    start_time: int = Field(ge=0, le=360_000_000, description="ms")
    end_time: int = Field(ge=0, le=360_000_000, description="ms")


class _Word(_Times):
    word: str


class _Segment(_Times):
    text: str = Field(max_length=10_000)
    # Without an end at the first word that is wrong there would be more to tell than came.
    word_info: tuple[_Word, ...] | None = Field(None, max_length=10_000, fail_fast=True)


SEGMENT_SCHEMA: Mapping[str, Any] = _Segment.model_json_schema()
"""An item of `segments`, whose own definitions are in it."""


class _Decoder(json.JSONDecoder):
    """Reads JSON in Python. The scanner in C has the interpreter for itself until all is read."""

    def __init__(self) -> None:
        super().__init__()
        self.scan_once = py_make_scanner(self)


class _Fault(Exception):
    """The segments are not taken. The text is a sentence for whoever sent them."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class _Stopped(Exception):
    """Nobody waits for the work any more."""


def add_subtitles(app: FastAPI, origins: OriginRule, is_closing: Callable[[], bool]) -> None:
    """Serve `POST /subtitles/srt` and `/subtitles/vtt` to the pages that may use the server.

    Args:
        is_closing: true once the server shuts down.
    """
    room, turn = asyncio.Semaphore(AT_ONCE), asyncio.Lock()
    for kind, (media_type, write) in _KINDS.items():
        answer = partial(_answer, origins, room, turn, is_closing, media_type, write)
        app.router.routes.append(Route(f"/subtitles/{kind}", answer, methods=["POST"]))


async def _answer(
    origins: OriginRule,
    room: asyncio.Semaphore,
    turn: asyncio.Lock,
    is_closing: Callable[[], bool],
    media_type: str,
    write: Callable[[Iterable[Cue]], str],
    request: Request,
) -> Response:
    if principal_of(request.scope) is None and not origins.admits(request.headers):
        return _fault(403, refusal(request.headers))
    async with room:
        try:
            async with asyncio.timeout(READ_S):
                content = await read_body(request, MAX_BYTES)
        except TimeoutError:
            return _fault(408, f"the segments were not here within {READ_S:g} s; send them again")
        except ClientDisconnect:
            return Response(status_code=400)
        if content is None:
            return _fault(413, f"the segments take more than {MAX_BYTES} bytes; send fewer")
        try:
            document = await _while_wanted(
                request, turn, partial(_document, content, write, is_closing)
            )
        except _Fault as fault:
            return _fault(fault.status, str(fault))
        except _Stopped:
            return Response(status_code=400)
    return Response(document, headers=_HEADERS, media_type=media_type)


async def _while_wanted(
    request: Request, turn: asyncio.Lock, work: Callable[[threading.Event], str]
) -> str:
    """The result of `work`, done in a thread. It is told to end when the client is gone.

    Raises:
        _Stopped: the client is gone.
    """
    stop = threading.Event()
    gone = watched(_until_gone(request), name="until-client-is-gone")
    gone.add_done_callback(lambda _: stop.set())
    try:
        # The audio of speakers does not wait for one, and would for several.
        async with turn:
            return await asyncio.to_thread(work, stop)
    finally:
        stop.set()
        gone.cancel()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _document(
    content: bytes,
    write: Callable[[Iterable[Cue]], str],
    is_closing: Callable[[], bool],
    stop: threading.Event,
) -> str:
    def texts() -> Iterator[TimedText]:
        for segment in _segments(content):
            if stop.is_set():
                raise _Stopped
            if is_closing():
                raise _Fault(503, "the server is shutting down")
            yield _timed_text(segment)

    return write(subtitles(texts()))


def _segments(content: bytes) -> Iterator[_Segment]:
    try:
        body = _Decoder().decode(content.decode())
    except (ValueError, RecursionError) as error:
        raise _not_segments("the body", f"Invalid JSON ({error})") from error
    listed = body.get("segments") if isinstance(body, dict) else body
    if not isinstance(body, dict) or not isinstance(listed, list):
        place = "segments" if isinstance(body, dict) else "the body"
        raise _not_segments(place, "it is missing or something else")
    letters = 0
    for number, item in enumerate(listed):
        try:
            segment = _Segment.model_validate(item)
        except ValidationError as error:
            raise _told(number, error) from error
        letters += len(segment.text)
        if letters > MAX_LETTERS:
            raise _Fault(413, f"the texts have more than {MAX_LETTERS} letters; send fewer")
        yield segment


def _timed_text(segment: _Segment) -> TimedText:
    return TimedText(
        segment.text,
        segment.start_time,
        segment.end_time,
        words=tuple(
            TimedWord(one.word, one.start_time, one.end_time) for one in segment.word_info or ()
        ),
    )


def _told(number: int, error: ValidationError) -> _Fault:
    """The first fault. What came is not repeated: it is what somebody said."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return _not_segments(".".join(map(str, ("segments", number, *first["loc"]))), first["msg"])


def _not_segments(place: str, fault: str) -> _Fault:
    return _Fault(
        400,
        f"{place}: {fault}; needed: JSON with segments, each with start_time and end_time "
        "in whole ms and text, and word_info where there are words",
    )


def _fault(status: int, sentence: str) -> Response:
    return Response(f"{sentence}\n", status, headers=_HEADERS, media_type="text/plain")
