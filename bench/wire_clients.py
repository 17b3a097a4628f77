"""How a load speaks to a server: what is sent, and what the answers mean.

Everything else about a load is the same for all servers. Frames are built and masked once, before
the load, so that sending costs the client next to nothing. SIS is read and written as JSON here,
without the server's own parser: a mistake of that would otherwise hide on both sides.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rasr.audio import Samples
from rasr.client import Mode, address_of, binary_frame, text_frame

VAD_TAIL_MS = 500
"""What START says in all measurements: the silence that ends a sentence."""
_FULL = "SIS.0312"
"""The error code of a server that takes no more recognitions."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one message says of the text, or that the stream is over."""

    at_s: float
    """When it came, of `time.monotonic`."""
    text: str
    is_final: bool = False
    is_over: bool = False
    times_ms: tuple[int, int] | None = None
    """Where its speech begins and ends, from the start of the stream; None: it does not say, and
    the text was decoded from the first sample on."""


class WireClient(Protocol):
    """One protocol, spoken to one server."""

    @property
    def url(self) -> str:
        """The address of the websocket."""

    @property
    def opening(self) -> bytes | None:
        """The frame that is sent first and whose answer is waited for; None: there is none."""

    @property
    def ending(self) -> bytes:
        """The frame that ends the audio."""

    def audio(self, samples: Samples) -> bytes:
        """Return the frame of one chunk, int16 at 16 kHz."""

    def refusal(self, message: bytes) -> str | None:
        """Return the words of an answer to `opening` that refuses for want of room, or None."""

    def is_over(self, message: bytes) -> bool:
        """Whether this is the last message of a stream; asked only after `ending`."""

    def read(self, at_s: float, message: bytes) -> Sequence[Answer]:
        """Return what a message says.

        Raises:
            ValueError: it is an error; the text is the server's.
        """


@dataclass(frozen=True, slots=True)
class SisClient:
    """SIS in continuous mode: int16, partials on, sentences as long as can be asked for, everything
    else as it is by default."""

    server: str
    """As ws://host:port."""
    property_name: str = "english_16k_common"
    interim: bool = True

    @property
    def url(self) -> str:
        """The address of the websocket."""
        return address_of(self.server, Mode.CONTINUE, "bench")

    @property
    def opening(self) -> bytes | None:
        """START."""
        config = {
            "audio_format": "pcm16k16bit",
            "property": self.property_name,
            "interim_results": "yes" if self.interim else "no",
            "vad_tail": VAD_TAIL_MS,
            # The peer rewrites nothing either.
            "digit_norm": "no",
            # Nor does it cut speech: cut by force as seldom as can be asked for.
            "max_seconds": 60,
        }
        return text_frame(json.dumps({"command": "START", "config": config}))

    @property
    def ending(self) -> bytes:
        """END."""
        return text_frame(json.dumps({"command": "END", "cancel": "false"}))

    def audio(self, samples: Samples) -> bytes:
        """Return a chunk as int16."""
        return binary_frame(samples.astype("<i2").tobytes())

    def refusal(self, message: bytes) -> str | None:
        """Return code and words of an error that says that the server is full."""
        body = json.loads(message)
        return _error(body) if body.get("error_code") == _FULL else None

    def is_over(self, message: bytes) -> bool:
        """Whether it is END, or an error."""
        return json.loads(message)["resp_type"] in ("END", "ERROR", "FATAL_ERROR")

    def read(self, at_s: float, message: bytes) -> Sequence[Answer]:
        """Return an answer for each segment of a result, and one for END."""
        body: dict[str, Any] = json.loads(message)
        match body["resp_type"]:
            case "RESULT":
                return [
                    Answer(
                        at_s,
                        one["result"]["text"],
                        is_final=one["is_final"],
                        times_ms=(one["start_time"], one["end_time"]),
                    )
                    for one in body["segments"]
                ]
            case "END":
                return [Answer(at_s, "", is_over=True)]
            case "ERROR" | "FATAL_ERROR":
                raise ValueError(_error(body))
            case _:
                return []


def _error(body: dict[str, Any]) -> str:
    return f"{body['error_code']}: {body['error_msg']}"


@dataclass(frozen=True, slots=True)
class SherpaClient:
    """sherpa-onnx's C++ server: float32 in, a JSON object out after each step, "Done" and "Done!".

    It decodes a stream from its first sample on, and its endpoints do not start the count anew. It
    refuses nobody.
    """

    url: str
    """As ws://host:port."""

    @property
    def opening(self) -> bytes | None:
        """Nothing: the stream begins with its audio."""
        return None

    @property
    def ending(self) -> bytes:
        """The word "Done"."""
        return text_frame("Done")

    def audio(self, samples: Samples) -> bytes:
        """Return a chunk as float32 in [-1, 1)."""
        return binary_frame((samples / np.float32(32768)).astype("<f4").tobytes())

    def refusal(self, message: bytes) -> str | None:
        """Return None."""
        return None

    def is_over(self, message: bytes) -> bool:
        """Whether it is "Done!"."""
        return message == b"Done!"

    def read(self, at_s: float, message: bytes) -> Sequence[Answer]:
        """Return the text of a step."""
        if self.is_over(message):
            return []
        body: dict[str, Any] = json.loads(message)
        return [Answer(at_s, body["text"], is_final=body["is_final"], is_over=body["is_eof"])]
