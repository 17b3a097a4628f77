"""What servers that are one tell each other of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_Count = Annotated[int, Field(ge=0)]


class LiveNumbers(BaseModel):
    """Of one server, or of several together."""

    model_config = ConfigDict(frozen=True, strict=True)

    rounds: _Count
    """Open ones."""
    max_rounds: _Count | None
    """None where no count bounds them."""
    held: _Count
    """Those of the rounds that have lost their connection."""
    connections: _Count
    max_connections: _Count
    texts: _Count
    """That are being spoken."""
    channels: _Count
    """Of captions."""
    viewers: _Count
    status: str = ""
    """As `/readyz` says it; empty for several."""
    load: Annotated[float, Field(ge=0)] | None = None
    """Of the machine; None where it is not measured, and for several."""

    @classmethod
    def read(cls, told: Mapping[str, object] | None) -> LiveNumbers | None:
        """What another server has told; None where it has told nothing that is understood here, as
        one of another version may."""
        try:
            return None if told is None else cls.model_validate(told)
        except ValidationError:
            return None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another one of the servers, as it was heard last."""

    address: str
    """Where it can be reached."""
    numbers: LiveNumbers | None
    """None: it has told none."""
    silent_s: float
    """For so long it has said nothing; 0 while it says something as often as it should."""


class Neighbours:
    """The others."""

    def __init__(self) -> None:
        self.known: Mapping[str, Neighbour] = {}
        """By their names."""
