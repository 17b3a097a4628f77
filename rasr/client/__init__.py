"""The client of the project: a session over one websocket, with the server's messages as values.

async with connect("ws://127.0.0.1:8765", Options.of("english_16k_common")) as session:
    await session.send(pcm)
    await session.end()
    async for message in session:
        ...

`connect` is for apps, `speak` and `voices` for apps that speak; `stream_recording` sends a whole
recording; `open_connection` is for programs that send each command themselves, and `WebSocket` with
a `WebSocketListener` for load clients that carry hundreds of streams.
"""

from rasr.client.clock import Clock, LoopClock
from rasr.client.connection import (
    Connection,
    address_of,
    audio_frame,
    end_frame,
    open_connection,
    start_frame,
)
from rasr.client.credentials import AccessKey
from rasr.client.errors import (
    CannotConnect,
    ClientError,
    ConnectionLost,
    ResumeRefused,
    StartRefused,
)
from rasr.client.offered import OfferedVoice, OfferedVoices, voices
from rasr.client.options import Options, StartFields
from rasr.client.recording import (
    CHUNK_MS,
    COMPRESSED_CHUNK_BYTES,
    Pace,
    chunks_of,
    chunks_of_file,
    stream_recording,
)
from rasr.client.rest import CallRefused, RestClient
from rasr.client.resumable import LineState
from rasr.client.session import Session, connect
from rasr.client.speaking import Speech, SpeechFields, speak
from rasr.client.websocket import WebSocket, WebSocketListener, binary_frame, text_frame
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
from rasr.wire.synthesis.messages import Spoken, SpokenPhone, SpokenWord

__all__ = [
    "CHUNK_MS",
    "COMPRESSED_CHUNK_BYTES",
    "AccessKey",
    "CallRefused",
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
    "LineState",
    "LoopClock",
    "Mode",
    "OfferedVoice",
    "OfferedVoices",
    "Options",
    "Pace",
    "RestClient",
    "Result",
    "ResumeRefused",
    "Segment",
    "ServerMessage",
    "Session",
    "Speech",
    "SpeechFields",
    "Spoken",
    "SpokenPhone",
    "SpokenWord",
    "StartConfig",
    "StartFields",
    "StartRefused",
    "Started",
    "WebSocket",
    "WebSocketListener",
    "WordInfo",
    "address_of",
    "audio_frame",
    "binary_frame",
    "chunks_of",
    "chunks_of_file",
    "connect",
    "end_frame",
    "open_connection",
    "speak",
    "start_frame",
    "stream_recording",
    "text_frame",
    "voices",
]
