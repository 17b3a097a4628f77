"""The seam between a dialect and the server that speaks it.

A dialect is a `Conversation`: pure, made for one connection. Messages, events of the recognition
and answers of the server go in by calls; what is to be done comes out as effects, which
`rasr.runtime.connection` carries out in order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from decoder import HotWord
from rasr.recognition.config import EngineChoice, RecognitionConfig
from rasr.recognition.events import RecognitionEvent

# What a conversation wants done


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message, which `Conversation.encode` turns into a frame when its turn has come."""

    message: object
    replaceable: bool = False
    """A message that `replaces` may take its place, if it has not left when that comes."""
    replaces: bool = False
    """It outdates the message right before it, if that is replaceable."""
    error: str | None = None
    """The code of the error that it tells, for the statistics."""
    fatal: bool = False
    """The error ends the connection."""


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Ask whether a recognition may begin. Messages that come meanwhile are kept by the server.

    The answer is `Conversation.granted` or `refused`.
    """

    model: str
    """The name by which the client asks for a model, such as "english_16k_common"."""
    language: str
    """Its English name in small letters: "english", "chinese", …"""
    sample_rate: int
    """Hz of the audio that the client has."""
    hot_words: tuple[str, ...] = ()
    vocabulary_id: str | None = None
    """A hot-word table of the server."""
    caption_channel: str | None = None
    """Publish what is recognised to the viewers of this channel."""
    detects_language: bool = False
    """The engine is to find out which language is spoken, whatever `language` says."""
    survives: bool = False
    """The recognition is to survive its connection (`Resumable`)."""
    needs_slot: bool = True
    """False where the recognition asks for its admission slot when audio comes
    (`RecognitionConfig.slot_pause_s`), and for recordings, which take none."""


@dataclass(frozen=True, slots=True)
class Open:
    """Begin the recognition that was granted. One is open at a time."""

    config: RecognitionConfig
    trace_id: str
    """Names the recognition in messages and in the log."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Audio for the open recognition."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Flush:
    """End the open segment; `Mark` comes back."""

    mark: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Forget the audio of which no final has been reported."""


@dataclass(frozen=True, slots=True)
class Finish:
    """No more audio comes; `Done` comes back."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Give up what has not been reported; `Done` comes back."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The recognition is over for the client; what is sent from now on is outside of it."""

    reason: str
    """For the log and the statistics, in the dialect's words."""
    succeeded: bool = False
    """The client is told that all went well."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the websocket with this code, after everything before it has been sent."""

    code: int
    reason: str


class ResumeWords(Protocol):
    """A dialect's words about one round that survives its connection."""

    def numbered(self, text: str, number: int) -> str:
        """A message of the round with its number."""

    def received(self, audio_bytes: int, settled_sample: int | None) -> str:
        """So much audio has come.

        Args:
            settled_sample: all before it has been told, or was silence; None: nobody can say.
        """

    def resumed(self, audio_bytes: int, *, ended: bool) -> str:
        """The round goes on on this connection, behind so much audio; `ended`: no more comes."""


@dataclass(frozen=True, slots=True)
class Resumable:
    """What is sent from now on, until `Ended`, belongs to a round that survives its connection.

    It comes before the message that tells the client the token.
    """

    token: str = field(repr=False)
    words: ResumeWords


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The client has got the messages of its round up to this number."""

    number: int


@dataclass(frozen=True, slots=True)
class TakeUp:
    """Go on here with a round that has lost its connection. Where that is possible the socket is
    that round's, and to this conversation gone; else the answer is `Conversation.not_taken_up`."""

    token: str = field(repr=False)
    number: int
    """The client has got its messages up to this one."""


Effect = (
    Send
    | AccessRequest
    | Open
    | Feed
    | Flush
    | Drop
    | Finish
    | Cancel
    | Ended
    | Close
    | Resumable
    | Acknowledged
    | TakeUp
)


# What the server answers


@dataclass(frozen=True, slots=True)
class Grant:
    """The recognition may begin."""

    engine: EngineChoice
    hot_words: tuple[HotWord, ...] = ()
    """Those asked for and those of the vocabulary, each once."""


class RefusalKind(StrEnum):
    """Why a recognition may not begin."""

    LANGUAGE = "language"
    """No engine serves the language. The detail names those served, and how this one is added."""
    DETECTION = "detection"
    """No engine finds out which language is spoken. The detail says how one is added."""
    VOCABULARY = "vocabulary"
    """There is no vocabulary of this id."""
    CHANNEL_BUSY = "channel_busy"
    """Another recognition publishes to the caption channel."""
    CHANNELS_FULL = "channels_full"
    """There is no room for another caption channel. The detail is a sentence with the numbers."""
    UNAVAILABLE = "unavailable"
    """Whether it may could not be found out in time."""
    CAPACITY = "capacity"
    """The server is full. The detail is a sentence with the numbers."""
    QUOTA = "quota"
    """What the caller may use is used up. The detail is a sentence with the numbers."""
    FROZEN = "frozen"
    """The caller may use nothing now. The detail is a sentence."""
    STORE_DOWN = "store_down"
    """What the caller may do, what he has used, or the hot words, cannot be read now."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The recognition may not begin."""

    kind: RefusalKind
    detail: str = ""


class Farewell(StrEnum):
    """Why the server ends a connection in order; the value is a sentence for the peer."""

    SHUTDOWN = "the server is shutting down"
    RETIREMENT = "the server takes no more rounds, as others do"
    """What is open ends by itself."""
    NOT_KNOWN = "the credentials of this connection count no more"


class Conversation(Protocol):
    """One connection's side of a dialect. No call raises for what a peer did.

    Calls that depend on time are told `now`, seconds of any monotonic clock.
    """

    def receive(self, message: str | bytes, *, now: float) -> None:
        """A text or binary frame."""

    def heard(self, *, now: float) -> None:
        """What the peer has sent is still being taken, slowly: it is not silent."""

    def granted(self, grant: Grant, *, now: float) -> None:
        """The answer to an `AccessRequest`."""

    def refused(self, refusal: Refusal, *, now: float) -> None:
        """The other answer to an `AccessRequest`."""

    def not_taken_up(self) -> None:
        """The answer to a `TakeUp` that cannot be. Why is nobody's business but the server's."""

    def event(self, event: RecognitionEvent, *, now: float) -> None:
        """The open recognition reports something."""

    def receive_eof(self) -> None:
        """The peer is gone, with or without a closing handshake."""

    def shut_down(self, farewell: Farewell = Farewell.SHUTDOWN) -> None:
        """The server ends the connection: finish what is open, or let it end by itself where the
        server retires; then close."""

    def cut_off(self) -> None:
        """The time to shut down is over: close, whatever is not finished."""

    def break_off(self) -> None:
        """The server itself failed this connection: say so, close."""

    def deadline(self) -> float | None:
        """When `advance` is to be called, on the clock of `now`; None for never."""

    def advance(self, *, now: float) -> None:
        """Let time pass. It does nothing before `deadline`."""

    def effects(self) -> list[Effect]:
        """What is to be done since the last call, in order."""

    def encode(self, message: object) -> str | bytes:
        """The frame of a message that was sent by `Send`."""
