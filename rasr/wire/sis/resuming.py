"""Resuming in the words of SIS: what its messages look like in a round that survives its socket."""

from __future__ import annotations

from collections.abc import Callable

from rasr.audio import SAMPLE_RATE
from rasr.wire.dialect import Resumable
from rasr.wire.sis.codec import decode_client, encode_server, with_number
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.messages import AudioReceived, End, Resumed, ResumeOffer
from rasr.wire.sis.modes import Mode

_SAMPLES_PER_MS = SAMPLE_RATE // 1000

NOT_TAKEN_UP = ProtocolError(
    ErrorCode.INVALID,
    "'token' is invalid: there is no round that can be gone on with by it; allowed: the token of a "
    "round of this project and path that is held; else START",
)
"""One answer whatever is wrong, so that who guesses learns nothing."""


def is_end(text: str, mode: Mode) -> bool:
    """True if a client says with this that no more audio comes."""
    try:
        return isinstance(decode_client(text, mode), End)
    except ProtocolError:
        return False


class ResumeOffers:
    """Makes those of one server."""

    def __init__(self, new_token: Callable[[], str], grace_s: float) -> None:
        """
        Args:
            new_token: a secret that nobody can guess, another one each time.
            grace_s: for so long a round is held without a connection.
        """
        self._new_token = new_token
        self._grace_ms = round(1000 * grace_s)

    def make(self, trace_id: str) -> tuple[Resumable, ResumeOffer]:
        """For a round: what the server is to do, and what the client is told."""
        token = self._new_token()
        return Resumable(token, SisResumeWords(trace_id)), ResumeOffer(token, self._grace_ms)


class SisResumeWords:
    """Those of one round. See `rasr.wire.dialect.ResumeWords`."""

    def __init__(self, trace_id: str) -> None:
        self._trace_id = trace_id

    def numbered(self, text: str, number: int) -> str:
        """A message of the round with its number."""
        return with_number(text, number)

    def received(self, audio_bytes: int, settled_sample: int | None) -> str:
        """So much audio has come, and so much of it is settled."""
        settled_ms = None if settled_sample is None else settled_sample // _SAMPLES_PER_MS
        return encode_server(AudioReceived(self._trace_id, audio_bytes, settled_ms))

    def resumed(self, audio_bytes: int, *, ended: bool) -> str:
        """The round goes on on this connection, behind so much audio; `ended`: no more comes."""
        return encode_server(Resumed(self._trace_id, audio_bytes, ended))
