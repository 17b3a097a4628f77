"""A frame of the client as an input of the state table, and the fault that answers it where it is
out of order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from rasr.wire.dialect import Acknowledged, Cancel, Feed, TakeUp
from rasr.wire.sis.codec import decode_client
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.messages import Acknowledge, End, Resume, Start, StartConfig
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
    token: str = ""
    """Of RESUME."""
    seq: int = 0
    """Of RESUME and ACK."""
    broken: ProtocolError | None = None
    """Why the frame is not valid, whatever the state."""

    def effect(self) -> Feed | Cancel | Acknowledged | TakeUp:
        """What is done about an input that is passed on as it is."""
        match self.input:
            case Input.CANCEL:
                return Cancel()
            case Input.ACK:
                return Acknowledged(self.seq)
            case Input.RESUME:
                return TakeUp(self.token, self.seq)
            case _:
                return Feed(self.data)

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
        if self.input is Input.RESUME:
            return ProtocolError(
                ErrorCode.INVALID,
                "'command' is invalid: RESUME came in the middle of a round; allowed: on a "
                "connection without one",
            )
        if self.input is Input.ACK:
            return ProtocolError(
                ErrorCode.INVALID,
                "'command' is invalid: ACK came where messages have no numbers; allowed: in rounds "
                "that were started with 'resume'",
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
        case Resume():
            return Received(Input.RESUME, token=message.token, seq=message.seq)
        case Acknowledge():
            return Received(Input.ACK, seq=message.seq)
        case _:
            assert_never(message)
