"""Verb `replicas`: what speakers notice when servers behind a balancer are killed and restarted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import click
import uvloop

from bench.latency import percentile
from bench.replica_set import ReplicaSet, replica_set
from bench.replica_speakers import PlainSpeaker, Speaker
from bench.report import Tracker, milliseconds, number, progress, report, verdict
from bench.texts import Mistakes, told_twice
from bench.workload import CHUNK_S, CorpusChoice, SentenceCorpus, read_corpus
from rasr.audio import Samples

_COUNT = 3
_GAP_BAR_MS = 3000.0
_LATE_MS = 1000.0
"""Of results, p95: with more the machine does not hold its speakers."""
_JOIN_S = 2.0
"""Between two who begin, while it is looked for how many are held."""
_LOOK_S = 8.0
_LOOKS = 2
"""So often, one after the other, results are late, before that is believed."""
_MOST = 200
_BETWEEN_S = 2.0
"""Two servers that are restarted."""
_ROUND_S = 8.0
"""Of clients that know nothing of resuming; half as long as a server waits that stops."""
_PAUSE_CHUNKS = 8
"""Between two sentences: longer than the silence that ends one."""
_GONE_S = 5.0
"""Until a server that was killed is started again, which takes the time of those that are left."""

Steps = Callable[[ReplicaSet, "Course"], Awaitable[None]]


@dataclass
class Course:
    """People who spoke at the same time, and what was done to servers meanwhile."""

    speakers: list[Speaker]
    plain: list[PlainSpeaker] = field(default_factory=list)
    client_cpu: float = 0.0
    """Cores that the clients took."""
    balancer_cpu: float = 0.0

    @property
    def failures(self) -> list[str]:
        """Why rounds have no end."""
        failed = [one.failure for one in self.speakers if one.failure is not None]
        return failed + [why for one in self.plain for why in one.failures]

    @property
    def rounds(self) -> int:
        """How many there were."""
        return len(self.speakers) + sum(one.rounds for one in self.plain)

    @property
    def moves(self) -> int:
        """So often somebody went on at another server."""
        return sum(one.moves for one in self.speakers)

    @property
    def gaps_ms(self) -> list[float]:
        """Between the two results around each moment at which somebody lost a server."""
        return [gap for one in self.speakers for gap in one.break_gaps_ms]

    async def run(self, replicas: ReplicaSet, steps: Steps) -> None:
        """Have all of them speak, and take the steps meanwhile."""
        began_s, cpu_s = time.monotonic(), time.process_time()
        balancer_s = replicas.balancer.cpu_s()
        async with asyncio.TaskGroup() as group:
            for one in self.speakers:
                group.create_task(one.speak(replicas.balancer.url))
            for other in self.plain:
                group.create_task(other.speak(replicas.balancer.url))
            group.create_task(_taken(steps, replicas, self))
        took_s = time.monotonic() - began_s
        self.client_cpu = (time.process_time() - cpu_s) / took_s
        self.balancer_cpu = (replicas.balancer.cpu_s() - balancer_s) / took_s


async def _taken(steps: Steps, replicas: ReplicaSet, course: Course) -> None:
    await steps(replicas, course)


def sounds(count: int, seconds: float) -> list[bytes]:
    """What so many say at the same time, each something else: whole sentences, with pauses in which
    they end, for about so long."""
    corpus = read_corpus(CorpusChoice("en"))
    assert isinstance(corpus, SentenceCorpus), "its words are known"
    pause = corpus.chunks[-_PAUSE_CHUNKS:]

    def said(first: int) -> bytes:
        chunks: list[Samples] = []
        for one in islice(cycle(corpus.sentences), first, None):
            chunks += (*corpus.chunks[one.first : one.first + one.count], *pause)
            if len(chunks) * CHUNK_S >= seconds:
                break
        return b"".join(one.astype("<i2").tobytes() for one in chunks)

    return [said(first) for first in range(count)]


async def _held(replicas: ReplicaSet, tracker: Tracker) -> int:
    """How many speak when results begin to be late, or when somebody is refused."""
    speakers: list[Speaker] = []
    async with asyncio.TaskGroup() as group:
        tasks, looks = [], 0
        for sound in sounds(_MOST, _MOST * _JOIN_S):
            speakers.append(Speaker(sound))
            tasks.append(group.create_task(speakers[-1].speak(replicas.balancer.url)))
            await asyncio.sleep(_JOIN_S)
            since_s = time.monotonic() - _LOOK_S
            late_ms = percentile(
                [late * 1000 for one in speakers for at, late in one.results if at >= since_s], 95
            )
            refused = any(one.failure is not None for one in speakers)
            tracker.at(len(speakers))
            looks = looks + 1 if late_ms > _LATE_MS else 0
            if looks == _LOOKS or refused:
                break
        for task in tasks:
            task.cancel()
    # What is late now began to wait before.
    before = max(1, len(speakers) - _LOOKS + 1 - round(_LOOK_S / _JOIN_S))
    why = "somebody was refused" if refused else f"results were {late_ms:.0f} ms late (p95)"
    tracker.say(f"with {len(speakers)} speakers {why}: {before} are held")
    return before


async def in_peace(_: ReplicaSet, __: Course) -> None:
    """Nothing is done to servers."""


def _kills(seconds: float) -> Steps:
    async def kill(replicas: ReplicaSet, _: Course) -> None:
        """One, and when it is back another one."""
        for at in (0, 1):
            await asyncio.sleep(seconds / 4)
            await asyncio.to_thread(replicas.kill, at)
            await asyncio.sleep(_GONE_S)
            await asyncio.to_thread(replicas.start, at)

    return kill


async def _restart_all(replicas: ReplicaSet, _: Course) -> None:
    for at in range(replicas.size):
        await asyncio.sleep(_BETWEEN_S)
        await asyncio.to_thread(replicas.stop, at)
        await asyncio.to_thread(replicas.start, at)


@click.command("replicas")
@click.option(
    "--speakers", type=int, help="Default: --share of as many as the replicas hold, which is found."
)
@click.option("--share", default=0.6, show_default=True, help="Of those that are held.")
@click.option("--seconds", type=float, default=36.0, show_default=True, help="Of speech.")
@click.option(
    "--restart-seconds",
    type=float,
    default=60.0,
    show_default=True,
    help="Of speech while all are restarted.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Settings of each replica, in place of the default ones.",
)
def replicas(
    speakers: int | None,
    share: float,
    seconds: float,
    restart_seconds: float,
    config: Path | None,
) -> None:
    """What speakers notice when servers behind a balancer are killed, and when all are restarted.

    Three replicas share this machine behind HAProxy. First it is found how many speakers they hold:
    one more begins every two seconds, until results are late. Of so many, 60 % speak without long
    pauses, each something else: in peace; while a server is killed, and another one when that is
    back; while all are restarted in turn, where a third of the clients knows nothing of resuming.
    Wanted: no word lost or told twice against what was told in peace (a sentence that is recognised
    again at another server may become another one), p95 of the gap in the results
    of those whose server it was below 3 s, and no failed round. The two that are left have the
    cores of the one that is gone: --share 0.9 is what they would have to bear on machines of their
    own.

    \b
    python -m bench replicas
    """
    settings = "" if config is None else config.read_text("utf-8")
    try:
        with progress() as tracker, replica_set(_COUNT, settings) as chosen:
            held = speakers or 0
            if speakers is None:
                tracker.step("how many are held", _MOST)
                held = uvloop.run(_held(chosen, tracker))
                speakers = max(1, round(share * held))
            courses = []
            for what, length, plain, steps in (
                ("in peace", seconds, 0, in_peace),
                ("killed", seconds, 0, _kills(seconds)),
                ("restarted", restart_seconds, speakers // 3, _restart_all),
            ):
                tracker.step(f"{speakers} speakers, {what}", 1)
                said = sounds(speakers, length)
                course = Course(
                    [Speaker(one) for one in said[plain:]],
                    [PlainSpeaker(one, _ROUND_S) for one in said[:plain]],
                )
                uvloop.run(course.run(chosen, steps))
                courses.append(course)
    except RuntimeError as error:
        raise click.ClickException(str(error)) from error
    _tell(courses, held, has_words=config is None)


def _tell(courses: Sequence[Course], held: int, *, has_words: bool) -> None:
    peace, killed, restarted = courses
    pairs = list(zip(killed.speakers, peace.speakers, strict=True))
    lost_ms = sum(one.lost_ms(whole) for one, whole in pairs)
    doubled_ms = sum(one.doubled_ms for one in killed.speakers)
    words = sum((one.against(whole) for one, whole in pairs), Mistakes())
    p95_ms = percentile(killed.gaps_ms, 95)
    unbroken_ms = [gap for one in peace.speakers for gap in one.gaps_ms]
    rows = [
        ("speakers held, speaking", f"{held}, {len(peace.speakers)}", "–", "–"),
        (
            "in peace: gap between results, p95, ms",
            milliseconds(percentile(unbroken_ms, 95)),
            "–",
            "–",
        ),
        ("killed: so often a speaker lost a server", number(killed.moves), "–", "–"),
        (
            "killed: gap in results then, p50, ms",
            milliseconds(percentile(killed.gaps_ms, 50)),
            "–",
            "–",
        ),
        (
            "killed: gap in results then, p95, ms",
            milliseconds(p95_ms),
            f"below {_GAP_BAR_MS:.0f}",
            verdict(p95_ms, most=_GAP_BAR_MS),
        ),
        ("killed: speech lost, ms", number(lost_ms), "0", verdict(lost_ms, most=0)),
        ("killed: speech told twice, ms", number(doubled_ms), "0", verdict(doubled_ms, most=0)),
    ]
    if has_words:
        twice = sum(told_twice(whole.text, one.text) for one, whole in pairs)
        rows += [
            (
                f"killed: words lost, of {words.said}",
                number(words.lost),
                "0",
                verdict(words.lost, most=0),
            ),
            ("killed: words told twice", number(twice), "0", verdict(twice, most=0)),
            (
                "killed: words that became others, or were added",
                number(words.substituted + words.added),
                "–",
                "–",
            ),
        ]
    rows += [
        (
            f"{what}: failed rounds, of {one.rounds}",
            number(len(one.failures)),
            "0",
            verdict(len(one.failures), most=0),
        )
        for what, one in zip(("in peace", "killed", "restarted"), courses, strict=True)
    ]
    report(
        "replicas",
        ("what", "value", "bar", "met"),
        rows,
        notes=(
            f"restarted: {restarted.moves} times one of {len(restarted.speakers)} speakers went on "
            f"at another server; {len(restarted.plain)} clients without resume",
            f"in peace, for each speaker: client {_each_ms(peace.client_cpu, peace)}, balancer "
            f"{_each_ms(peace.balancer_cpu, peace)} of a core a second",
            *(f"failed: {why}" for one in courses for why in one.failures),
            *_others(pairs),
        ),
        figures={
            "held": held,
            "speakers": len(peace.speakers),
            "moves": killed.moves,
            "gap_p95_ms": p95_ms,
            "unbroken_gap_p95_ms": percentile(unbroken_ms, 95),
            "lost_ms": lost_ms,
            "doubled_ms": doubled_ms,
            "words": words.said,
            "words_lost": words.lost,
            "words_others": words.substituted + words.added,
            "rounds": [one.rounds for one in courses],
            "failed": [len(one.failures) for one in courses],
            "balancer_cpu": peace.balancer_cpu,
        },
    )


def _each_ms(cores: float, course: Course) -> str:
    return f"{cores / len(course.speakers) * 1000:.1f} ms"


def _others(pairs: Sequence[tuple[Speaker, Speaker]]) -> list[str]:
    """Both texts, where they differ."""
    return [
        line
        for one, whole in pairs
        if one.against(whole).count
        for line in (f"in peace: {whole.text}", f"killed:   {one.text}")
    ]
