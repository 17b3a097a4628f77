"""Settings of servers that stand behind one balancer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rasr.settings.section import Section


class ReplicaSettings(Section):
    """This server as one of several that serve the same clients."""

    address: Annotated[
        str,
        Field(
            max_length=255,
            description="where the other replicas reach this one, ws://host:port, so that clients "
            "which come to them go on with rounds of this one and viewers see its captions; "
            "empty = they do not",
        ),
    ] = ""
    finish_s: Annotated[
        float,
        Field(
            ge=0,
            le=86400,
            description="at shutdown others take over: rounds that survive their connection are "
            "sent to them, all others may end by themselves for so long, s; 0 = there are none",
        ),
    ] = 0.0
