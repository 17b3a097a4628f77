"""Settings of jobs on recording files: how many at once, whose first, how long they are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rasr.settings.section import MANY, Section


class JobSettings(Section):
    """Jobs on recording files."""

    at_once: Annotated[
        int,
        Field(
            ge=0,
            le=MANY,
            description="recordings that this server transcribes at the same time; 0 = none, it "
            "only takes jobs and tells of them",
        ),
    ] = 2
    per_project: Annotated[
        int,
        Field(ge=1, le=MANY, description="jobs of a project that wait or run; more are refused"),
    ] = 5000
    max_audio_s: Annotated[
        float, Field(gt=0, description="longest recording, seconds of audio")
    ] = 18_000.0
    timeout_s: Annotated[
        float, Field(gt=0, description="a job that is not done so long after it came has failed, s")
    ] = 21_600.0
    kept_s: Annotated[
        float, Field(gt=0, description="a job is forgotten so long after its end, s")
    ] = 259_200.0
    same_s: Annotated[
        float,
        Field(
            ge=0,
            description="a request that comes again within this time, word for word, is answered "
            "with the job that it has begun, as clients send again what got no answer, s",
        ),
    ] = 60.0
    priorities: Annotated[
        dict[str, Annotated[int, Field(ge=1, le=100)]],
        Field(
            description="share of a project, by its id, where several wait: 2 is served twice as "
            "often as 1, which all others have"
        ),
    ] = Field(default_factory=dict)
