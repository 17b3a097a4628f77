"""Loops that serve everybody: an error in one round ends none of those that come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, cast

import pytest

from rasr.server.ops.dismissal import Dismissal
from rasr.server.ops.history import History
from rasr.tasks import notice_faults
from tests.runtime.virtual_loop import run


class Fault(Exception):
    """An error that nobody expects."""


class _Statistics:
    minute = 0

    def clock(self) -> float:
        return 0.0


class _Connections:
    principals = frozenset({"ann"})


class Loop(Protocol):
    def start(self) -> None: ...


def dismissal() -> tuple[Loop, str]:
    anything = cast(Any, object())
    return Dismissal(cast(Any, _Connections()), anything, lambda: 0.0), "look"


def history() -> tuple[Loop, str]:
    return History(cast(Any, _Statistics()), cast(Any, object())), "save"


@pytest.mark.parametrize("make", [dismissal, history])
def test_the_next_round_comes_after_an_error(
    make: Callable[[], tuple[Loop, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        faults: list[int] = []
        notice_faults(asyncio.get_running_loop(), lambda: faults.append(1))
        loop, method = make()
        rounds: list[object] = []
        enough = asyncio.Event()

        async def fails_once(*args: object) -> None:
            rounds.append(args)
            if len(rounds) == 1:
                raise Fault
            enough.set()

        monkeypatch.setattr(loop, method, fails_once)
        loop.start()
        async with asyncio.timeout(600):
            await enough.wait()
        assert len(faults) == 1

    run(play())
