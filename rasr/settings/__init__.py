"""The settings of a server: one frozen tree, each leaf with its unit, its range and its meaning.

Values only. Where they come from (defaults, file, environment, flags) is `rasr.configuration`.
0 means "chosen for this machine" where a field says so.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rasr.settings.accounts import AuthSettings, OidcSettings, StoreSettings
from rasr.settings.jobs import JobSettings
from rasr.settings.recognition import (
    DecodingSettings,
    EngineSettings,
    ModelSettings,
    PropertySettings,
    Served,
    TextSettings,
    VadSettings,
    final_engine,
    language_of,
    live_engine,
    served_engines,
)
from rasr.settings.recordings import BucketSettings, RecordingSettings, WordListSettings
from rasr.settings.replicas import ReplicaSettings
from rasr.settings.section import Secret, Section, Texts
from rasr.settings.server import (
    CapacitySettings,
    CaptionSettings,
    LogFormat,
    LogLevel,
    ServerSettings,
    SessionSettings,
)
from rasr.settings.synthesis import SynthesisSettings, VoiceFolderSettings
from rasr.settings.telemetry import MetricsSettings, TracingSettings

__all__ = [
    "AuthSettings",
    "BucketSettings",
    "CapacitySettings",
    "CaptionSettings",
    "DecodingSettings",
    "EngineSettings",
    "JobSettings",
    "LogFormat",
    "LogLevel",
    "MetricsSettings",
    "ModelSettings",
    "OidcSettings",
    "PropertySettings",
    "RecordingSettings",
    "ReplicaSettings",
    "Secret",
    "Served",
    "ServerSettings",
    "SessionSettings",
    "Settings",
    "StoreSettings",
    "SynthesisSettings",
    "TextSettings",
    "TracingSettings",
    "VadSettings",
    "VoiceFolderSettings",
    "WordListSettings",
    "final_engine",
    "language_of",
    "live_engine",
    "served_engines",
]


def _default_properties() -> dict[str, Served]:
    return {"english": "pocketsphinx"}


class Settings(Section):
    """All settings of a server."""

    server: ServerSettings = Field(default_factory=ServerSettings)
    replicas: ReplicaSettings = Field(default_factory=ReplicaSettings)
    session: SessionSettings = Field(default_factory=SessionSettings)
    vad: VadSettings = Field(default_factory=VadSettings)
    decoding: DecodingSettings = Field(default_factory=DecodingSettings)
    capacity: CapacitySettings = Field(default_factory=CapacitySettings)
    auth: AuthSettings = Field(default_factory=AuthSettings)
    oidc: OidcSettings = Field(default_factory=OidcSettings)
    text: TextSettings = Field(default_factory=TextSettings)
    synthesis: SynthesisSettings = Field(default_factory=SynthesisSettings)
    captions: CaptionSettings = Field(default_factory=CaptionSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    tracing: TracingSettings = Field(default_factory=TracingSettings)
    recordings: RecordingSettings = Field(default_factory=RecordingSettings)
    jobs: JobSettings = Field(default_factory=JobSettings)
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
