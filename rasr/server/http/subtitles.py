"""Subtitles of a transcript that the sender kept: segments come in, a file of cues goes out.

A page keeps what was said on it and saves it as SubRip or WebVTT. How cues are cut and timed is
written once, in `rasr.captions`, so the page asks for them here. Nothing of it is kept or logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from rasr.captions import Cue, TimedText, TimedWord, subtitles
from rasr.captions.files import srt, vtt
from rasr.server.origins import OriginRule, refusal

MAX_BYTES = 8 << 20
"""An hour of speech with the times of its words is about 1 MiB."""
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
    word_info: tuple[_Word, ...] | None = None


class _Body(BaseModel):
    segments: tuple[_Segment, ...]


def add_subtitles(app: FastAPI, origins: OriginRule) -> None:
    """Serve `POST /subtitles/srt` and `/subtitles/vtt` to the pages that may use the server."""
    room, turn = asyncio.Semaphore(AT_ONCE), asyncio.Lock()
    for kind, (media_type, write) in _KINDS.items():
        answer = partial(_answer, origins, room, turn, media_type, write)
        app.router.routes.append(Route(f"/subtitles/{kind}", answer, methods=["POST"]))


async def _answer(
    origins: OriginRule,
    room: asyncio.Semaphore,
    turn: asyncio.Lock,
    media_type: str,
    write: Callable[[Iterable[Cue]], str],
    request: Request,
) -> Response:
    if not origins.admits(request.headers):
        return _fault(403, refusal(request.headers))
    async with room:
        try:
            async with asyncio.timeout(READ_S):
                content = await _read(request)
        except TimeoutError:
            return _fault(408, f"the segments were not here within {READ_S:g} s; send them again")
        except ClientDisconnect:
            return Response(status_code=400)
        if content is None:
            return _fault(413, f"the segments take more than {MAX_BYTES} bytes; send fewer")
        try:
            # The audio of speakers does not wait for one, and would for several.
            async with turn:
                document = await asyncio.to_thread(_document, content, write)
        except ValidationError as error:
            return _fault(400, _told(error))
    return Response(document, headers=_HEADERS, media_type=media_type)


async def _read(request: Request) -> bytes | None:
    """The body, or None where it is too long."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > MAX_BYTES:
            return None
    return bytes(content)


def _document(content: bytes, write: Callable[[Iterable[Cue]], str]) -> str:
    body = _Body.model_validate_json(content)
    return write(subtitles(map(_timed_text, body.segments)))


def _timed_text(segment: _Segment) -> TimedText:
    return TimedText(
        segment.text,
        segment.start_time,
        segment.end_time,
        words=tuple(
            TimedWord(one.word, one.start_time, one.end_time) for one in segment.word_info or ()
        ),
    )


def _told(error: ValidationError) -> str:
    """The first fault. What came is not repeated: it is what somebody said."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"])) or "the body"
    return (
        f"{place}: {first['msg']}; needed: JSON with segments, each with start_time and end_time "
        "in whole ms and text, and word_info where there are words"
    )


def _fault(status: int, sentence: str) -> Response:
    return Response(f"{sentence}\n", status, headers=_HEADERS, media_type="text/plain")
