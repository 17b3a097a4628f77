"""The client of the project: a session with typed messages over one websocket.

async with connect("ws://127.0.0.1:8765", Options.of("english_16k_common")) as session:
    await session.send(pcm)
    await session.end()
    async for message in session:
        ...

`connect` is for apps; `stream_recording` plays a whole recording; `open_connection` is for rounds
by hand, and `Link` with a `LinkListener` for load clients that carry hundreds of streams.
"""

from rasr.client.clock import Clock, LoopClock
from rasr.client.connection import (
    Connection,
    address_of,
    end_frame,
    open_connection,
    sound_frame,
    start_frame,
)
from rasr.client.errors import CannotConnect, ClientError, ConnectionLost, RoundRefused
from rasr.client.link import Link, LinkListener, binary_frame, text_frame
from rasr.client.options import Options, StartFields
from rasr.client.recording import (
    CHUNK_MS,
    CODED_CHUNK_BYTES,
    Pace,
    chunks_of,
    chunks_of_file,
    stream_recording,
)
from rasr.client.session import Session, connect
from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.messages import (
    Ended,
    EndReason,
    Error,
    Event,
    EventName,
    Result,
    Segment,
    ServerMessage,
    StartConfig,
    Started,
    WordInfo,
)
from rasr.wire.sis.modes import Mode

__all__ = [
    "CHUNK_MS",
    "CODED_CHUNK_BYTES",
    "CannotConnect",
    "ClientError",
    "Clock",
    "Connection",
    "ConnectionLost",
    "EndReason",
    "Ended",
    "Error",
    "ErrorCode",
    "Event",
    "EventName",
    "Link",
    "LinkListener",
    "LoopClock",
    "Mode",
    "Options",
    "Pace",
    "Result",
    "RoundRefused",
    "Segment",
    "ServerMessage",
    "Session",
    "StartConfig",
    "StartFields",
    "Started",
    "WordInfo",
    "address_of",
    "binary_frame",
    "chunks_of",
    "chunks_of_file",
    "connect",
    "end_frame",
    "open_connection",
    "sound_frame",
    "start_frame",
    "stream_recording",
    "text_frame",
]
