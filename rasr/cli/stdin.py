"""Audio from standard input, as it arrives.

Reading blocks, so it has a thread of its own; the thread is a daemon, because nothing else ends a
read from a terminal or a pipe on which nobody writes.
"""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from collections.abc import AsyncGenerator
from typing import cast

from rasr.audio import AudioFormat, CompressedFormat
from rasr.client import CHUNK_MS, COMPRESSED_CHUNK_BYTES

STDIN = "-"

_WAITING_CHUNKS = 4
"""Chunks read ahead of the network. With more the thread waits, and so does the pipe's writer."""


async def stdin_chunks(audio_format: AudioFormat | CompressedFormat) -> AsyncGenerator[bytes, None]:
    """What comes on standard input, in pieces of a chunk's length or less."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[bytes] = asyncio.Queue(_WAITING_CHUNKS)
    source = cast(io.BufferedReader, sys.stdin.buffer)
    size = COMPRESSED_CHUNK_BYTES
    if isinstance(audio_format, AudioFormat):
        size = audio_format.bytes_per_second * CHUNK_MS // 1000

    def read() -> None:
        try:
            while True:
                chunk = source.read1(size)
                asyncio.run_coroutine_threadsafe(waiting.put(chunk), loop).result()
                if not chunk:
                    return
        except RuntimeError:
            # The loop has ended while we were reading: nobody waits for this any more.
            return

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while chunk := await waiting.get():
        yield chunk
