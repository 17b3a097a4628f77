"""Rounds that survive their connection: who may go on with which, and what became of them.

docs/adr/0022 says why it is so.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from rasr.identity.principals import project_of
from rasr.runtime.line import Line
from rasr.server.admission import Party
from rasr.wire.sis.modes import Mode
from rasr.wire.sis.resuming import is_end

_log = structlog.get_logger("rasr.session")

_TOKEN_BYTES = 32
_REPLICA_BYTES = 6


@dataclass(frozen=True, slots=True)
class _Entry:
    token: str
    owner: tuple[str, str, Mode]
    line: Line


class HeldRounds:
    """Those of one server."""

    def __init__(self, grace_s: float) -> None:
        """
        Args:
            grace_s: for so long a round is held without a connection; 0: not at all.
        """
        self.grace_s = grace_s
        self._entries: dict[bytes, _Entry] = {}
        """By digests: how long it takes to look for one says nothing about those that are there."""
        self.replica = secrets.token_hex(_REPLICA_BYTES)
        """The name of this server, another one at each start."""
        self.elsewhere: Mapping[str, str] = {}
        """Where other replicas are, by their names."""
        self.resumed = 0
        """So often a client came back to its round."""
        self.lost = 0
        """Rounds to which nobody came back in time."""

    @property
    def held(self) -> int:
        """Rounds whose client is away."""
        return sum(one.line.is_away for one in self._entries.values())

    def new_token(self) -> str:
        """A token that nobody can guess. It begins with a name of this server, which is no secret:
        whoever gets a foreign one can say whose it is."""
        return f"{self.replica}.{secrets.token_urlsafe(_TOKEN_BYTES)}"

    def address_of(self, token: str) -> str | None:
        """Where the replica is that has given out a token; None where it is not known, or ours."""
        return self.elsewhere.get(token.partition(".")[0])

    def book(self, party: Party, mode: Mode, session: int) -> RoundBook | None:
        """Of one connection; None where no round is held.

        Args:
            session: its number, for the log.
        """
        return RoundBook(self, party, mode, session) if self.grace_s else None

    def enter(self, entry: _Entry) -> None:
        """A round can be gone on with."""
        self._entries[_digest(entry.token)] = entry

    def find(self, token: str) -> _Entry | None:
        """The round of a token."""
        entry = self._entries.get(_digest(token))
        if entry is None or not hmac.compare_digest(entry.token.encode(), token.encode()):
            return None
        return entry

    def remove(self, token: str) -> None:
        """A round can be gone on with no more."""
        self._entries.pop(_digest(token), None)


class RoundBook:
    """The rounds that one client may go on with. See `rasr.runtime.line.LineBook`."""

    def __init__(self, rounds: HeldRounds, party: Party, mode: Mode, session: int) -> None:
        self._rounds = rounds
        self._mode = mode
        # Without accounts anybody can name any project; then it is the token alone that counts.
        self._owner = party.project, project_of(party.principal), mode
        self._session = session
        self.grace_s = rounds.grace_s

    def is_end(self, text: str) -> bool:
        """True if the client says with this that no more audio comes."""
        return is_end(text, self._mode)

    def enter(self, token: str, line: Line) -> None:
        """A round can be gone on with by this token, by its project on this path."""
        self._rounds.enter(_Entry(token, self._owner, line))

    def find(self, token: str) -> Line | None:
        """The line whose round this client may go on with by this token."""
        entry = self._rounds.find(token)
        return entry.line if entry is not None and entry.owner == self._owner else None

    def remove(self, token: str) -> None:
        """It can be gone on with no more."""
        self._rounds.remove(token)

    def resumed(self) -> None:
        """A client has come back to a round."""
        self._rounds.resumed += 1
        _log.info("round_resumed", session=self._session)

    def lost(self) -> None:
        """Nobody came back to a round within the grace."""
        self._rounds.lost += 1
        _log.info("round_lost", session=self._session)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
