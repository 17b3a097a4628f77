"""The client of the project: typed messages over one websocket.

async with connect("ws://127.0.0.1:8765", Mode.CONTINUE) as connection:
    await connection.start(config)
    await connection.send(pcm)
    await connection.end()
    async for message in connection:
        ...
"""

from rasr.client.connection import Connection, address_of, connect
from rasr.client.errors import CannotConnect, ClientError, ConnectionLost, RoundRefused
from rasr.client.recording import (
    CHUNK_MS,
    Clock,
    LoopClock,
    Pace,
    chunks_of,
    chunks_of_file,
    stream_recording,
)

__all__ = [
    "CHUNK_MS",
    "CannotConnect",
    "ClientError",
    "Clock",
    "Connection",
    "ConnectionLost",
    "LoopClock",
    "Pace",
    "RoundRefused",
    "address_of",
    "chunks_of",
    "chunks_of_file",
    "connect",
    "stream_recording",
]
