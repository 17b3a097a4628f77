"""Settings of what the server tells of itself: numbers and traces."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rasr.settings.section import Secret, Section


class MetricsSettings(Section):
    """`/metrics`, beside what the server's own port says."""

    port: Annotated[
        int,
        Field(
            ge=0,
            le=65535,
            description="port of its own for /metrics, over plain http; 0 = none, and /metrics is "
            "at the server's port alone",
        ),
    ] = 0
    host: Annotated[str, Field(description="address of that port")] = "127.0.0.1"
    token: Annotated[
        str,
        Secret(),
        Field(
            repr=False,
            description="whoever sends it as `Authorization: Bearer …` may read /metrics; the port "
            "of its own then answers nobody else; empty = none",
        ),
    ] = ""


class TracingSettings(Section):
    """Traces for a collector of OpenTelemetry."""

    endpoint: Annotated[
        str,
        Field(
            description="collector that takes OTLP over HTTP, such as http://127.0.0.1:4318; "
            "empty = no traces"
        ),
    ] = ""
    service: Annotated[
        str, Field(min_length=1, description="name of this server in the traces")
    ] = "rasr"
    sampling: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="share of the calls that are traced, where the caller has not decided it",
        ),
    ] = 1.0
