"""Verb `peers`: the same load on the server of others and on ours, side by side in one run.

Same audio, same clients, same clocks (`bench.latency`), same model; only the wire differs
(`bench.wire_clients`). The first server is measured first: its largest load of speech decides how
much the loads are at which finals and light use are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from math import isnan, nan
from pathlib import Path

import click

from bench.comparison import (
    FINAL_SHARE,
    LIGHT_SHARE,
    Standing,
    comparison_columns,
    comparison_figures,
    comparison_rows,
)
from bench.load_client import LoadGenerator, load_generator
from bench.load_result import Clock, LoadResult, figures, largest
from bench.model import cached
from bench.report import Tracker, milliseconds, number, progress, report
from bench.servers import (
    MeasuredServer,
    SherpaSettings,
    measured_model,
    running_server,
    running_sherpa,
    server_path_option,
)
from bench.wire_clients import SherpaClient, SisClient, WireClient
from bench.workload import Load, Talk

LIMIT_MS = 200.0
"""The 95th percentile of the chunk compute latency of a load that is held."""
_SHERPA, _OURS = "sherpa C++", "ours"
_TURN_S = (5.0, 15.0)
"""How long streams are where their ends are measured."""
_MOST = 512


@dataclass(frozen=True, slots=True)
class RunLengths:
    """How long it takes: a minute for each load, or twenty seconds."""

    warm_s: float
    window_s: float
    resolution: int
    tries: int
    """A load that failed is tried so often in all, and one of which latencies are compared is
    measured so often: neighbours on the machine only ever make both worse."""


_FULL = RunLengths(warm_s=10.0, window_s=60.0, resolution=2, tries=2)
_QUICK = RunLengths(warm_s=5.0, window_s=20.0, resolution=4, tries=2)


@dataclass(frozen=True, slots=True)
class Peer:
    """One of the servers that are compared."""

    name: str
    start: Callable[[], AbstractContextManager[MeasuredServer]]
    wire: Callable[[str], WireClient]


@dataclass(frozen=True, slots=True)
class Trial:
    """One load on one of them."""

    name: str
    what: str
    result: LoadResult

    @property
    def held(self) -> bool:
        """Whether the load was held."""
        return self.result.holds({Clock.STEP: LIMIT_MS})

    def row(self) -> tuple[str, ...]:
        """Return the row of `_TRIAL_COLUMNS`."""
        one = self.result
        return (
            self.name,
            self.what,
            str(one.clients),
            *(milliseconds(one.ms(Clock.STEP, percent)) for percent in (50, 95, 99)),
            milliseconds(one.late_ms(Clock.STEP)),
            milliseconds(one.ms(Clock.END, 95)),
            number(one.unfairness(Clock.STEP), ".2f"),
            f"{one.steps_per_second:.2f}",
            number(one.server_cpu, ".2f"),
            f"{one.client_cpu:.2f}",
            f"{one.late_sends_ms:.1f}",
            str(len(one.errors) + len(one.refused)),
            "yes" if self.held else "no",
        )

    def figures(self) -> dict[str, object]:
        """Return what the JSON says of it."""
        known: dict[str, object] = {"server": self.name, "load": self.what}
        return known | figures(self.result) | {"held": self.held}


_TRIAL_COLUMNS = (
    *("server", "load", "streams", "p50", "p95", "p99", "late p95", "END p95"),
    *("worst", "steps/s", "CPU", "client", "sent late", "errors", "held"),
)
_TRIAL_NOTES = (
    "p50, p95, p99: chunk compute latency, ms; late p95: of the last third of the window",
    "worst: the worst client's p95 over the median client's; END p95: END to END, ms",
    "steps/s: decoding steps in partials, for each stream; there are 3.1, fewer in pauses",
    "CPU, client: cores that the server and the load clients took; sent late: p99, ms",
)


class Measurement:
    """Puts loads on one server after the other and keeps what came of each."""

    def __init__(self, lengths: RunLengths, generator: LoadGenerator, tracker: Tracker) -> None:
        self.trials: list[Trial] = []
        self._lengths = lengths
        self._generator = generator
        self._tracker = tracker

    def measure(self, peer: Peer, start: int, reference: int | None) -> Standing:
        """Put all loads on one server.

        Args:
            peer: the server.
            start: streams to look at first.
            reference: the first server's largest load of speech; None: this is the first.
        """
        standing = Standing()
        speech = self._largest(peer, Talk.SPEECH, start)
        standing.speech = speech or nan
        # Talk with pauses is at least as light.
        standing.conversation = self._largest(peer, Talk.CONVERSATION, speech or start) or nan
        standing.fairness = self._fairness(peer)
        reference = speech if reference is None else reference
        turns = self._calmest(peer, Clock.END, FINAL_SHARE * reference, "turns", _TURN_S)
        standing.end_p95_ms = turns.ms(Clock.END, 95)
        light = self._calmest(peer, Clock.STEP, LIGHT_SHARE * reference, "light")
        standing.light_ms = {percent: light.ms(Clock.STEP, percent) for percent in (50, 95)}
        return standing

    def _fairness(self, peer: Peer) -> float:
        """At the largest load of speech that was held."""
        held = [
            trial.result
            for trial in self.trials
            if trial.name == peer.name and trial.what == Talk.SPEECH and trial.held
        ]
        best = max(held, key=lambda result: result.clients, default=None)
        return nan if best is None else best.unfairness(Clock.STEP)

    def _largest(self, peer: Peer, talk: Talk, start: int) -> int:
        def holds(clients: int) -> bool:
            tries = range(self._lengths.tries)
            limits = {Clock.STEP: LIMIT_MS}
            return any(self._put_on(peer, talk, clients, talk).holds(limits) for _ in tries)

        return largest(holds, start, self._lengths.resolution, _MOST)

    def _calmest(
        self,
        peer: Peer,
        clock: Clock,
        clients: float,
        what: str,
        turn_s: tuple[float, float] | None = None,
    ) -> LoadResult:
        """Of all tries of a load of speech, the one with the lowest p95: neighbours only add."""
        tries = [
            self._put_on(peer, Talk.SPEECH, round(clients), f"{Talk.SPEECH}, {what}", turn_s)
            for _ in range(self._lengths.tries)
        ]
        measured = [result for result in tries if not isnan(result.ms(clock, 95))]
        return min(measured, key=lambda result: result.ms(clock, 95), default=tries[0])

    def _put_on(
        self,
        peer: Peer,
        talk: Talk,
        clients: int,
        what: str,
        turn_s: tuple[float, float] | None = None,
    ) -> LoadResult:
        lengths, clients = self._lengths, max(1, clients)
        name = f"{peer.name}, {what}, {clients} streams"
        # A server of its own for each load: what the last one left behind is not measured.
        with peer.start() as server:
            load = Load(
                peer.wire(server.url),
                talk,
                clients,
                lengths.warm_s,
                lengths.window_s,
                turn_s,
                tells_steps=True,
            )
            result = self._generator.put_on(load, name, server)
        trial = Trial(peer.name, what, result)
        self.trials.append(trial)
        clock = result.clock
        self._tracker.say(
            f"{name}: {clock}, p95 {milliseconds(result.ms(clock, 95))} ms, "
            f"{'held' if trial.held else 'not held'}"
            + (f" ({result.errors[0]})" if result.errors else "")
        )
        return result


@click.command()
@click.option("--quick", is_flag=True, help="20 s for each load instead of 60, coarser steps.")
@click.option(
    "--server",
    "servers",
    type=click.Choice(["cpp", "ours"]),
    multiple=True,
    help="Measure only this one; repeat for several. Default: both.",
)
@click.option("--start", default=64, show_default=True, help="Streams to look at first.")
@click.option(
    "--reference", type=int, help="The first one's largest load of speech, if it is not measured."
)
@click.option(
    "--model",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="From `python -m bench model`; made in the cache if not given.",
)
@click.option("--fp32", is_flag=True, help="The fp32 files of the model, not the int8 ones.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Settings of our server that serve english_16k_common with the model. Whatever they say, "
    "it refuses nobody for its load: the peer does not.",
)
@click.option(
    "--tail-padding",
    default=SherpaSettings().tail_padding_s,
    show_default=True,
    help="The C++ server's silence behind the audio, s.",
)
@server_path_option
def peers(
    servers: tuple[str, ...],
    quick: bool,
    reference: int | None,
    start: int,
    folder: Path | None,
    fp32: bool,
    config: Path | None,
    tail_padding: float,
    server_path: Path | None,
) -> None:
    """The same load on sherpa-onnx's C++ server and on ours: streams held, latency, fairness.

    Both run the same model (`python -m bench model`). A load is held if the 95th percentile of the
    chunk compute latency is at most 200 ms, without a backlog.

    Nothing else should run on the machine. It takes about half an hour in the quick form, two hours
    in full.
    """
    lengths = _QUICK if quick else _FULL
    model = (folder or cached()).absolute()
    settings = SherpaSettings(tail_padding_s=tail_padding)
    ours = measured_model(model, "fp32" if fp32 else "int8")
    if config is not None:
        ours = config.read_text(encoding="utf-8")
    known = {
        "cpp": Peer(_SHERPA, partial(running_sherpa, model, settings, int8=not fp32), SherpaClient),
        "ours": Peer(
            _OURS,
            partial(running_server, ours, admission=False, server_path=server_path),
            SisClient,
        ),
    }
    standings: dict[str, Standing] = {}
    try:
        with progress() as tracker, load_generator(tracker) as generator:
            measurement = Measurement(lengths, generator, tracker)
            for name, peer in known.items():
                if servers and name not in servers:
                    continue
                standing = measurement.measure(peer, start, reference)
                standings[peer.name] = standing
                if reference is None and not isnan(standing.speech):
                    reference = int(standing.speech)
    except RuntimeError as error:
        raise click.ClickException(str(error)) from error
    trials = measurement.trials
    report(
        "peers: every load", _TRIAL_COLUMNS, [trial.row() for trial in trials], notes=_TRIAL_NOTES
    )
    report(
        "peers",
        comparison_columns(list(standings)),
        comparison_rows(list(standings.values())),
        notes=(
            f"{_SHERPA}: {' '.join(settings.arguments())}",
            f"windows of {lengths.window_s:.0f} s after {lengths.warm_s:.0f} s of warm-up; "
            f"chunk compute p95 at most {LIMIT_MS:.0f} ms",
        ),
        figures={
            "trials": [trial.figures() for trial in trials],
            "comparison": comparison_figures(standings),
        },
    )
