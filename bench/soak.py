"""Verb `soak`: does the server stay what it was when clients come and go for a long time?

What is read of it every few seconds is its own `/metrics`, so that a server at an address can be
watched as well. What the clients do is in `bench.soak_clients`. Slopes are least squares over what
follows the warm-up. Leaks are told apart from use by a level before and one after, each taken when
nobody is connected.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import click
import httpx
import numpy as np
import psutil
import uvloop
from prometheus_client.parser import text_string_to_metric_families

from bench.attack import attacker, harass
from bench.attack_clients import check_loopback
from bench.latency import percentile
from bench.model import cached
from bench.report import progress, report
from bench.servers import FAKE_ENGINE, measured_model, running_server, server_path_option
from bench.soak_clients import HEAVY, POLITE, Record, VisitContext, come_and_go, visit
from bench.target import MEASURED
from bench.workload import ContinuousCorpus

MOST_GROWTH = 1.0
"""Of the server's memory, MB a minute."""
_WARM_S = 300.0
_WARM_SHARE = 0.25
_ATTACKED_WARM_SHARE = 0.5
"""Each kind of attack leaves a high-water mark of its own, and each has to have come some times."""
_WARM_BREVITY = 0.2
_SETTLE_S = 90.0
"""Longest wait for a server that nobody uses any more; it drops the silent after 20 s."""
_LEAST_POINTS = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """The server at one moment."""

    at_s: float
    """Since the clients began to come."""
    rss_mb: float
    """Of its own process."""
    workers_mb: float
    """Of its worker processes; 0 where it has none or is not ours."""
    descriptors: int
    tasks: int
    threads: int
    sessions: int
    rounds: int
    audio_s: float
    cpu_s: float


@dataclass(slots=True)
class Timeline:
    """What was seen of a server during a soak."""

    warm_s: float
    samples: list[Sample] = field(default_factory=list)
    before: Sample | None = None
    after: Sample | None = None
    """Both when nobody was connected."""
    finals: list[tuple[float, float]] = field(default_factory=list)
    """When END was answered, in seconds since the clients began to come, and how long that took,
    s."""
    attacks: Counter[str] = field(default_factory=Counter)
    """That went on meanwhile, by their names."""

    def settled(self) -> list[Sample]:
        """Return the samples after the warm-up."""
        return [one for one in self.samples if one.at_s >= self.warm_s]

    def memory_slope(self, *, workers: bool = False) -> float:
        """Return the growth of the memory of the server, or of its workers, in MB a minute."""
        return slope(
            [(one.at_s, one.workers_mb if workers else one.rss_mb) for one in self.settled()]
        )

    def p95_by_minute(self) -> list[tuple[float, float]]:
        """Return the middle of each minute after the warm-up, and the p95 of its finals, ms."""
        minutes: dict[int, list[float]] = {}
        for at_s, took_s in self.finals:
            if at_s >= self.warm_s:
                minutes.setdefault(int(at_s // 60), []).append(took_s * 1000)
        return [
            (minute * 60 + 30.0, percentile(took, 95)) for minute, took in sorted(minutes.items())
        ]

    def ends(self) -> tuple[Sample, Sample]:
        """Return the samples before and after, once there is an after."""
        assert self.before is not None, "the soak has not begun"
        assert self.after is not None, "the soak is not over"
        return self.before, self.after

    @property
    def leaked_descriptors(self) -> int:
        """Descriptors that are open after the soak and were not before."""
        before, after = self.ends()
        return after.descriptors - before.descriptors

    @property
    def leaked_tasks(self) -> int:
        """Tasks that run after the soak and did not before."""
        before, after = self.ends()
        return after.tasks - before.tasks


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the growth a minute, by least squares over (s, value); NaN of too few points."""
    if len(points) < _LEAST_POINTS:
        return float("nan")
    at_s, values = np.array(points).T
    return float(np.polyfit(at_s / 60, values, 1)[0])


class Watch:
    """Reads the numbers of one server."""

    def __init__(self, url: str, pid: int | None) -> None:
        self._metrics = f"http://{urlsplit(url).netloc}/metrics"
        self._client = httpx.AsyncClient(timeout=30.0, trust_env=False)
        self._process = (
            None if pid is None else psutil.Process(pid)  # type: ignore[no-untyped-call]
        )
        self.began = time.monotonic()

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def sample(self) -> Sample:
        """Read the numbers of this moment.

        Raises:
            click.ClickException: the server does not tell its numbers.
        """
        numbers = await self.numbers()
        try:
            return Sample(
                at_s=time.monotonic() - self.began,
                rss_mb=numbers["process_resident_memory_bytes"] / 1e6,
                workers_mb=self._workers_mb(),
                descriptors=int(numbers["process_open_fds"]),
                tasks=int(numbers["rasr_tasks"]),
                threads=int(numbers["rasr_threads"]),
                sessions=int(numbers["rasr_sessions"]),
                rounds=int(numbers["rasr_rounds"]),
                audio_s=numbers["rasr_audio_seconds_total"],
                cpu_s=numbers["process_cpu_seconds_total"],
            )
        except KeyError as error:
            raise click.ClickException(f"{self._metrics} has no {error}: no rasr?") from error

    async def numbers(self) -> dict[str, float]:
        """Read every number of this moment, by its name; those of several engines are added up.

        Raises:
            click.ClickException: the server does not tell its numbers.
        """
        try:
            answer = (await self._client.get(self._metrics)).raise_for_status()
        except httpx.HTTPError as error:
            raise click.ClickException(
                f"{self._metrics} does not answer: {error or type(error).__name__}"
            ) from error
        numbers: dict[str, float] = {}
        for family in text_string_to_metric_families(answer.text):
            for one in family.samples:
                numbers[one.name] = numbers.get(one.name, 0.0) + one.value
        return numbers

    async def empty(self) -> Sample:
        """Return a sample as soon as nobody is connected; after a while even if somebody stays."""
        ends = time.monotonic() + _SETTLE_S
        best = await self.sample()
        while time.monotonic() < ends:
            now = await self.sample()
            # The last steps of a connection come after those of its session: two looks that agree.
            if now.sessions == 0 and (now.descriptors, now.tasks) == (best.descriptors, best.tasks):
                return now
            best = now
            await asyncio.sleep(1.0)
        return best

    def _workers_mb(self) -> float:
        if self._process is None:
            return 0.0
        total = 0
        for child in self._process.children(recursive=True):  # type: ignore[no-untyped-call]
            try:
                total += child.memory_info().rss
            except psutil.NoSuchProcess:
                pass
        return total / 1e6


async def _soak(
    context: VisitContext,
    pid: int | None,
    *,
    clients: int,
    seconds: float,
    every_s: float,
    seed: int,
    attacked: bool,
) -> Timeline:
    """Let `clients` come and go for so long, and look at the server every `every_s`.

    Args:
        attacked: one attack after the other goes on meanwhile.
    """
    timeline = Timeline(
        seconds * _ATTACKED_WARM_SHARE if attacked else min(_WARM_S, seconds * _WARM_SHARE)
    )
    watch = Watch(context.url, pid)
    try:
        # The first of everything is dearer: imports, pools, executors.
        warm = VisitContext(
            context.url, context.corpus, context.property, Record(), brevity=_WARM_BREVITY
        )
        async with asyncio.TaskGroup() as group:
            for name in POLITE:
                group.create_task(visit(warm, name, random.Random(f"warm {name}")))
        timeline.before = await watch.empty()
        watch.began = time.monotonic()
        until = watch.began + seconds
        with progress() as tracker, attacker() as process:
            if attacked:
                attacks = process.submit(harass, context.url, seconds, seed)
            tracker.step(f"{clients} clients come and go", seconds)
            async with asyncio.TaskGroup() as group:
                for client in range(clients):
                    names = POLITE if client else (*HEAVY, *POLITE[:1])
                    group.create_task(come_and_go(context, seed * 1000 + client, until, names))
                minute = 0
                while (now := time.monotonic()) < until:
                    sample = await watch.sample()
                    timeline.samples.append(sample)
                    tracker.at(sample.at_s)
                    if sample.at_s >= minute * 60:
                        tracker.say(_line(minute, sample, context.record))
                        minute += 1
                    await asyncio.sleep(min(every_s, max(0.0, until - now)))
            if attacked:
                done = await asyncio.get_running_loop().run_in_executor(None, attacks.result)
                timeline.attacks.update(done)
            tracker.step("until nobody is connected", _SETTLE_S)
            timeline.after = await watch.empty()
    finally:
        await watch.close()
    timeline.finals = [(at - watch.began, took) for at, took in context.record.finals]
    return timeline


def _line(minute: int, now: Sample, record: Record) -> str:
    return (
        f"minute {minute}: {now.rss_mb:.1f} MB, {now.descriptors} descriptors, {now.tasks} tasks, "
        f"{now.sessions} sessions, {record.visits.total()} visits, {record.faults.total()} faults"
    )


@click.command()
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=20.0,
    show_default=True,
    help="how long they come and go",
)
@click.option(
    "--clients",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="that are there at once, at most",
)
@click.option("--seed", default=1, show_default=True, help="who does what, and says what")
@click.option(
    "--every",
    "every_s",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    help="seconds between looks",
)
@click.option(
    "--brevity",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="times of speaking and waiting are multiplied by it",
)
@click.option("--url", help="a server that runs already, as ws://host:port")
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="settings of a server of our own; an empty file is the defaults",
)
@click.option(
    "--model",
    metavar="NAME",
    help="model of a server of our own, as of `rasr serve`; 'measured' is the one that "
    "`python -m bench model` makes",
)
@click.option(
    "--property",
    "property_name",
    default="english_16k_common",
    show_default=True,
    help="what is asked for",
)
@click.option(
    "--attack",
    "attacked",
    is_flag=True,
    help="besides, one attack after the other, as of the verb `attack`, from a process of its own",
)
@server_path_option
def soak(
    minutes: float,
    clients: int,
    seed: int,
    every_s: float,
    brevity: float,
    url: str | None,
    config: Path | None,
    model: str | None,
    property_name: str,
    attacked: bool,
    server_path: Path | None,
) -> None:
    """Clients come, speak, break off, reset, pause, read slowly, flood: does the server stay well?

    The server is one of our own with the fake engine, unless told otherwise. Asked of it: after the
    first five minutes (or the first quarter, if that is shorter) memory grows by less than 1 MB a
    minute; when all are gone there are as many descriptors and tasks as before they came; and every
    client got what it was to get. The process ends with 1 where one of them is not met.
    """
    if sum(one is not None for one in (url, config, model)) > 1:
        raise click.UsageError("--url, --config and --model each say which server: give one")
    if url is not None and server_path is not None:
        raise click.UsageError("--server-path is for a server of our own: leave it out, or --url")
    if attacked and url is not None:
        check_loopback(url)
    arguments: tuple[str, ...] = ()
    settings, engine = FAKE_ENGINE, "the fake engine"
    if config is not None:
        settings, engine = config.read_text(encoding="utf-8"), str(config)
    elif model == MEASURED:
        settings, engine = measured_model(cached()), "the measured model"
    elif model is not None:
        settings, arguments, engine = "", ("--model", model), model
    with ExitStack() as stack:
        pid = None
        if url is None:
            try:
                server = stack.enter_context(
                    running_server(settings, *arguments, server_path=server_path)
                )
            except RuntimeError as error:
                raise click.ClickException(str(error)) from error
            url, pid = server.url, server.pid
        else:
            engine = url
        context = VisitContext(url, ContinuousCorpus.read(), property_name, Record(), brevity)
        timeline = uvloop.run(
            _soak(
                context,
                pid,
                clients=clients,
                seconds=minutes * 60,
                every_s=every_s,
                seed=seed,
                attacked=attacked,
            )
        )
    record = context.record
    rows, met = verdict(timeline, record)
    report(
        "soak",
        ("what", "before", "after", "slope, a minute", "required", "met"),
        rows,
        notes=(
            f"{engine}; {minutes:g} min, {clients} clients, seed {seed}; slopes after "
            f"{timeline.warm_s / 60:.2g} min",
            f"the clients sent at most {record.late_s:.2f} s late",
            "visits: " + ", ".join(f"{count} {name}" for name, count in record.visits.items()),
            *(
                [f"attacks: {', '.join(f'{n} {what}' for what, n in timeline.attacks.items())}"]
                if attacked
                else []
            ),
            *(f"fault, {count} times: {fault}" for fault, count in record.faults.most_common(10)),
        ),
        figures=figures(timeline, record) | {"engine": engine},
    )
    if not met:
        raise SystemExit(1)


def verdict(timeline: Timeline, record: Record) -> tuple[list[tuple[str, ...]], bool]:
    """Return the table, and whether everything that it requires is met."""
    before, after = timeline.ends()
    p95 = timeline.p95_by_minute()
    settled = timeline.settled()
    good = {
        "memory, MB": timeline.memory_slope() < MOST_GROWTH,
        "descriptors": timeline.leaked_descriptors <= 0,
        "tasks": timeline.leaked_tasks <= 0,
        "faults": not record.faults,
    }
    required = {"memory, MB": f"< {MOST_GROWTH:g}", "faults": "0"}

    def row(what: str, was: str, now: str, growth: float = float("nan")) -> tuple[str, ...]:
        limit, met = "–", "–"
        if what in good:
            limit, met = required.get(what, "as before"), "yes" if good[what] else "no"
        # Of too few points there is no growth.
        return what, was, now, f"{growth:+.3f}" if growth == growth else "–", limit, met

    def counted(what: str) -> tuple[str, ...]:
        growth = slope([(one.at_s, getattr(one, what)) for one in settled])
        return row(what, str(getattr(before, what)), str(getattr(after, what)), growth)

    ends = [f"{ms:.0f}" for _, ms in p95] or ["–"]
    workers = timeline.memory_slope(workers=True)
    rows = [
        row("memory, MB", f"{before.rss_mb:.1f}", f"{after.rss_mb:.1f}", timeline.memory_slope()),
        row("workers' memory, MB", f"{before.workers_mb:.1f}", f"{after.workers_mb:.1f}", workers),
        *(counted(what) for what in ("descriptors", "tasks", "threads")),
        row("END to END, p95 of a minute, ms", ends[0], ends[-1], slope(p95)),
        row("faults", "", str(record.faults.total())),
        row("recognitions refused", "", str(record.refused)),
    ]
    return rows, all(good.values())


def figures(timeline: Timeline, record: Record) -> dict[str, object]:
    """Return what the line of JSON says, but for the engine."""
    before, after = timeline.ends()
    return {
        "warm_s": timeline.warm_s,
        "memory_mb_per_minute": timeline.memory_slope(),
        "workers_mb_per_minute": timeline.memory_slope(workers=True),
        "leaked_descriptors": timeline.leaked_descriptors,
        "leaked_tasks": timeline.leaked_tasks,
        "final_p95_ms_by_minute": timeline.p95_by_minute(),
        "final_p95_ms_per_minute": slope(timeline.p95_by_minute()),
        "samples": [asdict(one) for one in timeline.samples],
        "finals": timeline.finals,
        "before": asdict(before),
        "after": asdict(after),
        "visits": dict(record.visits),
        "refused": record.refused,
        "most_late_s": record.late_s,
        "faults": dict(record.faults),
        "attacks": dict(timeline.attacks),
    }
