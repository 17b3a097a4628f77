"""How a recognition ends for its client: what is said last, and whether the socket is closed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from rasr.wire.dialect import Close, Farewell
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.messages import Ended, EndReason, Error
from rasr.wire.sis.states import Input

CLOSE_NORMAL = 1000
CLOSE_GOING_AWAY = 1001
CLOSE_POLICY = 1008
CLOSE_INTERNAL = 1011


@dataclass(frozen=True, slots=True)
class Ending:
    """By default a normal one."""

    reason: EndReason | None = EndReason.NORMAL
    """Of END; None where FATAL_ERROR stands in its place."""
    fault: ProtocolError | None = None
    close: Close | None = None
    """The websocket is closed behind it."""

    @property
    def name(self) -> str:
        """For the log and the statistics."""
        return self.fault.code if self.fault is not None else str(self.reason)

    def blamed_on(self, fault: ProtocolError) -> Ending:
        """The ending with this fault, unless something else has ended it already."""
        if self.fault is not None or self.reason is EndReason.CANCEL:
            return self
        return replace(self, reason=EndReason.ERROR, fault=fault)

    def messages(self, trace_id: str) -> list[Error | Ended]:
        """What is said last."""
        messages: list[Error | Ended] = []
        if self.fault is not None:
            fatal = self.reason is None
            messages.append(Error(trace_id, self.fault.code, self.fault.message, fatal=fatal))
        if self.reason is not None:
            messages.append(Ended(trace_id, self.reason))
        return messages


@dataclass(frozen=True, slots=True)
class Leaving:
    """How a connection ends that has no new recognition: once the open one is over."""

    input: Input
    close: Close
    fault: ProtocolError | None = None
    """FATAL_ERROR, said before it is closed."""
    waits: bool = False
    """The open recognition ends by itself."""

    @property
    def ending(self) -> Ending:
        """Of the open recognition."""
        return Ending() if self.fault is None else Ending(None, self.fault, self.close)

    @classmethod
    def of(cls, farewell: Farewell) -> Self:
        """Because the server wants it."""
        if farewell is not Farewell.NOT_KNOWN:
            waits = farewell is Farewell.RETIREMENT
            return cls(Input.LEAVE, Close(CLOSE_GOING_AWAY, farewell), waits=waits)
        fault = ProtocolError(ErrorCode.FROZEN, farewell)
        return cls(Input.NOT_KNOWN, Close(CLOSE_POLICY, farewell), fault)


# The client did nothing wrong: what it said so far is finished in the normal way.
LONGEST_LIFE = Leaving(
    Input.LEAVE, Close(CLOSE_NORMAL, "the connection has reached its longest time")
)
