"""Settings of the server: its socket, its connections, and how many it serves."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rasr.settings.section import MANY, Section, Texts

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["people", "json"]


class ServerSettings(Section):
    """The socket and the process."""

    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="port; 0 = any free one")] = 8765
    allowed_origins: Annotated[
        Texts,
        Field(
            description="web pages that may use the server besides its own, by their origins; "
            "* = all"
        ),
    ] = ()
    tls_cert: Annotated[
        str,
        Field(
            description="file of the certificate, with those between it and its authority behind "
            "it (PEM); with one the server speaks https and wss alone"
        ),
    ] = ""
    tls_key: Annotated[str, Field(description="file of the certificate's private key (PEM)")] = ""
    trusted_proxies: Annotated[
        Texts,
        Field(
            description="addresses and networks of proxies, whose X-Forwarded-For and "
            "X-Forwarded-Proto are believed"
        ),
    ] = ("127.0.0.0/8", "::1")
    log_level: Annotated[LogLevel, Field(description="least severe log line that is written")] = (
        "info"
    )
    log_format: Annotated[
        LogFormat, Field(description="log lines to be read by people, or one JSON object a line")
    ] = "people"
    max_connections: Annotated[
        int,
        Field(ge=1, le=MANY, description="open connections; one more is refused at the handshake"),
    ] = 4096
    connections_per_address: Annotated[
        int,
        Field(
            ge=0,
            le=MANY,
            description="connections of one address, counted from the moment they are accepted; "
            "0 = no bound; behind a proxy all are of the proxy",
        ),
    ] = 0
    send_timeout_s: Annotated[
        float, Field(gt=0, description="a client that reads nothing for so long is dropped, s")
    ] = 20.0
    drain_s: Annotated[
        float, Field(ge=0, description="time for open sessions to get their finals at shutdown, s")
    ] = 30.0


class SessionSettings(Section):
    """Limits of one connection."""

    idle_s: Annotated[
        float, Field(gt=0, description="silence of the client that ends the connection, s")
    ] = 20.0
    connection_s: Annotated[float, Field(gt=0, description="longest life of a connection, s")] = (
        18000.0
    )
    resume_s: Annotated[
        float,
        Field(
            ge=0,
            le=3600,
            description="a round that asked for `resume` is held for so long without a connection, "
            "s; 0 = not at all",
        ),
    ] = 30.0
    max_message_bytes: Annotated[
        int, Field(ge=320, le=16 << 20, description="longest binary message, bytes")
    ] = 1 << 20
    strict_audio_limit: Annotated[
        bool,
        Field(description="past a mode's audio limit send ERROR SIS.0309, not EXCEEDED_AUDIO"),
    ] = False
    warnings: Annotated[
        bool, Field(description="send EVENT WARNING when the audio is very likely wrong")
    ] = True
    answer_timeout_s: Annotated[
        float,
        Field(
            gt=0,
            description="silence of the engine that ends a recognition that is waited for, s",
        ),
    ] = 120.0
    backlog_s: Annotated[
        float,
        Field(gt=0, description="undecoded audio past which messages are taken slowly, s of audio"),
    ] = 60.0


class CapacitySettings(Section):
    """Who is admitted, beyond what `decoding.max_rounds` counts."""

    max_load: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="predicted share of the machine past which a START gets SIS.0312; 0 = no "
            "bound, and no calibration at start",
        ),
    ] = 0.85
    rounds_per_project: Annotated[
        int,
        Field(
            ge=0, le=MANY, description="recognitions open at once for one project_id; 0 = no bound"
        ),
    ] = 0
    rounds_per_address: Annotated[
        int,
        Field(
            ge=0, le=MANY, description="recognitions open at once from one address; 0 = no bound"
        ),
    ] = 0


class CaptionSettings(Section):
    """Channels of live captions and their viewers."""

    grace_s: Annotated[
        float, Field(ge=0, description="a channel is kept for so long after its recognition, s")
    ] = 300.0
    history_cues: Annotated[
        int,
        Field(
            ge=1,
            le=MANY,
            description="final cues kept for each channel; older ones are forgotten",
        ),
    ] = 10_000
    max_viewers: Annotated[
        int, Field(ge=1, le=MANY, description="viewers of all channels; one more gets HTTP 503")
    ] = 2000
    max_channels: Annotated[
        int,
        Field(ge=1, le=MANY, description="channels at once; a START for one more gets SIS.0312"),
    ] = 64
