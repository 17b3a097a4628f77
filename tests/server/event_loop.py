"""Who holds the event loop, and for how long."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

MOST_HELD_MS = 50.0
"""Of the processor's time by one callback: longer, and other clients are kept waiting."""


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[float, str]]]:
    """The processor's time of every callback of the loop, ms, and what it was."""
    held: list[tuple[float, str]] = []
    run = asyncio.events.Handle._run

    def timed(handle: asyncio.events.Handle) -> None:
        began = time.thread_time()
        run(handle)
        held.append(((time.thread_time() - began) * 1000, repr(handle)))

    with _patched(monkeypatch, asyncio.events.Handle, "_run", timed):
        yield held


@contextmanager
def watched_turns(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The processor's time of every turn of the loop, ms: of all callbacks that were ready."""
    turns: list[float] = []
    run_once = asyncio.BaseEventLoop._run_once  # type: ignore[attr-defined]

    def timed(loop: asyncio.BaseEventLoop) -> None:
        began = time.thread_time()
        run_once(loop)
        turns.append((time.thread_time() - began) * 1000)

    with _patched(monkeypatch, asyncio.BaseEventLoop, "_run_once", timed):
        yield turns


@contextmanager
def _patched(
    monkeypatch: pytest.MonkeyPatch, where: type, name: str, timed: Callable[..., None]
) -> Iterator[None]:
    # What other tests have left is nothing that the garbage collector has to look through.
    gc.freeze()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(where, name, timed)
            yield
    finally:
        gc.unfreeze()
