"""Verb `breaks`: what a connection that breaks costs a speaker, until results go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from bench.latency import percentile
from bench.recordings import load, names
from bench.report import milliseconds, number, report, verdict
from bench.servers import FAKE_ENGINE, running_server, server_path_option
from bench.workload import CHUNK_S, CHUNK_SAMPLES
from rasr.client import Connection, Ended, Options, Result, open_connection

_BAR_MS = 3000.0
_OPTIONS = Options.of("english_16k_common", interim_results=True)


@dataclass
class _Course:
    """What was seen."""

    back_ms: list[float] = field(default_factory=list)
    """From each break to the answer that the round goes on."""
    result_ms: list[float] = field(default_factory=list)
    """From each break to the next result that had not come before."""
    gaps_ms: list[float] = field(default_factory=list)
    """Between two results without a break between them."""
    finals: list[str] = field(default_factory=list)


class _Speaker:
    """Somebody who speaks at the speed of speech and whose connection breaks now and then."""

    def __init__(self, url: str, sound: bytes, every_s: float) -> None:
        """
        Args:
            every_s: speech between two breaks; 0: none.
        """
        self._url = url
        self._sound = sound
        self._every_s = every_s
        self._newest = 0
        self._course = _Course()
        self._broke_at: float | None = None
        self._heard_at: float | None = None

    async def speak(self) -> _Course:
        """Say it all."""
        began, at, token = time.monotonic(), 0, ""
        breaks = 1
        while True:
            async with self._connected() as connection:
                if token:
                    resumed = await connection.resume(token, self._newest)
                    at = resumed.audio_bytes
                    assert self._broke_at is not None
                    self._course.back_ms.append((time.monotonic() - self._broke_at) * 1000)
                else:
                    started = await connection.start(_OPTIONS.config)
                    assert started.resume is not None, "the server holds no rounds"
                    token, self._newest = started.resume.token, 1
                until = breaks * self._every_s if self._every_s else float("inf")
                listening = asyncio.ensure_future(self._listen(connection))
                at = await self._send(connection, at, began, until)
                if at == len(self._sound):
                    await connection.end()
                    await listening
                    return self._course
                listening.cancel()
                self._broke_at, self._heard_at = time.monotonic(), None
                connection.abort()
                breaks += 1

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        async with open_connection(self._url, _OPTIONS.mode, project_id="bench") as connection:
            yield connection

    async def _send(self, connection: Connection, at: int, began: float, until_s: float) -> int:
        """Send what is due, and go on as it is spoken; how far it came."""
        size = 2 * CHUNK_SAMPLES
        while at < len(self._sound):
            due_s = (at // size + 1) * CHUNK_S
            if due_s > until_s:
                break
            await asyncio.sleep(max(0.0, began + due_s - time.monotonic()))
            chunk = self._sound[at : at + size]
            await connection.send(chunk)
            at += len(chunk)
        return at

    async def _listen(self, connection: Connection) -> None:
        while True:
            number, message = await connection.receive_numbered()
            if number is None or number <= self._newest:
                continue
            self._newest = number
            self._note(message)
            if isinstance(message, Ended):
                await connection.acknowledge(number)
                return

    def _note(self, message: object) -> None:
        now = time.monotonic()
        if not isinstance(message, Result):
            return
        if message.segments[0].is_final:
            self._course.finals.append(message.segments[0].text)
        if self._broke_at is not None and self._heard_at is None:
            self._course.result_ms.append((now - self._broke_at) * 1000)
        elif self._heard_at is not None:
            self._course.gaps_ms.append((now - self._heard_at) * 1000)
        self._heard_at = now


def sound_of(seconds: float) -> bytes:
    """The bundled recordings, one behind the other, as often as it takes."""
    sound = b"".join(load(name).samples.astype("<i2").tobytes() for name in names())
    size = round(32_000 * seconds)
    return (sound * (size // len(sound) + 1))[:size]


@click.command("breaks")
@click.option("--seconds", type=float, default=120.0, show_default=True, help="Of speech.")
@click.option("--every", "every_s", type=float, default=5.0, show_default=True, metavar="S")
@server_path_option
def breaks(seconds: float, every_s: float, server_path: Path | None) -> None:
    """What a connection that breaks costs, in milliseconds until results go on.

    One speaker at the speed of speech, twice: unbroken, and with a connection that is reset each
    so many seconds and made anew at once. Wanted: the same finals, and p95 of the gap below 3 s.

    \b
    python -m bench breaks
    """
    sound = sound_of(seconds)
    with running_server(FAKE_ENGINE, server_path=server_path) as server:
        whole = asyncio.run(_Speaker(server.url, sound, 0).speak())
        broken = asyncio.run(_Speaker(server.url, sound, every_s).speak())
    p95 = percentile(broken.result_ms, 95)
    wrong = sum(one != other for one, other in zip(broken.finals, whole.finals, strict=False))
    wrong += abs(len(broken.finals) - len(whole.finals))
    rows = [
        _unbound("until the round goes on, p50, ms", broken.back_ms, 50),
        _unbound("until the round goes on, p95, ms", broken.back_ms, 95),
        _unbound("until the next result, p50, ms", broken.result_ms, 50),
        (
            "until the next result, p95, ms",
            milliseconds(p95),
            f"below {_BAR_MS:.0f}",
            verdict(p95, most=_BAR_MS),
        ),
        _unbound("between results unbroken, p50, ms", whole.gaps_ms, 50),
        _unbound("between results unbroken, p95, ms", whole.gaps_ms, 95),
        ("finals that differ", number(wrong), "0", verdict(wrong, most=0)),
    ]
    report(
        "breaks",
        ("what", "value", "bar", "met"),
        rows,
        notes=(
            f"{seconds:.0f} s of speech, {len(broken.back_ms)} breaks, {len(whole.finals)} finals",
        ),
        figures={
            "breaks": len(broken.back_ms),
            "back_p50_ms": percentile(broken.back_ms, 50),
            "back_p95_ms": percentile(broken.back_ms, 95),
            "result_p50_ms": percentile(broken.result_ms, 50),
            "result_p95_ms": p95,
            "unbroken_p95_ms": percentile(whole.gaps_ms, 95),
            "finals": len(whole.finals),
            "wrong": wrong,
        },
    )


def _unbound(what: str, values: Sequence[float], share: int) -> tuple[str, str, str, str]:
    """A row without a bar."""
    return what, milliseconds(percentile(values, share)), "–", "–"
