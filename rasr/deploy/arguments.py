"""What `rasr.deploy.ray` is told, and how many replicas that comes to. Needs no Ray."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

INTERVAL_S = 1.0
"""Between two reports of a replica."""


class Arguments(BaseModel):
    """What the application is told, as words `name=value` of `serve run` or `args` of its file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: Annotated[
        str, Field(description="settings file, on every node; empty = as of `rasr serve`")
    ] = ""
    min_replicas: Annotated[int, Field(ge=1, description="replicas that are always there")] = 1
    max_replicas: Annotated[int, Field(ge=1, description="replicas at most")] = 4
    rounds: Annotated[
        float, Field(gt=0, description="rounds that a replica is to have open, on average")
    ] = 16.0
    cores: Annotated[float, Field(gt=0, description="cores of a replica, as Ray reckons them")] = (
        2.0
    )
    drain_s: Annotated[
        float,
        Field(
            ge=0, description="time for calls to end at a replica that stops, then they break, s"
        ),
    ] = 600.0
    upscale_delay_s: Annotated[
        float, Field(ge=0, description="so long more are wanted before they come, s")
    ] = 5.0
    downscale_delay_s: Annotated[
        float, Field(ge=0, description="so long fewer are wanted before they go, s")
    ] = 300.0
    look_back_s: Annotated[
        float, Field(gt=INTERVAL_S, description="rounds are averaged over so long, s")
    ] = 10.0

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Arguments:
        if self.min_replicas > self.max_replicas:
            raise ValueError(
                f"min_replicas is {self.min_replicas}, more than max_replicas, {self.max_replicas}"
            )
        return self


def replicas_wanted(rounds: float, each: float) -> int:
    """How many replicas so many open rounds want, if each is to have so many."""
    return math.ceil(rounds / each)
