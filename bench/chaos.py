"""Verb `chaos`: are all answered, and with the same words, while workers die and stop beside them?

The same recordings are said to one server three times: in peace, while its worker processes are
killed and stopped at random, and in peace again. What is said in peace is what must be said in
between. A process may be hit in any state: idle, at work, while it loads.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import click
import psutil
import uvloop
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from bench.latency import percentile
from bench.recordings import human_recordings, load, names
from bench.report import Tracker, number, progress, report
from bench.servers import running_server
from bench.soak import Sample, Watch
from bench.soak_clients import Broken, Visitor
from bench.workload import CHUNK_S, CHUNK_SAMPLES
from rasr.audio import Samples

_POCKETSPHINX = """\
[engines.pocketsphinx]
kind = "pocketsphinx"
[properties]
english = "pocketsphinx"
"""
_DECODING = """\
[decoding]
workers = {workers}
streams_per_worker = {streams}
step_timeout_s = 5.0
"""
_STOP_SHARE = 1 / 3
"""Of the disturbances: the process is stopped instead of killed."""
_PATIENCE_S = 240.0
"""Twice what a server may take for an answer (`session.answer_timeout_s`)."""
_PAUSE_S = 0.5
"""Mean time between two recordings of a client."""


@dataclass(frozen=True, slots=True)
class Said:
    """A recording that is said to the server."""

    name: str
    samples: Samples


@dataclass(frozen=True, slots=True)
class Reply:
    """What a client got for a recording."""

    finals: tuple[str, ...]
    errors: tuple[str, ...]
    took_s: float
    """From END to its answer."""


@dataclass(slots=True)
class Course:
    """What was seen while processes were killed and stopped."""

    replies: list[tuple[str, Reply]] = field(default_factory=list)
    """Name of the recording, and the reply."""
    faults: Counter[str] = field(default_factory=Counter)
    """Recordings that were not answered, by why."""
    killed: int = 0
    stopped: int = 0
    samples: list[Sample] = field(default_factory=list)


def recordings(only: Sequence[str] = ()) -> list[Said]:
    """Return the bundled recordings in English, and those of people where there are some.

    Args:
        only: names of bundled ones; then no others.
    """
    bundled = [Said(name, load(name).samples) for name in only or names()]
    people = [Said(one.name, one.samples) for one in human_recordings("en")]
    return bundled if only else [*bundled, *people]


async def say(url: str, property_name: str, said: Said, speed: float) -> Reply:
    """Say a recording on a connection of its own.

    Args:
        url: of the server.
        property_name: what is asked for.
        said: the recording.
        speed: times the speed of speech.

    Raises:
        Broken: the server did not answer, or closed.
        OSError, TimeoutError, websockets.InvalidHandshake, websockets.ConnectionClosed
    """
    visitor = await Visitor.open(url, _PATIENCE_S)
    try:
        await visitor.start(property_name, partials=True)
        answer = await visitor.expect("START", "ERROR", "FATAL_ERROR")
        if answer["resp_type"] != "START":
            raise Broken(f"START was refused: {answer['error_code']}")
        began = time.monotonic()
        for place in range(0, len(said.samples), CHUNK_SAMPLES):
            due = began + (place / CHUNK_SAMPLES + 1) * CHUNK_S / speed
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            chunk = said.samples[place : place + CHUNK_SAMPLES]
            await visitor.send(chunk.astype("<i2").tobytes())
        ended = time.monotonic()
        await visitor.end()
        finals: list[str] = []
        errors: list[str] = []
        while True:
            message = await visitor.expect("RESULT", "ERROR", "FATAL_ERROR", "END")
            match message["resp_type"]:
                case "RESULT":
                    finals += [
                        one["result"]["text"] for one in message["segments"] if one["is_final"]
                    ]
                case "END":
                    await visitor.close()
                    return Reply(tuple(finals), tuple(errors), time.monotonic() - ended)
                case _:
                    errors.append(message["error_code"])
    finally:
        visitor.abort()


def workers_of(pid: int) -> list[psutil.Process]:
    """Return the worker processes of a server, the oldest first."""
    found = []
    for child in psutil.Process(pid).children():  # type: ignore[no-untyped-call]
        try:
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            pass
    return sorted(found, key=lambda one: float(one.create_time()))


async def disturb(
    pid: int, choice: random.Random, every_s: float, until: float, course: Course
) -> None:
    """Kill and stop the workers of a server at random, for a time.

    Args:
        pid: of the server.
        choice: which of them, how and when.
        every_s: mean time between two of them.
        until: the last of them, on the monotonic clock.
        course: where they are counted.
    """
    while True:
        await asyncio.sleep(choice.uniform(0.5, 1.5) * every_s)
        if time.monotonic() >= until:
            return
        hit, stops = choice.random(), choice.random() < _STOP_SHARE
        workers = workers_of(pid)
        if not workers:
            continue
        try:
            worker = workers[int(hit * len(workers))]
            if stops:
                worker.suspend()  # type: ignore[no-untyped-call]
                course.stopped += 1
            else:
                worker.kill()  # type: ignore[no-untyped-call]
                course.killed += 1
        except psutil.NoSuchProcess:
            pass


def let_go(pid: int) -> None:
    """Let workers that were stopped go on: nothing would tell an idle one from one that waits."""
    for worker in workers_of(pid):
        try:
            worker.resume()  # type: ignore[no-untyped-call]
        except psutil.NoSuchProcess:
            pass


@dataclass(frozen=True, slots=True)
class _Plan:
    url: str
    pid: int
    property_name: str
    said: Sequence[Said]
    speed: float

    async def in_peace(self) -> dict[str, Reply]:
        """What each recording is answered with while nothing is disturbed, one at a time."""
        return {one.name: await say(self.url, self.property_name, one, 8.0) for one in self.said}

    async def client(self, number: int, seed: int, until: float, course: Course) -> None:
        """Say one recording after the other; the last one is ended."""
        choice = random.Random(f"client {seed} {number}")
        while time.monotonic() < until:
            said = choice.choice(self.said)
            try:
                reply = await say(self.url, self.property_name, said, self.speed)
                course.replies.append((said.name, reply))
            except (Broken, ConnectionClosed, InvalidHandshake, OSError, TimeoutError) as error:
                course.faults[str(error) or type(error).__name__] += 1
            await asyncio.sleep(choice.uniform(0, 2 * _PAUSE_S))


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that was seen."""

    before: dict[str, Reply]
    course: Course
    after: dict[str, Reply]
    empty_before: Sample
    empty_after: Sample
    restarts: int
    replays: int
    faults: int
    """Of the server itself, as it counts them."""

    @property
    def wrong(self) -> list[tuple[str, Reply]]:
        """Replies with other words than in peace, or with an error."""
        replies = [*self.course.replies, *self.after.items()]
        return [
            (name, reply)
            for name, reply in replies
            if reply.errors or reply.finals != self.before[name].finals
        ]

    def bars(self) -> dict[str, bool]:
        """Whether each requirement is met."""
        return {
            "not answered": not self.course.faults,
            "other words": not self.wrong,
            "descriptors": self.empty_after.descriptors <= self.empty_before.descriptors,
            "tasks": self.empty_after.tasks <= self.empty_before.tasks,
            "sessions": self.empty_after.sessions == 0,
            "faults of the server": self.faults == 0,
        }


async def _chaos(
    plan: _Plan, *, clients: int, seconds: float, every_s: float, seed: int, tracker: Tracker
) -> Outcome:
    watch = Watch(plan.url, plan.pid)
    course = Course()
    try:
        tracker.step("in peace", 1)
        # The first recordings warm the server.
        before = await plan.in_peace()
        empty_before = await watch.empty()
        tracker.step(f"{clients} clients while workers die and stop", seconds)
        began = watch.began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            disturbing = group.create_task(
                disturb(plan.pid, random.Random(f"chaos {seed}"), every_s, began + seconds, course)
            )
            speaking = [
                group.create_task(plan.client(one, seed, began + seconds, course))
                for one in range(clients)
            ]
            running: set[asyncio.Task[None]] = set(speaking)
            while running:
                _, running = await asyncio.wait(running, timeout=5.0)
                course.samples.append(await watch.sample())
                tracker.at(time.monotonic() - began)
            disturbing.cancel()
        let_go(plan.pid)
        tracker.step("in peace again", 1)
        after = await plan.in_peace()
        empty_after = await watch.empty()
        numbers = await watch.numbers()
    finally:
        await watch.close()
    return Outcome(
        before,
        course,
        after,
        empty_before,
        empty_after,
        restarts=int(
            numbers["rasr_engine_restarts_total"] + numbers.get("rasr_aligner_restarts_total", 0)
        ),
        replays=int(numbers["rasr_engine_replays_total"]),
        faults=int(
            numbers["rasr_faults_total"]
            + numbers["rasr_engine_faults_total"]
            + numbers["rasr_recognitions_stalled_total"]
        ),
    )


@click.command()
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    help="how long workers are killed and stopped",
)
@click.option("--clients", type=click.IntRange(min=1), default=2, show_default=True)
@click.option(
    "--workers", type=click.IntRange(min=1), default=3, show_default=True, help="of the server"
)
@click.option(
    "--every",
    "every_s",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="mean seconds between two that are killed or stopped",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="times the speed of speech",
)
@click.option("--seed", default=1, show_default=True, help="who says what, and which process dies")
@click.option(
    "--only",
    type=click.Choice(names()),
    multiple=True,
    help="a bundled recording that is said; may be given several times; default: all of them",
)
@click.option(
    "--model",
    metavar="NAME",
    help="a model for the server, as of `rasr serve`, instead of PocketSphinx; of one that decodes "
    "in threads only the process that aligns words can die",
)
def chaos(
    minutes: float,
    clients: int,
    workers: int,
    every_s: float,
    speed: float,
    seed: int,
    only: tuple[str, ...],
    model: str | None,
) -> None:
    """Workers are killed and stopped while people speak: is everybody answered, word for word?

    The process ends with 1 where a recording gets no END, an error, or other words than in peace;
    where the server counts a fault of its own; or where something stays open.
    """
    settings = ("" if model else _POCKETSPHINX) + _DECODING.format(
        workers=workers, streams=max(clients, 4)
    )
    arguments = ("--model", model) if model else ()
    try:
        with running_server(settings, *arguments, admission=False) as server, progress() as tracker:
            plan = _Plan(server.url, server.pid, "english_16k_common", recordings(only), speed)
            outcome = uvloop.run(
                _chaos(
                    plan,
                    clients=clients,
                    seconds=minutes * 60,
                    every_s=every_s,
                    seed=seed,
                    tracker=tracker,
                )
            )
    except RuntimeError as error:
        raise click.ClickException(str(error)) from error
    rows = _rows(outcome)
    wrong = Counter(
        f"{name}: {' '.join(reply.errors) or 'other words'}" for name, reply in outcome.wrong
    )
    report(
        "chaos",
        ("what", "value", "required", "met"),
        rows,
        notes=(
            f"{model or 'PocketSphinx'}, {workers} workers; {clients} clients, {minutes:g} min, "
            f"one is hit each {every_s:g} s, seed {seed}",
            *(
                f"not answered, {count} times: {why}"
                for why, count in outcome.course.faults.items()
            ),
            *(f"wrong, {count} times: {what}" for what, count in wrong.most_common(10)),
        ),
        figures=_figures(outcome) | {"engine": model or "PocketSphinx"},
    )
    if not all(outcome.bars().values()):
        raise SystemExit(1)


def _rows(outcome: Outcome) -> list[tuple[str, ...]]:
    course, bars = outcome.course, outcome.bars()
    before, after = outcome.empty_before, outcome.empty_after
    took = [reply.took_s for _, reply in course.replies]

    def row(what: str, value: str, required: str = "–") -> tuple[str, ...]:
        met = "–" if what not in bars else "yes" if bars[what] else "NO"
        return what, value, required, met

    return [
        row("killed, stopped", f"{course.killed}, {course.stopped}"),
        row("workers replaced", str(outcome.restarts)),
        row("utterances decoded anew", str(outcome.replays)),
        row("recordings, sentences", f"{len(course.replies)}, {_sentences(course)}"),
        row("not answered", str(course.faults.total()), "0"),
        row("other words", str(len(outcome.wrong)), "0"),
        row("faults of the server", str(outcome.faults), "0"),
        row(
            "END to END, median, p95, longest, s",
            ", ".join(number(one, ".2f") for one in _spread(took)),
        ),
        row("memory of the server, MB", f"{before.rss_mb:.1f} → {after.rss_mb:.1f}"),
        row("memory of its workers, MB", f"{before.workers_mb:.1f} → {after.workers_mb:.1f}"),
        row("descriptors", f"{before.descriptors} → {after.descriptors}", "as before"),
        row("tasks", f"{before.tasks} → {after.tasks}", "as before"),
        row("sessions", str(after.sessions), "0"),
    ]


def _sentences(course: Course) -> int:
    return sum(len(reply.finals) for _, reply in course.replies)


def _spread(values: list[float]) -> tuple[float, float, float]:
    """The median, the 95th percentile and the largest."""
    nan = float("nan")
    return (
        (percentile(values, 50), percentile(values, 95), max(values)) if values else (nan, nan, nan)
    )


def _figures(outcome: Outcome) -> dict[str, object]:
    course = outcome.course
    median_s, p95_s, longest_s = _spread([reply.took_s for _, reply in course.replies])
    return {
        "killed": course.killed,
        "stopped": course.stopped,
        "restarts": outcome.restarts,
        "replays": outcome.replays,
        "recordings": len(course.replies),
        "sentences": _sentences(course),
        "not_answered": dict(course.faults),
        "wrong": [name for name, _ in outcome.wrong],
        "server_faults": outcome.faults,
        "end_median_s": median_s,
        "end_p95_s": p95_s,
        "end_longest_s": longest_s,
        "before": asdict(outcome.empty_before),
        "after": asdict(outcome.empty_after),
        "samples": [asdict(one) for one in course.samples],
    }
