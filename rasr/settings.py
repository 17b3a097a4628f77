"""The settings of a server: one frozen tree, each leaf with its unit, its range and its meaning.

Values only. Where they come from (defaults, file, environment, flags) is `rasr.configuration`.
0 means "chosen for this machine" where a field says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints

from vad.classifier import DEFAULT_AGGRESSIVENESS, DEFAULT_FRAME_MS, DEFAULT_THRESHOLD
from vad.rules import EndpointRules

_ENDPOINTING = EndpointRules()


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["people", "json"]
EngineOption = str | Annotated[int, Field(ge=-(2**63), lt=2**63)] | float | bool
"""Engines keep whole numbers in 64 bits, as TOML does; a longer one is read as a `float`, which an
engine refuses where it wants a whole number."""

_MANY = 1_000_000
"""More than any machine carries of anything that is counted here."""


class Secret:
    """Marks a setting whose value is never shown."""


Texts = Annotated[
    tuple[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)], ...],
    # TOML has lists, and a frozen tree tuples.
    Strict(False),
]


class ServerSettings(_Section):
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
        Field(ge=1, le=_MANY, description="open connections; one more is refused at the handshake"),
    ] = 4096
    connections_per_address: Annotated[
        int,
        Field(
            ge=0,
            le=_MANY,
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


class SessionSettings(_Section):
    """Limits of one connection."""

    idle_s: Annotated[
        float, Field(gt=0, description="silence of the client that ends the connection, s")
    ] = 20.0
    connection_s: Annotated[float, Field(gt=0, description="longest life of a connection, s")] = (
        18000.0
    )
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


class VadSettings(_Section):
    """Voice activity and the margins of an utterance."""

    kind: Annotated[
        Literal["gated", "webrtc", "silero"], Field(description="what tells speech from silence")
    ] = "gated"
    aggressiveness: Annotated[
        int, Field(ge=0, le=3, description="gated, webrtc: 0 hears speech most easily, 3 least")
    ] = DEFAULT_AGGRESSIVENESS
    frame_ms: Annotated[
        Literal[10, 20, 30], Field(description="gated, webrtc: length of a frame, ms")
    ] = DEFAULT_FRAME_MS
    threshold: Annotated[
        float, Field(gt=0, lt=1, description="silero: probability that counts as speech")
    ] = DEFAULT_THRESHOLD
    pre_roll_ms: Annotated[
        int, Field(ge=0, le=2000, description="audio kept before the first speech frame, ms")
    ] = _ENDPOINTING.pre_roll_ms
    post_roll_ms: Annotated[
        int, Field(ge=0, le=2000, description="audio decoded after the last speech frame, ms")
    ] = _ENDPOINTING.post_roll_ms


class DecodingSettings(_Section):
    """How the work is spread over the machine."""

    workers: Annotated[
        int, Field(ge=0, le=256, description="threads or processes for each engine; 0 = one a core")
    ] = 0
    streams_per_worker: Annotated[
        int,
        Field(ge=0, le=256, description="utterances a worker decodes by turns; 0 = by memory"),
    ] = 0
    max_rounds: Annotated[
        int,
        Field(
            ge=0,
            le=_MANY,
            description="recognitions open at once, one more gets SIS.0312; 0 = as the load "
            "allows, or without capacity.max_load one for each stream",
        ),
    ] = 0
    step_ms: Annotated[
        int, Field(ge=20, le=5000, description="most audio decoded before others get a turn, ms")
    ] = 400
    partial_ms: Annotated[
        int, Field(ge=20, le=5000, description="audio between two partial results, ms")
    ] = 200
    step_timeout_s: Annotated[
        float, Field(gt=0, description="a worker silent for so long is replaced, s")
    ] = 60.0
    load_timeout_s: Annotated[
        float,
        Field(gt=0, description="time for an engine to load at start, and again to be measured, s"),
    ] = 300.0
    final_timeout_s: Annotated[
        float,
        Field(
            gt=0,
            description="after the endpoint, time for the second pass; then the live engine's "
            "final stands, s",
        ),
    ] = 1.5


class CapacitySettings(_Section):
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
            ge=0, le=_MANY, description="recognitions open at once for one project_id; 0 = no bound"
        ),
    ] = 0
    rounds_per_address: Annotated[
        int,
        Field(
            ge=0, le=_MANY, description="recognitions open at once from one address; 0 = no bound"
        ),
    ] = 0


class AuthSettings(_Section):
    """Who may use the server."""

    kind: Annotated[
        Literal["", "accounts", "none"],
        Field(
            description="who is asked for credentials; accounts = everybody; none = nobody; empty "
            "= everybody once there is an account, and without one the server starts on loopback "
            "only"
        ),
    ] = ""
    public_hosts: Annotated[
        Texts,
        Field(
            description="names by which clients reach the server where a proxy changes Host, with "
            "the port if they write one"
        ),
    ] = ()
    requests_per_key: Annotated[
        float,
        Field(
            ge=0,
            le=_MANY,
            description="requests and handshakes a second with one key, or with all tokens of a "
            "user, with those of 10 s in a row; one more gets HTTP 429; 0 = no bound",
        ),
    ] = 0.0
    requests_per_address: Annotated[
        float,
        Field(
            ge=0,
            le=_MANY,
            description="the same of one address, or network of an IPv6 subscriber, before it is "
            "asked who it is; 0 = no bound",
        ),
    ] = 0.0
    open_metrics: Annotated[
        bool,
        Field(
            description="/metrics answers everybody; otherwise this machine, and who has the right "
            "sis:metrics:get"
        ),
    ] = False


class OidcSettings(_Section):
    """An identity provider whose tokens are good here too (OpenID Connect)."""

    issuer: Annotated[
        str, Field(description="the provider, as its tokens name it in iss; empty = none")
    ] = ""
    audience: Annotated[str, Field(description="this server, as tokens for it name it in aud")] = ""
    keys_url: Annotated[
        str,
        Field(description="address of the provider's keys (JWKS); empty = as the issuer tells it"),
    ] = ""
    project_claim: Annotated[
        str, Field(min_length=1, description="claim with the project_id, or a list of them")
    ] = "project_id"
    name_claim: Annotated[
        str, Field(min_length=1, description="claim with the name of the user")
    ] = "preferred_username"
    domain: Annotated[
        str,
        Field(
            description="domain whose users of the same name say by their policies what the "
            "provider's may do; empty = oidc.policy says it of all"
        ),
    ] = ""
    policy: Annotated[
        Literal["SIS FullAccess", "SIS ReadOnlyAccess"],
        Field(description="what users of the provider may do, without oidc.domain"),
    ] = "SIS FullAccess"


class TextSettings(_Section):
    """What is done to the text of engines."""

    punctuation: Annotated[
        dict[str, str],
        Field(
            description="punctuation model for engines without marks of their own, by language "
            "('english', 'chinese'): the path of its folder, or its name in models.folder"
        ),
    ] = Field(default_factory=dict)


class CaptionSettings(_Section):
    """Channels of live captions and their viewers."""

    grace_s: Annotated[
        float, Field(ge=0, description="a channel is kept for so long after its recognition, s")
    ] = 300.0
    history_cues: Annotated[
        int,
        Field(
            ge=1,
            le=_MANY,
            description="final cues kept for each channel; older ones are forgotten",
        ),
    ] = 10_000
    max_viewers: Annotated[
        int, Field(ge=1, le=_MANY, description="viewers of all channels; one more gets HTTP 503")
    ] = 2000
    max_channels: Annotated[
        int,
        Field(ge=1, le=_MANY, description="channels at once; a START for one more gets SIS.0312"),
    ] = 64


class StoreSettings(_Section):
    """Where accounts, hot words and usage are kept."""

    url: Annotated[
        str,
        Secret(),
        Field(
            repr=False,
            description="a file as sqlite:////absolute/path, or postgresql://user@host/database; "
            "empty = $XDG_DATA_HOME/rasr/store/store.db",
        ),
    ] = ""
    encryption_keys: Annotated[
        Texts,
        Secret(),
        Field(
            repr=False,
            description="keys of `rasr store new-key` that secrets are encrypted with, the newest "
            "first; empty = those in the file beside the SQLite file",
        ),
    ] = ()
    timeout_s: Annotated[
        float, Field(gt=0, description="longest time of one question to the database, s")
    ] = 5.0


class EngineSettings(_Section):
    """One engine: its kind and the options that its kind takes."""

    kind: Annotated[
        str,
        Field(
            description="pocketsphinx, moonshine, whisper, sherpa-onnx, sherpa-onnx-offline or fake"
        ),
    ]
    options: Annotated[
        dict[str, EngineOption], Field(description="see docs/settings.md; checked by the engine")
    ] = Field(default_factory=dict)


class PropertySettings(_Section):
    """The engines of one property, where finals have one of their own."""

    live: Annotated[
        str, Field(description="the engine, or model, that hears people while they speak")
    ]
    final: Annotated[
        str,
        Field(
            description="the engine, or model, that reads each utterance once more when it is "
            "over, for its final; empty = none does"
        ),
    ] = ""


Served = str | PropertySettings
"""What serves a property: the name of its engine, or its engines."""


def language_of(key: str) -> str:
    """The language that a key of `properties` begins with: "english" of "english_16k_common"."""
    return key.partition("_")[0]


def live_engine(served: Served) -> str:
    """The engine that hears people while they speak."""
    return served if isinstance(served, str) else served.live


def final_engine(served: Served) -> str | None:
    """The engine of the second pass, if there is one."""
    return None if isinstance(served, str) else served.final or None


def served_engines(properties: Mapping[str, Served]) -> tuple[str, ...]:
    """All engines that the properties name, each once."""
    pairs = ((live_engine(served), final_engine(served)) for served in properties.values())
    return tuple(dict.fromkeys(name for pair in pairs for name in pair if name))


def _default_properties() -> dict[str, Served]:
    return {"english": "pocketsphinx"}


class ModelSettings(_Section):
    """Where models are kept and fetched from."""

    folder: Annotated[
        str, Field(description="folder of the models; empty = $XDG_DATA_HOME/rasr/models")
    ] = ""
    mirror: Annotated[
        str,
        Field(
            description="address that has the release files by their names, tried before those "
            "of the catalogue"
        ),
    ] = ""
    hub_mirror: Annotated[
        str,
        Field(description="address that has the repositories of huggingface.co, tried before it"),
    ] = ""


class Settings(_Section):
    """All settings of a server."""

    server: ServerSettings = Field(default_factory=ServerSettings)
    session: SessionSettings = Field(default_factory=SessionSettings)
    vad: VadSettings = Field(default_factory=VadSettings)
    decoding: DecodingSettings = Field(default_factory=DecodingSettings)
    capacity: CapacitySettings = Field(default_factory=CapacitySettings)
    auth: AuthSettings = Field(default_factory=AuthSettings)
    oidc: OidcSettings = Field(default_factory=OidcSettings)
    text: TextSettings = Field(default_factory=TextSettings)
    captions: CaptionSettings = Field(default_factory=CaptionSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    models: ModelSettings = Field(default_factory=ModelSettings)
    engines: Annotated[
        dict[str, EngineSettings], Field(description="engines by a name of your own")
    ] = Field(default_factory=lambda: {"pocketsphinx": EngineSettings(kind="pocketsphinx")})
    properties: Annotated[
        dict[str, Served],
        Field(
            description="which engine serves what: a property ('english_8k_common'), a language "
            "and rate ('english_8k') or a language ('english') → a name under engines, or of an "
            "installed model, or the path of a model's folder; or a table of two, live and final"
        ),
    ] = Field(default_factory=_default_properties)
    vocabularies: Annotated[
        dict[str, Texts],
        Field(
            description="hot words, each a word or a phrase, by the id that START's vocabulary_id "
            "names"
        ),
    ] = Field(default_factory=dict)
