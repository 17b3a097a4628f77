"""Fetch a recording into a file: of bounded size, in bounded time, resumed after a break.

After a break the rest is asked for (RFC 9110, 14.2) if the server has named a version of what it
sends, and only if it still has that one (If-Range, 13.1.5). A server that does not resume sends
all of it anew. So bytes of two versions are never mixed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import httpcore
import httpx

from rasr.recordings.connecting import Connector
from rasr.recordings.faults import RecordingFault, failed
from rasr.recordings.policy import FetchPolicy, Target
from rasr.recordings.retries import MAY_PASS, asked_pause_s, pause_s
from rasr.recordings.spool import RecordingFile
from rasr.settings import RecordingSettings

Wait = Callable[[float], Awaitable[None]]

_REDIRECTS = (301, 302, 303, 307, 308)
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")
_LENGTH = re.compile(r"[0-9]{1,18}")
_PAGES = ("text/html", "application/xhtml+xml")
_PAGE_BEGINS = (b"<!doctype html", b"<html")
_ENOUGH_TO_SEE = 64
_CHUNKS_IN_A_ROW = 16
"""Of a server that sends single bytes there may be thousands in one turn of the event loop."""
_MOST_OF_REFUSAL = 4096


class Source(Protocol):
    """Where a recording comes from."""

    @property
    def policy(self) -> FetchPolicy:
        """What may be asked for it."""
        ...

    async def target(self) -> Target:
        """Where to ask, made anew for each try: signatures do not last.

        Raises:
            RecordingFault: nowhere.
        """
        ...

    def refusal(self, status: int, body: bytes) -> RecordingFault | None:
        """What an answer means that is not the recording; None for the usual words."""
        ...


@dataclass(frozen=True, slots=True)
class UrlSource:
    """The recording at a URL."""

    url: Target
    policy: FetchPolicy

    async def target(self) -> Target:
        """See Source."""
        return self.url

    def refusal(self, status: int, body: bytes) -> RecordingFault | None:
        """See Source."""
        return None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A recording that is here whole."""

    bytes: int
    content_type: str
    """As the server calls it, in small letters; empty if it does not."""
    resumed: int
    """So many times the rest was asked for."""


@dataclass(slots=True)
class _Progress:
    """What is known of a recording that is on its way."""

    version: str | None = None
    """A validator that If-Range takes."""
    furthest: int = 0
    resumed: int = 0


class Fetcher:
    """Fetches recordings."""

    def __init__(
        self, settings: RecordingSettings, connector: Connector, wait: Wait = asyncio.sleep
    ) -> None:
        """
        Args:
            wait: between two tries.
        """
        self._settings = settings
        self._connector = connector
        self._wait = wait

    async def fetch(self, source: Source, into: RecordingFile) -> Fetched:
        """Fetch a recording whole.

        Raises:
            RecordingFault: it is not to be had, too large, or takes too long.
        """
        limit_s = self._settings.fetch_timeout_s
        deadline = asyncio.timeout(limit_s)
        try:
            async with deadline:
                return await self._in_tries(source, into)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise failed(
                f"the recording did not come within {limit_s:g} s, of which {into.size} bytes came",
                may_pass=True,
            ) from error

    async def _in_tries(self, source: Source, into: RecordingFile) -> Fetched:
        progress = _Progress()
        idle = 0
        while True:
            try:
                return await self._try(source, into, progress)
            except RecordingFault as fault:
                if not fault.may_pass:
                    raise
                idle += 1
                if into.size > progress.furthest:
                    progress.furthest = into.size
                    idle = 1
                if idle >= self._settings.attempts:
                    raise
                pause = max(pause_s(idle), fault.after_s)
            await self._wait(pause)

    async def _try(self, source: Source, into: RecordingFile, progress: _Progress) -> Fetched:
        if progress.version is None and into.size:
            # Nobody could say whether the rest belongs to it.
            await into.begin_anew()
        headers = [("Accept", "*/*"), ("Accept-Encoding", "identity")]
        if into.size and progress.version is not None:
            headers += [("Range", f"bytes={into.size}-"), ("If-Range", progress.version)]
        async with self._found(source, headers) as (target, response):
            return await self._take(source, target, response, into, progress)

    @asynccontextmanager
    async def _found(
        self, source: Source, headers: list[tuple[str, str]]
    ) -> AsyncIterator[tuple[Target, httpcore.Response]]:
        """The answer behind all redirects."""
        target = await source.target()
        for _ in range(self._settings.max_redirects + 1):
            async with self._connector.ask(
                "GET", target, source.policy, self._settings.silence_s, headers
            ) as response:
                if response.status not in _REDIRECTS:
                    yield target, response
                    return
                location = _headers(response).get("location")
            if location is None:
                raise failed(f"{target.host} leads elsewhere, and does not say where")
            target = source.policy.follow(target, location)
        raise failed(f"{target.host} leads on more than {self._settings.max_redirects} times")

    async def _take(
        self,
        source: Source,
        target: Target,
        response: httpcore.Response,
        into: RecordingFile,
        progress: _Progress,
    ) -> Fetched:
        headers = _headers(response)
        match response.status:
            case 200:
                await into.begin_anew()
            case 206 if into.size and _is_rest(headers, into.size, progress.version):
                progress.resumed += 1
            case 206 | 416 if into.size:
                await into.begin_anew()
                progress.version = None
                raise failed(f"{target.host} sends another part than was asked for", may_pass=True)
            case status:
                raise await self._refused(source, target, status, response, headers)
        _check_kind(target, headers)
        total = _total(headers, into.size)
        if total is not None:
            into.expect(total)
        progress.version = _version(headers)
        await _receive(target, response, into)
        if total is not None and into.size != total:
            raise failed(f"{target.host} ends after {into.size} of {total} bytes", may_pass=True)
        if not into.size:
            raise failed(f"{target.host} sends an empty recording")
        await into.flush()
        return Fetched(into.size, _content_type(headers), progress.resumed)

    async def _refused(
        self,
        source: Source,
        target: Target,
        status: int,
        response: httpcore.Response,
        headers: httpx.Headers,
    ) -> RecordingFault:
        body = b""
        async for chunk in response.aiter_stream():
            body += chunk
            if len(body) >= _MOST_OF_REFUSAL:
                break
        told = source.refusal(status, body[:_MOST_OF_REFUSAL])
        return told or failed(
            f"{target.host} answers with HTTP {status}",
            may_pass=status in MAY_PASS,
            after_s=asked_pause_s(headers),
        )


async def _receive(target: Target, response: httpcore.Response, into: RecordingFile) -> None:
    count = 0
    has_looked = False
    async for chunk in response.aiter_stream():
        await into.write(chunk)
        if not has_looked and into.size >= _ENOUGH_TO_SEE:
            has_looked = True
            _check_content(target, into)
        count += 1
        if count % _CHUNKS_IN_A_ROW == 0:
            await asyncio.sleep(0)
    _check_content(target, into)


def _check_kind(target: Target, headers: httpx.Headers) -> None:
    if _content_type(headers) in _PAGES:
        raise _is_page(target)
    # It was asked for as it is: unpacked, few bytes may become more than any limit.
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise failed(
            f"{target.host} sends the recording packed ({encoding[:20]!r}), though it was asked "
            "not to"
        )


def _check_content(target: Target, into: RecordingFile) -> None:
    begins = into.head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if begins.startswith(_PAGE_BEGINS):
        raise _is_page(target)


def _is_page(target: Target) -> RecordingFault:
    return failed(
        f"{target.host} answers with a web page, not with a recording; is the URL that of the file "
        "itself, and does it want no sign-in?"
    )


def _headers(response: httpcore.Response) -> httpx.Headers:
    return httpx.Headers(response.headers)


def _content_type(headers: httpx.Headers) -> str:
    kind: str = headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower()[:80]


def _is_rest(headers: httpx.Headers, have: int, version: str | None) -> bool:
    found = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    return found is not None and int(found[1]) == have and _version(headers) in (None, version)


def _total(headers: httpx.Headers, have: int) -> int | None:
    """Bytes of the whole recording, as the server has it."""
    found = _CONTENT_RANGE.fullmatch(headers.get("content-range", "")) if have else None
    if found and found[2] != "*":
        return int(found[2])
    length = headers.get("content-length", "")
    return have + int(length) if _LENGTH.fullmatch(length) else None


def _version(headers: httpx.Headers) -> str | None:
    """A validator that If-Range takes: a strong entity tag, or a date."""
    tag: str = headers.get("etag", "")
    if tag.startswith('"'):
        return tag
    modified: str | None = headers.get("last-modified")
    return modified
