"""What the parts of a running server share. It is built once, at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from decoder.alignment import LANGUAGES
from rasr.captions import Broadcaster
from rasr.media import AudioFiles
from rasr.models.languages import Language
from rasr.recordings.reading import RecordingReader
from rasr.runtime.alignment import Aligners
from rasr.runtime.recognizer import Recognizer
from rasr.scheduling import Scheduler
from rasr.server.access import Authoriser
from rasr.server.admission import Admission
from rasr.server.auth.authenticator import Authenticator
from rasr.server.channels.directory import ChannelDirectory
from rasr.server.engines import PropertyTable
from rasr.server.jobs.desk import Jobs
from rasr.server.jobs.uploads import Uploads
from rasr.server.neighbours import Neighbours
from rasr.server.ops.capacity import Capacities
from rasr.server.ops.history import History
from rasr.server.ops.interfaces import InterfaceStatistics
from rasr.server.ops.statistics import ServerStatistics
from rasr.server.origins import OriginRule
from rasr.server.recordings import Recordings
from rasr.server.speech import Speech
from rasr.server.ws.connections import Connections
from rasr.settings import Settings
from rasr.store.on_demand import StoreOnDemand
from rasr.usage.meter import Meter


@dataclass(frozen=True, slots=True)
class ServerState:
    """One server."""

    settings: Settings
    schedulers: Mapping[str, Scheduler]
    """By the names of their engines."""
    properties: PropertyTable
    at_hand: Mapping[str, Language]
    """Languages that could be served here, once their models are fetched, by their names."""
    admission: Admission
    captions: Broadcaster
    channels: ChannelDirectory
    aligners: Aligners | None
    """None where no words are aligned."""
    capacities: Capacities
    statistics: ServerStatistics
    interfaces: InterfaceStatistics
    history: History
    meter: Meter
    connections: Connections
    neighbours: Neighbours
    recognizer: Recognizer
    authoriser: Authoriser
    audio_files: AudioFiles
    recordings: Recordings | None
    """None where they have no folder to lie in."""
    reader: RecordingReader
    jobs: Jobs
    uploads: Uploads
    authenticator: Authenticator
    speech: Speech
    store: StoreOnDemand | None
    """Where keys, hot words and usage are kept; None: nowhere."""
    names_are_ours: bool
    """See `rasr.server.origins.OriginRule`."""

    @property
    def origins(self) -> OriginRule:
        """Whose pages may use the server."""
        listed = self.settings.server.allowed_origins
        return OriginRule.of(listed, names_are_ours=self.names_are_ours)

    def aligns(self, language: str) -> bool:
        """True if words of this language get their times where an engine only guesses them."""
        return self.aligners is not None and language in LANGUAGES
