"""The load client: many streams at the speed of speech, in one process.

A chunk is sent when its last sample would have been spoken, whatever the server does.
`bench.clients` spreads a load over several such processes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import uvloop
from websockets.exceptions import InvalidHandshake, InvalidStatus

from bench.corpus import Source, sound_of
from bench.line import Line
from bench.outcome import Outcome
from bench.talkers import CHUNK_S, DRAIN_S, WHOLE, Load, Share, Stream, plan
from bench.tally import Records, reckon
from bench.wires import Wire

_LEAD_S = 1.0
"""Connections are opened so much before their first sound is spoken."""
_OPEN_S = 30.0
_FULL = (429, 503)
"""HTTP's answers of a server that has no room."""


def put_on(load: Load, share: Share = WHOLE, began_s: float | None = None) -> Outcome:
    """Put a share of a load on a server and reckon what came of it. Blocks until it is over.

    Args:
        began_s: when the load begins, of `time.monotonic`; all shares of a load have the same.
    """
    sound = sound_of(load.source)
    frames = [load.wire.sound(chunk) for chunk in sound.chunks]
    streams = plan(load, sound, share)
    began_s = time.monotonic() + _LEAD_S if began_s is None else began_s
    records = uvloop.run(_put_on(load, streams, frames, began_s))
    return reckon(load, share, records, began_s)


def get_ready(source: Source) -> None:
    """Read the recordings, so that `put_on` begins at once."""
    sound_of(source)


async def _put_on(
    load: Load, streams: Sequence[Stream], frames: Sequence[bytes], began_s: float
) -> Records:
    records = Records()
    async with asyncio.TaskGroup() as group:
        group.create_task(_watch_cpu(records, load, began_s + load.warm_s))
        for stream in streams:
            group.create_task(_speak(load.wire, stream, frames, began_s, records))
    return records


async def _speak(
    wire: Wire, stream: Stream, frames: Sequence[bytes], began_s: float, records: Records
) -> None:
    start_s = began_s + stream.start_s
    # All at once would be a load of its own.
    await _until(start_s - _LEAD_S)
    line = Line(wire, records.late_s)
    records.lines.append((stream, line))
    try:
        await line.open(timeout_s=_OPEN_S)
    except InvalidStatus as error:
        if error.response.status_code in _FULL:
            line.refusal = f"HTTP {error.response.status_code}"
        else:
            line.failure = f"no connection: {error}"
        return
    except (OSError, InvalidHandshake) as error:
        line.failure = f"no connection: {error}"
        return
    try:
        async with asyncio.timeout(_OPEN_S):
            await line.ready.wait()
    except TimeoutError:
        line.failure = f"no answer to the first message within {_OPEN_S:.0f} s"
    if line.failure is None and line.refusal is None:
        line.speak([frames[chunk] for chunk in stream.chunks], start_s)
        try:
            async with asyncio.timeout_at(_loop_time(start_s + len(stream.chunks) * CHUNK_S)):
                await line.over.wait()
        except TimeoutError:
            await _last_messages(line)
    line.hang_up()


async def _last_messages(line: Line) -> None:
    try:
        async with asyncio.timeout(DRAIN_S):
            await line.over.wait()
    except TimeoutError:
        line.failure = f"no end within {DRAIN_S:.0f} s of the last sound"


async def _watch_cpu(records: Records, load: Load, start_s: float) -> None:
    await _until(start_s)
    before_s = time.process_time()
    await _until(start_s + load.window_s)
    records.client_cpu = (time.process_time() - before_s) / load.window_s


async def _until(at_s: float) -> None:
    await asyncio.sleep(max(0.0, at_s - time.monotonic()))


def _loop_time(at_s: float) -> float:
    return asyncio.get_running_loop().time() + at_s - time.monotonic()
