"""How a recognition ends for its client: what is said last, and whether the socket is closed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rasr.wire.dialect import Close
from rasr.wire.sis.errors import ProtocolError
from rasr.wire.sis.messages import Ended, EndReason, Error


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
