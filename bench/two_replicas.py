"""Verb `two-replicas`: how many more conversations two replicas hold than one, a core each.

Each core is a machine of its own: a replica, and the clients that speak to it, pinned to that core.
So a conversation costs its core the same whether there is one such machine or two, and what the
second one brings less than the first is what replicas have in common: memory and its bandwidth, the
store, and whatever else runs here.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from bench.latency import percentile, ratio
from bench.load_client import UsageWatch, get_ready, put_on
from bench.load_result import Clock, LoadResult, figures, largest, merged, notes
from bench.report import Tracker, milliseconds, number, progress, report, verdict
from bench.servers import MeasuredServer, on_cores, running_server
from bench.wire_clients import SisClient
from bench.workload import CorpusChoice, Load, Share, Talk
from tools.ports import free_port

_BAR = 1.9
_LIMITS_MS = {Clock.FIRST: 1000.0, Clock.FINAL: 1000.0}
_LEAD_S = 1.0
_TICK_S = 0.5
_SETTINGS = """\
[store]
url = "sqlite:///{folder}/store/store.db"
[replicas]
address = "ws://127.0.0.1:{port}"
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A load on replicas of a core each."""

    replicas: int
    result: LoadResult

    @property
    def is_held(self) -> bool:
        """Whether it keeps to the limits."""
        return self.result.holds(_LIMITS_MS)

    @property
    def cost_ms(self) -> float:
        """Time of a core for a second of a conversation."""
        return self.result.server_cpu / self.result.clients * 1000


class Machines:
    """Cores, each of which is a machine with a replica and its clients."""

    def __init__(
        self, stack: ExitStack, tracker: Tracker, cores: Sequence[int], base: Load, more: str
    ) -> None:
        """
        Args:
            base: the load, but for its server and the number of clients.
            more: settings of each replica.
        """
        self._cores = cores
        self._base = base
        self._more = more
        self._tracker = tracker
        # Spawned: no thread and no memory of this process is in it.
        spawn = multiprocessing.get_context("spawn")
        self._clients = [
            stack.enter_context(
                ProcessPoolExecutor(
                    1, mp_context=spawn, initializer=os.sched_setaffinity, initargs=(0, {core})
                )
            )
            for core in cores
        ]
        for ready in [one.submit(get_ready, base.corpus) for one in self._clients]:
            ready.result()

    def hold(self, count: int, clients: int) -> Held:
        """Put so many clients on so many of the machines.

        Args:
            count: of machines.
            clients: in all; each machine has as many.
        """
        with self._replicas(count) as servers:
            began_s = time.monotonic() + _LEAD_S
            self._tracker.step(f"{count} replicas, {clients} conversations", self._base.whole_s)
            parts = [
                self._clients[number].submit(
                    put_on,
                    replace(self._base, wire=SisClient(server.url), clients=clients),
                    Share(number, count),
                    began_s,
                )
                for number, server in enumerate(servers)
            ]
            watches = [UsageWatch(server) for server in servers]
            running: set[Future[LoadResult]] = set(parts)
            while running:
                for watch in watches:
                    watch.look()
                self._tracker.at(time.monotonic() - began_s)
                running = wait(running, timeout=_TICK_S).not_done
            each = [
                watch.added_to(part.result()) for watch, part in zip(watches, parts, strict=True)
            ]
        held = Held(
            count,
            replace(
                merged(each),
                server_cpu=sum(one.server_cpu for one in each),
                server_bytes=sum(one.server_bytes for one in each),
            ),
        )
        self._tracker.say(
            f"{count} replicas, {clients} conversations: "
            f"{'held' if held.is_held else 'not held'}, {held.cost_ms:.1f} ms a second of each"
        )
        return held

    @contextmanager
    def _replicas(self, count: int) -> Iterator[list[MeasuredServer]]:
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            servers = []
            for core in self._cores[:count]:
                port = free_port()
                settings = _SETTINGS.format(folder=Path(folder).absolute(), port=port)
                with on_cores({core}):
                    server = running_server(
                        self._more + settings, "--port", str(port), admission=False
                    )
                    servers.append(stack.enter_context(server))
            yield servers


@click.command("two-replicas")
@click.option("--start", default=20, show_default=True, help="Conversations to look at first.")
@click.option("--each", type=int, help="Nothing is looked for: so many on each replica.")
@click.option("--window", "window_s", default=15.0, show_default=True, help="What counts, s.")
@click.option("--warm-up", "warm_s", default=6.0, show_default=True, help="What comes before, s.")
@click.option("--tries", default=2, show_default=True, help="How often a load may fail.")
@click.option("--seed", default=1, show_default=True, help="Who says what when.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Further settings of each replica.",
)
def two_replicas(
    start: int,
    each: int | None,
    window_s: float,
    warm_s: float,
    tries: int,
    seed: int,
    config: Path | None,
) -> None:
    """How many more conversations two replicas hold than one, each on a core of its own.

    The load clients of a replica are on its core too, with one as with two: a core is a machine.
    Held is as of `capacity`: nothing lost or refused, and p95 of a word to its first message, and
    of speech to its final, at most 1 s. First the most that one replica holds is looked for, then
    the most that two do, up to twice as many. Wanted: at least 1.9 times as many. The last column
    says what a second of a conversation took of a core: processor time is what others on the
    machine disturb least; with --each it alone is measured.

    \b
    python -m bench two-replicas
    python -m bench two-replicas --each 6
    """
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise click.ClickException("two replicas need two cores; here is one")
    base = Load(
        *(SisClient(""), Talk.CONVERSATION, 0, warm_s, window_s),
        seed=seed,
        corpus=CorpusChoice("en"),
    )
    more = "" if config is None else config.read_text("utf-8")
    tried: list[Held] = []
    one = two = 0

    def holds(count: int, clients: int) -> bool:
        for _ in range(tries):
            tried.append(machines.hold(count, clients))
            if tried[-1].is_held:
                return True
        return False

    with progress() as tracker, ExitStack() as stack:
        machines = Machines(stack, tracker, cores, base, more)
        if each is None:
            one = largest(lambda clients: holds(1, clients), start, 1, 2048)
            # Both have as many: an even number.
            two = one and 2 * largest(lambda half: holds(2, 2 * half), one, 1, one)
            of_one, of_two = (_cost_ms(tried, *which) for which in ((1, one), (2, two)))
        else:
            tried += [machines.hold(count, count * each) for _ in range(tries) for count in (1, 2)]
            of_one, of_two = (_cost_ms(tried, count, count * each) for count in (1, 2))
    times = ratio(two, one)
    rows = [
        ("one replica", str(one or "–"), number(of_one, ".1f"), "–", "–"),
        (
            "two replicas",
            str(two or "–"),
            number(of_two, ".1f"),
            number(times, ".2f"),
            verdict(times, least=_BAR) if each is None else "–",
        ),
        (
            "by processor time",
            "–",
            "–",
            number(2 * ratio(of_one, of_two), ".2f"),
            verdict(2 * ratio(of_one, of_two), least=_BAR),
        ),
    ]
    report(
        "two-replicas",
        ("a core each", "conversations", "ms of a core a second", "ratio", f"at least {_BAR}"),
        rows,
        notes=(*map(_told, tried), *notes([one.result for one in tried])),
        figures={
            "one": one,
            "two": two,
            "ratio": times,
            "cost_one_ms": of_one,
            "cost_two_ms": of_two,
            "loads": [
                figures(one.result) | {"replicas": one.replicas, "held": one.is_held}
                for one in tried
            ],
        },
    )


def _cost_ms(tried: Sequence[Held], replicas: int, clients: int) -> float:
    """Of a load, in the median of its tries."""
    costs = [
        one.cost_ms for one in tried if (one.replicas, one.result.clients) == (replicas, clients)
    ]
    return percentile(costs, 50)


def _told(one: Held) -> str:
    late = ", ".join(
        f"{clock} p95 {milliseconds(one.result.ms(clock, 95))} ms" for clock in _LIMITS_MS
    )
    return (
        f"{one.replicas} replicas, {one.result.clients} conversations: {late}; "
        f"{one.cost_ms:.1f} ms of a core for a second of each, its client "
        f"{one.result.client_cpu / one.result.clients * 1000:.1f} ms"
    )
