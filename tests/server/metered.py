"""A meter that writes down what it is told."""

from __future__ import annotations

from dataclasses import dataclass, field

from rasr.identity.principals import Principal
from rasr.server.service import Service
from rasr.usage.meter import Charge, UsageRefused
from rasr.usage.services import Service as Kind


@dataclass
class Metered:
    """See `rasr.usage.meter.Meter`."""

    refuses: UsageRefused | None = None
    checked: list[tuple[Principal | None, Kind]] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)

    async def check(self, principal: Principal | None, service: Kind) -> None:
        self.checked.append((principal, service))
        if self.refuses is not None:
            raise self.refuses

    def charge(self, charge: Charge) -> None:
        self.charges.append(charge)


def metered(service: Service, meter: Metered) -> Metered:
    """Let the calls of a server over HTTP, and its texts, be metered by it."""
    object.__setattr__(service.state, "meter", meter)
    return meter
