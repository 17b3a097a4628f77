"""The two protocols that the same load is put on: what is sent, and what the answers mean.

Everything else about a load is the same for both; ours is spoken by `rasr.client`. Frames are built
and masked once, before the load, so that sending costs the client next to nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench import clock
from bench.latency import Told
from rasr.audio import FORMATS
from rasr.client import Mode, StartConfig, address_of, end_frame, sound_frame, start_frame
from rasr.client.link import binary_frame, text_frame
from rasr.protocol.codec import decode_server
from rasr.protocol.messages import Ended, Error, Result
from rasr.protocol.properties import Property

Samples = NDArray[np.int16]


class Wire(Protocol):
    @property
    def url(self) -> str: ...

    @property
    def opening(self) -> bytes | None:
        """A frame to send first; its answer is waited for before any sound is due."""

    @property
    def ending(self) -> bytes:
        """The frame that ends the sound."""

    def sound(self, samples: Samples) -> bytes:
        """The frame of one chunk."""

    def is_over(self, message: bytes) -> bool:
        """Is this the last message of a stream? Asked only after `ending`."""

    def read(self, at_s: float, message: bytes) -> Told | None:
        """What a message says, if it says anything of the text.

        Raises:
            ValueError: it is an error, or its text is not of the measured model.
        """


@dataclass(frozen=True, slots=True)
class SisWire:
    """Ours: continuous mode, int16, partials on, sentences as long as can be asked for, everything
    else as it is by default.

    A segment begins with its first word, and that word tells its frame: so its time says where
    decoding began.
    """

    server: str
    """As ws://host:port."""
    language: str = "english_16k_common"

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
                interim_results=True,
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
        return sound_frame(samples.astype("<i2").tobytes())

    def is_over(self, message: bytes) -> bool:
        return isinstance(decode_server(message.decode()), Ended | Error)

    def read(self, at_s: float, message: bytes) -> Told | None:
        match decode_server(message.decode()):
            case Result(segments=(segment,)):
                frames = clock.frames(segment.text)
                if not frames:
                    return None
                first_sample = segment.start_time * clock.SAMPLE_RATE // 1000
                begins_at = first_sample - frames[0] * clock.FRAME_SAMPLES
                return Told(at_s, begins_at, frames, is_final=segment.is_final)
            case Ended():
                return Told(at_s, 0, (), is_final=True, is_over=True)
            case Error() as error:
                raise ValueError(f"{error.error_code}: {error.error_msg}")
            case _:
                return None


@dataclass(frozen=True, slots=True)
class SherpaWire:
    """The peer's own: float32 in, a JSON object out after each step, "Done" and "Done!".

    It decodes a stream from its first sample on, and its endpoints do not start the count anew.
    """

    server: str

    @property
    def url(self) -> str:
        return self.server

    @property
    def opening(self) -> bytes | None:
        return None

    @property
    def ending(self) -> bytes:
        return text_frame("Done")

    def sound(self, samples: Samples) -> bytes:
        return binary_frame((samples / np.float32(32768)).astype("<f4").tobytes())

    def is_over(self, message: bytes) -> bool:
        return message == b"Done!"

    def read(self, at_s: float, message: bytes) -> Told | None:
        if self.is_over(message):
            return None
        body: dict[str, Any] = json.loads(message)
        frames = clock.frames(body["text"])
        return Told(at_s, 0, frames, is_final=body["is_final"], is_over=body["is_eof"])
