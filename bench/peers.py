"""Verb `peers`: the same load on sherpa-onnx's own C++ server and on ours, side by side.

Same model files, same sound, same client, same reckoning (`bench.latency` says what the clocks
are); only the wire differs (`bench.wires`). The peer is measured first: its largest load decides
how much the loads are at which finals and light use are compared.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console

from bench.latency import Outcome
from bench.machine import report
from bench.model import cached
from bench.search import largest
from bench.server import MeasuredServer, running_server
from bench.sherpa_server import PeerSettings, running_peer
from bench.sound import SPEECH_SHARE, Talk
from bench.talkers import Load, put_on
from bench.wires import SherpaWire, SisWire, Wire

BAR_MS = 200.0
"""The 95th percentile of the partial latency of a load that is held."""
FINAL_SHARE = 0.8
"""Of the peer's largest load of speech: where finals are compared."""
LIGHT_SHARE = 0.2
TURN_S = (5.0, 15.0)
"""How long streams are where their ends are measured."""
_MOST = 512

_OUR_SETTINGS = """\
[engines.measured]
kind = "sherpa-onnx"
[engines.measured.options]
model = "{model}"
precision = "{precision}"
[properties]
english = "measured"
[decoding]
# As many as come: the load says how many, and what is too much shows as latency.
streams_per_worker = 256
"""


@dataclass(frozen=True, slots=True)
class Form:
    """How long it takes: a minute for each load, or twenty seconds."""

    warm_s: float
    window_s: float
    resolution: int
    tries: int
    """A load that failed is tried so often in all: neighbours on the machine fail it too."""


FULL = Form(warm_s=10.0, window_s=60.0, resolution=2, tries=2)
QUICK = Form(warm_s=5.0, window_s=20.0, resolution=4, tries=1)


@dataclass(frozen=True, slots=True)
class Contestant:
    name: str
    start: Callable[[], AbstractContextManager[MeasuredServer]]
    wire: Callable[[str], Wire]


@dataclass(frozen=True, slots=True)
class Trial:
    name: str
    what: str
    outcome: Outcome

    @property
    def held(self) -> bool:
        return self.outcome.holds(BAR_MS)

    def row(self) -> tuple[str, ...]:
        one = self.outcome
        return (
            self.name,
            self.what,
            str(one.clients),
            *(f"{one.partial_ms(percent):.0f}" for percent in (50, 95, 99)),
            f"{one.late_partial_p95_ms:.0f}",
            _number(one.final_ms(95), ".0f"),
            _number(one.unfairness, ".2f"),
            f"{one.steps_per_second:.2f}",
            f"{one.server_cpu:.2f}",
            f"{one.client_cpu:.2f}",
            f"{one.late_sends_ms:.1f}",
            str(len(one.errors)),
            "yes" if self.held else "no",
        )

    def figures(self) -> dict[str, object]:
        one = self.outcome
        return {
            "server": self.name,
            "load": self.what,
            "clients": one.clients,
            "partial_ms": {str(percent): one.partial_ms(percent) for percent in (50, 95, 99)},
            "late_partial_p95_ms": one.late_partial_p95_ms,
            "final_ms": {str(percent): one.final_ms(percent) for percent in (50, 95)},
            "finals": len(one.finals),
            "unfairness": one.unfairness,
            "steps_per_second": one.steps_per_second,
            "server_cpu": one.server_cpu,
            "client_cpu": one.client_cpu,
            "late_sends_ms": one.late_sends_ms,
            "errors": sorted(set(one.errors)),
            "held": self.held,
        }


_COLUMNS = (
    *("server", "load", "streams", "p50", "p95", "p99", "late p95", "final p95"),
    *("worst", "steps/s", "CPU", "client", "sent late", "errors", "held"),
)
_BARS = ("what", "peer", "ours", "ratio", "bar", "met")


@dataclass(slots=True)
class Standing:
    """What one server carries, and how it does where both are compared."""

    speech: int = 0
    conversation: int = 0
    fairness: float = float("nan")
    final_p95_ms: float = float("nan")
    light_ms: dict[int, float] = field(default_factory=dict)


class Measurement:
    """Puts loads on one server after the other and keeps what came of each."""

    def __init__(self, form: Form, client: ProcessPoolExecutor, console: Console) -> None:
        self.trials: list[Trial] = []
        self._form = form
        self._client = client
        self._console = console

    def measure(self, one: Contestant, start: int, reference: int | None) -> Standing:
        """All loads on one server. `reference`: the peer's largest load of speech, or its own."""
        standing = Standing()
        standing.speech = self._largest(one, Talk.SPEECH, start)
        # Talk with pauses is at least as light.
        standing.conversation = self._largest(one, Talk.CONVERSATION, standing.speech or start)
        standing.fairness = self._fairness(one)
        reference = standing.speech if reference is None else reference
        turns = self._load(
            one, Talk.SPEECH, round(FINAL_SHARE * reference), f"{Talk.SPEECH}, turns", TURN_S
        )
        standing.final_p95_ms = turns.final_ms(95)
        light = self._load(
            one, Talk.SPEECH, round(LIGHT_SHARE * reference), f"{Talk.SPEECH}, light"
        )
        standing.light_ms = {percent: light.partial_ms(percent) for percent in (50, 95)}
        return standing

    def _fairness(self, one: Contestant) -> float:
        """At the largest load of speech that was held."""
        held = [
            trial.outcome
            for trial in self.trials
            if trial.name == one.name and trial.what == Talk.SPEECH and trial.held
        ]
        best = max(held, key=lambda outcome: outcome.clients, default=None)
        return float("nan") if best is None else best.unfairness

    def _largest(self, one: Contestant, talk: Talk, start: int) -> int:
        def holds(clients: int) -> bool:
            return any(
                self._load(one, talk, clients, talk).holds(BAR_MS) for _ in range(self._form.tries)
            )

        return largest(holds, start, self._form.resolution, _MOST)

    def _load(
        self,
        one: Contestant,
        talk: Talk,
        clients: int,
        what: str,
        turn_s: tuple[float, float] | None = None,
    ) -> Outcome:
        # A server of its own for each load: what the last one left behind is not measured.
        with one.start() as server:
            load = Load(
                one.wire(server.url),
                talk,
                max(1, clients),
                self._form.warm_s,
                self._form.window_s,
                turn_s,
                server_pid=server.pid,
            )
            outcome = self._client.submit(put_on, load).result()
        trial = Trial(one.name, what, outcome)
        self.trials.append(trial)
        self._console.print(
            f"{one.name}, {what}, {outcome.clients} streams: partial p95 "
            f"{outcome.partial_ms(95):.0f} ms, {'held' if trial.held else 'not held'}"
            + (f" ({outcome.errors[0]})" if outcome.errors else "")
        )
        return outcome


@click.command()
@click.option("--quick", is_flag=True, help="20 s for each load instead of 60, coarser steps")
@click.option(
    "--server",
    type=click.Choice(["both", "peer", "ours"]),
    default="both",
    show_default=True,
    help="measure only one of them",
)
@click.option("--start", default=64, show_default=True, help="streams to look at first")
@click.option(
    "--reference", type=int, help="the peer's largest load of speech, if it is not measured"
)
@click.option(
    "--model",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="from `python -m bench model`; made in the cache if not given",
)
@click.option("--fp32", is_flag=True, help="the fp32 files of the model, not the int8 ones")
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="settings of our server that serve english_16k_common with the model",
)
@click.option(
    "--tail-padding",
    default=PeerSettings().tail_padding_s,
    show_default=True,
    help="the peer's silence behind the sound, s",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="add a line of JSON")
def peers(
    quick: bool,
    server: str,
    start: int,
    reference: int | None,
    folder: Path | None,
    fp32: bool,
    config: Path | None,
    tail_padding: float,
    json_file: Path | None,
) -> None:
    """The same load on sherpa-onnx's C++ server and on ours: streams held, latency, fairness.

    A load is held if the 95th percentile of the partial latency is at most 200 ms, without a
    backlog. Nothing else should run on the machine. RASR_SPEECH_DIR adds human speech to the
    bundled recordings. About 15 minutes in the quick form, an hour and a half in full.
    """
    folder = (folder or cached()).absolute()
    settings = PeerSettings(tail_padding_s=tail_padding)
    ours = _OUR_SETTINGS.format(model=folder, precision="fp32" if fp32 else "int8")
    if config is not None:
        ours = config.read_text(encoding="utf-8")
    contestants = {
        "peer": Contestant(
            "peer", lambda: running_peer(folder, settings, int8=not fp32), SherpaWire
        ),
        "ours": Contestant("ours", lambda: running_server(ours), SisWire),
    }
    # Being told to end must end the server that is measured, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    standings: dict[str, Standing] = {}
    form = QUICK if quick else FULL
    with _client() as client:
        measurement = Measurement(form, client, Console())
        for name, one in contestants.items():
            if server in ("both", name):
                standings[name] = measurement.measure(one, start, reference)
                reference = standings["peer"].speech if name == "peer" else reference
    trials = measurement.trials
    report("peers: every load", _COLUMNS, [trial.row() for trial in trials], notes=_NOTES)
    report(
        "peers",
        _BARS,
        bars(standings.get("peer"), standings.get("ours")),
        notes=(
            f"peer: sherpa-onnx-online-websocket-server {' '.join(settings.arguments())}",
            f"model: {folder}, {'fp32' if fp32 else 'int8'}; windows of {form.window_s:.0f} s "
            f"after {form.warm_s:.0f} s; partial p95 at most {BAR_MS:.0f} ms",
        ),
        json_file=json_file,
        figures={"trials": [trial.figures() for trial in trials]},
    )


_NOTES = (
    "p50, p95, p99: partial latency, ms; late p95: of the last third of the window",
    "worst: the worst client's p95 over the median client's",
    "steps/s: decoding steps told by partials, for each stream; there are 3.1, fewer in pauses",
    "CPU, client: cores that the server and the load client took; sent late: p99, ms",
)


@contextmanager
def _client() -> Iterator[ProcessPoolExecutor]:
    """The load client's process: no thread and no memory of this one is in it."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as client:
        yield client


def bars(peer: Standing | None, ours: Standing | None) -> list[tuple[str, ...]]:
    """The comparison, a row for each bar; what was not measured is a dash."""
    peer, ours = peer or Standing(), ours or Standing()
    nothing = float("nan")
    conversation = f"{SPEECH_SHARE:.0%} speech"

    def row(
        what: str, theirs: float, our: float, least: float | None = None, most: float | None = None
    ) -> tuple[str, ...]:
        ratio = our / theirs if theirs else nothing
        limit = f"at least {least}" if least is not None else f"at most {most}"
        met = ratio >= least if least is not None else ratio <= (most or 0.0)
        return (
            what,
            _number(theirs, ".0f"),
            _number(our, ".0f"),
            _number(ratio, ".2f"),
            limit,
            "–" if ratio != ratio else ("yes" if met else "no"),
        )

    fair = ours.fairness
    return [
        row("all speech: streams held", peer.speech or nothing, ours.speech or nothing, least=1.1),
        row(
            f"conversation ({conversation}): streams held",
            peer.conversation or nothing,
            ours.conversation or nothing,
            least=1.8,
        ),
        row(
            f"final p95 at {FINAL_SHARE:.0%} of the peer's speech, ms",
            peer.final_p95_ms,
            ours.final_p95_ms,
            most=0.6,
        ),
        *(
            row(
                f"light load ({LIGHT_SHARE:.0%} of it): partial p{percent}, ms",
                peer.light_ms.get(percent, nothing),
                ours.light_ms.get(percent, nothing),
                most=1.0,
            )
            for percent in (50, 95)
        ),
        (
            "fairness at the highest load held: worst client over median",
            _number(peer.fairness, ".2f"),
            _number(fair, ".2f"),
            "–",
            "at most 2",
            "–" if fair != fair else ("yes" if fair <= 2 else "no"),
        ),
    ]


def _number(value: float, form: str) -> str:
    return "–" if value != value else format(value, form)
