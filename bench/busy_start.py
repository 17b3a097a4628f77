"""Verb `busy-start`: how many a server admits that was started while the machine was busy."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import uvloop

from bench.load_client import StreamClient
from bench.report import Tracker, progress, report, verdict
from bench.servers import running_server
from bench.target import TALKS, talk_option
from bench.wire_clients import SisClient
from bench.workload import CHUNK_S, CorpusChoice, Stream, Talk, read_corpus

_ASK_S = 1.0
"""Between two questions of somebody who was refused."""
_AT_ONCE_S = 3.0


@dataclass(slots=True)
class Crowd:
    """People who ask until they are admitted; one is always waiting."""

    admitted_s: list[float] = field(default_factory=list)
    """When each was admitted, from the beginning."""
    failures: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """The sentences, the newest last."""

    def by(self, second: float) -> int:
        """Return how many had been admitted then."""
        return sum(at_s <= second for at_s in self.admitted_s)


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Let so many processes work without end, as long as this lasts."""
    with ExitStack() as stack:
        for _ in range(count):
            process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield


async def ask(server: str, property_name: str, talk: Talk, seconds: float) -> Crowd:
    """Let a crowd come to a server.

    Args:
        server: as ws://host:port.
        property_name: what is asked for.
        talk: how they speak.
        seconds: after so long nobody else comes.
    """
    wire = SisClient(server, property_name)
    corpus = read_corpus(CorpusChoice.of(property_name, None))
    frames = [wire.audio(chunk) for chunk in corpus.chunks]
    crowd, began_s = Crowd(), time.monotonic()
    runs: set[asyncio.Task[None]] = set()
    clients: list[StreamClient] = []
    while (now_s := time.monotonic() - began_s) < seconds:
        number = len(crowd.admitted_s)
        # Everybody speaks to the end, so that who came first is a load to the last.
        script = corpus.script(talk, number, round((seconds - now_s) / CHUNK_S) + 1)
        client = StreamClient(wire, Stream(number, 0.0, script), [])
        run = asyncio.create_task(client.run(frames, time.monotonic()))
        if await client.taken():
            crowd.admitted_s.append(time.monotonic() - began_s)
            clients.append(client)
            runs.add(run)
            continue
        await run
        if client.refusal is None:
            crowd.failures.append(client.failure or "")
        else:
            crowd.refusals.append(client.refusal)
        await asyncio.sleep(_ASK_S)
    await asyncio.gather(*runs)
    crowd.failures += [one.failure for one in clients if one.failure is not None]
    return crowd


@dataclass(frozen=True, slots=True)
class Server:
    """How the server is started."""

    config: str
    arguments: Sequence[str]
    property_name: str
    talk: Talk

    def crowd(self, tracker: Tracker, what: str, busy: int, idle_s: float, seconds: float) -> Crowd:
        """Start a server that remembers nothing beside so many busy processes, which end when it
        is ready; after so many seconds in which nobody speaks the crowd comes.

        Raises:
            click.ClickException: it did not start.
        """
        with tempfile.TemporaryDirectory() as cache, ExitStack() as stack:
            with busy_processes(busy):
                begun = time.monotonic()
                try:
                    server = stack.enter_context(
                        running_server(self.config, *self.arguments, cache=Path(cache))
                    )
                except RuntimeError as error:
                    raise click.ClickException(str(error)) from error
                tracker.say(f"{what}: ready after {time.monotonic() - begun:.1f} s")
            time.sleep(idle_s)
            crowd = uvloop.run(ask(server.url, self.property_name, self.talk, seconds))
        tracker.say(f"{what}: {len(crowd.admitted_s)} admitted")
        return crowd


@click.command("busy-start")
@click.option("--busy", default=8, show_default=True, help="Busy processes beside the start.")
@click.option("--seconds", default=60.0, show_default=True, help="How long people come.")
@click.option(
    "--idle", default=20.0, show_default=True, help="Seconds of quiet, for the third of the runs."
)
@click.option("--model", metavar="NAME", help="As of `rasr serve`.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Settings of the server.",
)
@click.option("--property", "property_name", default="english_16k_common", show_default=True)
@talk_option
def busy_start(
    busy: int,
    seconds: float,
    idle: float,
    model: str | None,
    config: Path | None,
    property_name: str,
    talk: str,
) -> None:
    """How many people a server admits that was started while the machine was busy.

    People come one after the other; who is refused asks again each second.
    Three servers, none of which remembers a calibration: one that was started on the machine as it
    is; one that was started beside busy processes, which end when it is ready; and one to which
    people come only after some seconds of quiet. Wanted: within a minute the second and the third
    admit what the first admits at once.

    \b
    python -m bench busy-start
    python -m bench busy-start --busy 4 --model pocketsphinx
    """
    server = Server(
        "" if config is None else config.read_text(encoding="utf-8"),
        () if model is None else ("--model", model),
        property_name,
        TALKS[talk],
    )
    runs = (
        ("quiet machine", 0, 0.0),
        (f"{busy} busy processes", busy, 0.0),
        (f"{busy} busy processes, then {idle:g} s of quiet", busy, idle),
    )
    with progress() as tracker:
        crowds = {
            what: server.crowd(tracker, what, count, idle_s, seconds)
            for what, count, idle_s in runs
        }
    wanted = next(iter(crowds.values())).by(_AT_ONCE_S)
    report(
        "busy-start",
        ("started on", "at once", "in 10 s", "in 30 s", "in the end", "failed", "met"),
        [
            (
                what,
                *(str(crowd.by(second)) for second in (_AT_ONCE_S, 10.0, 30.0, seconds)),
                str(len(crowd.failures)),
                verdict(crowd.by(seconds) / wanted if wanted else 0.0, least=1.0),
            )
            for what, crowd in crowds.items()
        ],
        notes=[
            f"{what}, {kind} last: {told[-1]}"
            for what, crowd in crowds.items()
            for kind, told in (("refused", crowd.refusals), ("failed", crowd.failures))
            if told
        ],
        figures={
            "wanted": wanted,
            "runs": [
                {
                    "started_on": what,
                    "admitted_s": crowd.admitted_s,
                    "failures": crowd.failures,
                    "refused": len(crowd.refusals),
                }
                for what, crowd in crowds.items()
            ],
        },
    )
