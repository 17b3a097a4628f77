"""Load clients in processes of their own, and the server watched meanwhile.

Every process puts its share of a load on the server (`bench.speaking`); what they tell is merged.
This process only waits and reads the server's use of the machine twice a second.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import numpy as np
import psutil

from bench.outcome import Outcome, merged
from bench.progress import Tracker
from bench.server import MeasuredServer, Usage
from bench.speaking import get_ready, put_on
from bench.talkers import Load, Share

CLIENTS_PER_PROCESS = 150
"""A client takes about 0.1 % of a core at 3 GHz; far below a core, so that it sends in time."""
_TICK_S = 0.5
_LEAD_S = 1.0


class Clients:
    """Processes that are started when they are needed and then kept."""

    def __init__(self, stack: ExitStack, tracker: Tracker, processes: int | None) -> None:
        self._stack = stack
        self._tracker = tracker
        self._processes = processes
        self._started: list[ProcessPoolExecutor] = []

    def processes_for(self, clients: int) -> int:
        return min(self._processes or -(-clients // CLIENTS_PER_PROCESS), clients)

    def put_on(self, load: Load, what: str, server: MeasuredServer | None) -> Outcome:
        """Put a load on a server and wait until it is over.

        Args:
            what: is said while it runs.
            server: whose use of the machine is measured, if it is on this one.
        """
        count = self.processes_for(load.clients)
        while len(self._started) < count:
            # Spawned: no thread and no memory of this process is in it.
            spawn = multiprocessing.get_context("spawn")
            self._started.append(
                self._stack.enter_context(ProcessPoolExecutor(1, mp_context=spawn))
            )
        chosen = self._started[:count]
        for ready in [one.submit(get_ready, load.source) for one in chosen]:
            ready.result()
        began_s = time.monotonic() + _LEAD_S
        self._tracker.step(what, load.whole_s)
        parts = [
            one.submit(put_on, load, Share(number, count), began_s)
            for number, one in enumerate(chosen)
        ]
        watch = _Watch(server)
        running: set[Future[Outcome]] = set(parts)
        while running:
            watch.look()
            self._tracker.at(time.monotonic() - began_s)
            running = wait(running, timeout=_TICK_S).not_done
        outcome = merged([one.result() for one in parts])
        return watch.told_of(outcome)


class _Watch:
    """What a server takes, over time."""

    def __init__(self, server: MeasuredServer | None) -> None:
        self._server = server
        self._seen: list[tuple[float, Usage]] = []

    def look(self) -> None:
        if self._server is not None:
            try:
                self._seen.append((time.monotonic(), self._server.usage()))
            except psutil.Error:
                # It died; its clients tell.
                self._server = None

    def told_of(self, outcome: Outcome) -> Outcome:
        if not self._seen:
            return outcome
        window = outcome.window
        times = [at_s for at_s, _ in self._seen]
        cpu_s = [usage.cpu_s for _, usage in self._seen]
        before, after = np.interp([window.start_s, window.end_s], times, cpu_s)
        return replace(
            outcome,
            server_cpu=float(after - before) / (window.end_s - window.start_s),
            server_bytes=max(usage.tree_rss_bytes for _, usage in self._seen),
        )


@contextmanager
def load_clients(tracker: Tracker, processes: int | None = None) -> Iterator[Clients]:
    """
    Args:
        processes: so many for each load; None: one for each `CLIENTS_PER_PROCESS` clients.
    """
    with ExitStack() as stack:
        yield Clients(stack, tracker, processes)
