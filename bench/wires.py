"""The two protocols that the same load is put on most: what is sent, and what the answers mean.

Everything else about a load is the same for all; ours is spoken by `rasr.client`. Frames are built
and masked once, before the load, so that sending costs the client next to nothing. The wires of
servers that are compared now and then are in `bench.adapters`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rasr.audio import FORMATS
from rasr.client import Mode, StartConfig, address_of, audio_frame, end_frame, start_frame
from rasr.client.websocket import binary_frame, text_frame
from rasr.wire.sis.codec import decode_server
from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.messages import Ended, Error, Result
from rasr.wire.sis.properties import Property

Samples = NDArray[np.int16]

VAD_TAIL_MS = 500
"""What START says: the silence that ends a sentence."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one message says of the text, or that the stream is over."""

    at_s: float
    text: str
    is_final: bool = False
    is_over: bool = False
    times_ms: tuple[int, int] | None = None
    """Where its speech begins and ends, from the start of the stream; None: it does not say, and
    the text was decoded from the first sample on."""


Reader = Callable[[float, bytes], Sequence[Answer]]
"""Is given the messages of one stream in their order, with the time at which each came.

Raises ValueError: the message is an error.
"""


class Wire(Protocol):
    @property
    def url(self) -> str: ...

    @property
    def subprotocols(self) -> Sequence[str]:
        """What the handshake offers."""

    @property
    def opening(self) -> bytes | None:
        """A frame to send first."""

    @property
    def opening_is_answered(self) -> bool:
        """Its answer is waited for before any sound is due."""

    @property
    def ending(self) -> bytes:
        """The frame that ends the sound."""

    @property
    def ends_by_closing(self) -> bool:
        """The server closes the connection behind its last answer, which is not marked as such."""

    def sound(self, samples: Samples) -> bytes:
        """The frame of one chunk."""

    def is_over(self, message: bytes) -> bool:
        """Is this the last message of a stream? Asked only after `ending`."""

    def refusal(self, message: bytes) -> str | None:
        """Is this first message a refusal for want of capacity? Its words."""

    def reader(self) -> Reader:
        """For one stream."""


@dataclass(frozen=True, slots=True)
class SisWire:
    """Ours: continuous mode, int16, partials on, sentences as long as can be asked for, everything
    else as it is by default.
    """

    server: str
    """As ws://host:port."""
    language: str = "english_16k_common"
    interim: bool = True

    subprotocols = ()
    opening_is_answered = True
    ends_by_closing = False

    @property
    def url(self) -> str:
        return address_of(self.server, Mode.CONTINUE, "bench")

    @property
    def opening(self) -> bytes | None:
        language = Property.parse(self.language)
        if language is None:
            raise ValueError(f"{self.language!r} is no property, such as english_16k_common")
        return start_frame(
            StartConfig(
                FORMATS["pcm16k16bit"],
                language,
                interim_results=self.interim,
                vad_tail=VAD_TAIL_MS,
                # The peer rewrites nothing either.
                digit_norm=False,
                # Nor does it cut speech: cut by force as seldom as can be asked for.
                max_seconds=60,
            )
        )

    @property
    def ending(self) -> bytes:
        return end_frame()

    def sound(self, samples: Samples) -> bytes:
        return audio_frame(samples.astype("<i2").tobytes())

    def is_over(self, message: bytes) -> bool:
        return isinstance(decode_server(message.decode()), Ended | Error)

    def refusal(self, message: bytes) -> str | None:
        match decode_server(message.decode()):
            case Error(error_code=ErrorCode.FULL) as error:
                return f"{error.error_code}: {error.error_msg}"
            case _:
                return None

    def reader(self) -> Reader:
        return self._read

    def _read(self, at_s: float, message: bytes) -> Sequence[Answer]:
        match decode_server(message.decode()):
            case Result(segments=segments):
                return [
                    Answer(
                        at_s,
                        one.text,
                        is_final=one.is_final,
                        times_ms=(one.start_time, one.end_time),
                    )
                    for one in segments
                ]
            case Ended():
                return [Answer(at_s, "", is_over=True)]
            case Error() as error:
                raise ValueError(f"{error.error_code}: {error.error_msg}")
            case _:
                return []


@dataclass(frozen=True, slots=True)
class PeerWire:
    """What most other servers have in common: nothing to say first, no refusals, and an end that is
    told by closing the connection.
    """

    server: str

    opening_is_answered = False
    ends_by_closing = True

    @property
    def url(self) -> str:
        return self.server

    @property
    def subprotocols(self) -> Sequence[str]:
        return ()

    @property
    def opening(self) -> bytes | None:
        return None

    def is_over(self, message: bytes) -> bool:
        return False

    def refusal(self, message: bytes) -> str | None:
        return None


class SherpaWire(PeerWire):
    """sherpa-onnx's C++ server: float32 in, a JSON object out after each step, "Done" and "Done!".

    It decodes a stream from its first sample on, and its endpoints do not start the count anew.
    """

    __slots__ = ()

    ends_by_closing = False

    @property
    def ending(self) -> bytes:
        return text_frame("Done")

    def sound(self, samples: Samples) -> bytes:
        return float_frame(samples)

    def is_over(self, message: bytes) -> bool:
        return message == b"Done!"

    def reader(self) -> Reader:
        return self._read

    def _read(self, at_s: float, message: bytes) -> Sequence[Answer]:
        if self.is_over(message):
            return []
        body: dict[str, Any] = json.loads(message)
        return [Answer(at_s, body["text"], is_final=body["is_final"], is_over=body["is_eof"])]


def float_frame(samples: Samples) -> bytes:
    """Samples as float32 in [-1, 1), which is what several servers take."""
    return binary_frame((samples / np.float32(32768)).astype("<f4").tobytes())
