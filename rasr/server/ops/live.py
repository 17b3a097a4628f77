"""How full a server is now, and the others with which it is one: each says so as often as it says
that it lives, so nobody is asked and nobody is waited for."""

from __future__ import annotations

from collections.abc import Sequence

from rasr.server.neighbours import LiveNumbers
from rasr.server.ops.health import occupancy
from rasr.server.state import ServerState

_ADDED = ("rounds", "held", "connections", "max_connections", "texts", "channels", "viewers")


def live_numbers(state: ServerState) -> LiveNumbers:
    """Of this server, now."""
    now = occupancy(state)
    return LiveNumbers(
        rounds=now.rounds,
        max_rounds=now.max_rounds,
        held=state.connections.rounds.held,
        connections=state.connections.count,
        max_connections=state.settings.server.max_connections,
        texts=state.speech.open_texts,
        channels=state.captions.channels,
        viewers=state.captions.viewers,
        status=now.status,
        load=now.load,
    )


def live_report(state: ServerState) -> dict[str, object]:
    """All servers that are one, each on its own and together, as JSON has it. Of those that say
    nothing it tells so, and they are no part of the sum."""
    own, others = live_numbers(state), sorted(state.neighbours.known.items())
    heard = [
        own,
        *(one.numbers for _, one in others if one.numbers is not None and not one.silent_s),
    ]
    this = _shown(state.connections.rounds.replica, own, is_this=True)
    return {
        "total": _together(heard),
        "replicas": [
            this,
            *(_shown(name, one.numbers, silent_s=one.silent_s) for name, one in others),
        ],
    }


def _shown(
    name: str, numbers: LiveNumbers | None, *, is_this: bool = False, silent_s: float = 0.0
) -> dict[str, object]:
    told = {} if numbers is None else numbers.model_dump()
    answers = numbers is not None and not silent_s
    return {"replica": name, "this": is_this, "answers": answers, "silent_s": silent_s} | told


def _together(heard: Sequence[LiveNumbers]) -> dict[str, int | None]:
    rounds = [one.max_rounds for one in heard]
    bounded = [one for one in rounds if one is not None]
    return {
        **{name: sum(getattr(one, name) for one in heard) for name in _ADDED},
        "max_rounds": sum(bounded) if len(bounded) == len(rounds) else None,
        "replicas": len(heard),
    }
