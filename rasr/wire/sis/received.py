"""A frame of the client as an input of the state table, and the fault that answers it where it is
out of order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from rasr.wire.sis.codec import decode_client
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.messages import End, Start, StartConfig
from rasr.wire.sis.modes import Mode
from rasr.wire.sis.states import Input


# Not frozen: one is made for each chunk of audio, and that takes half the time.
@dataclass(slots=True)
class Received:
    """What one frame is."""

    input: Input
    config: StartConfig | None = None
    """Of START."""
    data: bytes = b""
    """Of a binary frame."""
    broken: ProtocolError | None = None
    """Why the frame is not valid, whatever the state."""

    def fault(self) -> ProtocolError:
        """The answer where the state has no use for this input."""
        if self.broken is not None:
            return self.broken
        if self.input is Input.START:
            return ProtocolError(
                ErrorCode.INVALID,
                "'command' is invalid: START came in the middle of a round; "
                "allowed: END, and START after END was answered",
            )
        if self.input is Input.AUDIO:
            return ProtocolError(
                ErrorCode.INVALID,
                f"audio came outside of a round: {len(self.data)} bytes; allowed: a text frame "
                'with {"command":"START","config":{…}} first',
            )
        return ProtocolError(
            ErrorCode.INVALID,
            "'command' is invalid: END came outside of a round; allowed: START",
        )


def read(frame: str | bytes, mode: Mode, longest: int) -> Received:
    """What a frame is.

    Args:
        longest: bytes that a binary frame may have.
    """
    if isinstance(frame, bytes):
        if len(frame) <= longest:
            return Received(Input.AUDIO, data=frame)
        sentence = f"the binary frame is too long: {len(frame)} bytes; allowed: at most {longest}"
        return Received(Input.FAULT, broken=ProtocolError(ErrorCode.INVALID, sentence))
    try:
        message = decode_client(frame, mode)
    except ProtocolError as fault:
        return Received(Input.FAULT, broken=fault)
    match message:
        case Start():
            return Received(Input.START, config=message.config)
        case End():
            return Received(Input.CANCEL if message.cancel else Input.END)
        case _:
            assert_never(message)
