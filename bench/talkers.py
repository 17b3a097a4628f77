"""What is put on a server: how many talk how long, who says what from when on.

Pure, and planned beforehand: load is open loop, whatever the server does. `bench.speaking` does it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from bench.corpus import WITHOUT_PAUSES, Source
from bench.script import Script, Sound
from bench.sound import Talk
from bench.wires import Wire

CHUNK_S = 0.1
DRAIN_S = 15.0
"""How long after the last sound a stream's end is waited for."""
_LEAST_PHASE_S = 1.0
_PHASE_SHARE = 0.8
"""Of the warm-up: streams begin at random within it. So they are in any phase of a chunk and of a
step, and what a server does from time to time (20 s or 30 s of speech without a pause are cut by
force) does not come to all clients at once."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is put on a server."""

    wire: Wire
    talk: Talk
    clients: int
    warm_s: float
    window_s: float
    turn_s: tuple[float, float] | None = None
    """Each client's streams are so long, one right after the other; None: one for all the time."""
    seed: int = 1
    source: Source = WITHOUT_PAUSES
    tells_steps: bool = False
    """The server runs the measured model, whose words say which step they are of."""

    @property
    def whole_s(self) -> float:
        return self.warm_s + self.window_s

    @property
    def longest_s(self) -> float:
        """From its beginning to when the last stream is given up."""
        return self.whole_s + max(_LEAST_PHASE_S, _PHASE_SHARE * self.warm_s) + DRAIN_S


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a load that one process puts on: every so-manieth client."""

    number: int = 0
    of: int = 1


WHOLE = Share()


@dataclass(frozen=True, slots=True)
class Stream:
    """One connection: who says what from when on, in seconds since the load began."""

    client: int
    start_s: float
    script: Script

    @property
    def chunks(self) -> tuple[int, ...]:
        return self.script.chunks


def plan(load: Load, sound: Sound, share: Share = WHOLE) -> list[Stream]:
    """Every stream of a share of a load. The same load gives the same plan."""
    streams = []
    for client in range(share.number, load.clients, share.of):
        choice = random.Random(f"{load.seed} {client}")
        start_s = choice.uniform(0, max(_LEAST_PHASE_S, _PHASE_SHARE * load.warm_s))
        chunks = round(load.whole_s / CHUNK_S)
        whole = sound.script(load.talk, load.seed * 1000 + client, chunks)
        lengths = [chunks]
        if load.turn_s is not None:
            lengths = _turns(load.turn_s, chunks, choice)
        place = 0
        for length in lengths:
            streams.append(Stream(client, start_s + place * CHUNK_S, whole.part(place, length)))
            place += length
    return streams


def _turns(turn_s: tuple[float, float], chunks: int, choice: random.Random) -> list[int]:
    lengths: list[int] = []
    # The first is cut short at random, so that clients that begin together do not end together.
    longest = choice.uniform(0.2, 1.0)
    while chunks:
        length = min(max(1, round(choice.uniform(*turn_s) * longest / CHUNK_S)), chunks)
        lengths.append(length)
        chunks -= length
        longest = 1.0
    return lengths
