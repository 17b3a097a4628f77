"""Verb `peers`: the same load on the servers of others and on ours, side by side in one run.

Same sound, same clients, same reckoning (`bench.latency` says what the clocks are); only the wire
differs (`bench.wires`, `bench.adapters`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import click

from bench.adapters.funasr import FunasrWire
from bench.adapters.sherpa_cpp import PeerSettings, running_peer
from bench.adapters.sherpa_python import SherpaPythonWire, arguments, running_python_server
from bench.adapters.vosk import VoskWire
from bench.adapters.whisperlive import WhisperLiveWire
from bench.bars import BARS, Standing, bar_columns, bar_rows
from bench.clients import load_clients
from bench.corpus import Source
from bench.figures import milliseconds, number, said
from bench.machine import report
from bench.model import cached
from bench.outcome import Clock, Outcome
from bench.percentiles import ratio
from bench.pictures import pairs_picture
from bench.progress import progress
from bench.server import MeasuredServer, measured_model, running_server
from bench.standing import (
    BAR_MS,
    FULL,
    QUICK,
    TRIAL_COLUMNS,
    TRIAL_NOTES,
    Contestant,
    Form,
    Measurement,
)
from bench.target import Running
from bench.wires import SherpaWire, SisWire, Wire

CPP, PYTHON, OURS = "sherpa C++", "sherpa Python", "ours"
_SERVERS = {"cpp": CPP, "python": PYTHON, "ours": OURS}


@click.command()
@click.option("--quick", is_flag=True, help="20 s for each load instead of 60, coarser steps.")
@click.option(
    "--server",
    "servers",
    type=click.Choice([*_SERVERS, "none"]),
    multiple=True,
    help="With the same model, measure only this one; repeat for several. none: only those at "
    "addresses. Default: cpp, python where it is given, ours.",
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
    "it refuses nobody for its load: the peers do not.",
)
@click.option(
    "--tail-padding",
    default=PeerSettings().tail_padding_s,
    show_default=True,
    help="The C++ server's silence behind the sound, s.",
)
@click.option(
    "--python-server",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="python-api-examples/streaming_server.py of https://github.com/k2-fsa/sherpa-onnx, with "
    "http_server.py beside it; is run with the same model.",
)
@click.option(
    "--sherpa-python",
    metavar="URL",
    help="Instead: its address, where it runs with the measured model.",
)
@click.option("--vosk", metavar="URL", help="A vosk-server, such as ws://127.0.0.1:2700.")
@click.option("--funasr", metavar="URL", help="A FunASR runtime, such as ws://127.0.0.1:10095.")
@click.option("--whisperlive", metavar="URL", help="A WhisperLive, such as ws://127.0.0.1:9090.")
@click.option(
    "--clients", default=4, show_default=True, help="Clients of each load on those three."
)
@click.option(
    "--property",
    "property_name",
    default="english_16k_common",
    show_default=True,
    help="What is said to those three, and what ours is asked for beside them.",
)
def peers(
    servers: tuple[str, ...],
    quick: bool,
    reference: int | None,
    start: int,
    clients: int,
    property_name: str,
    **options: Any,
) -> None:
    """The same load on other servers and on ours: streams held, latency, fairness, ratios.

    With the same model (`python -m bench model`): sherpa-onnx's C++ server, its Python server where
    --python-server or --sherpa-python says which, and ours. A load is held if the 95th percentile
    of the chunk compute latency is at most 200 ms, without a backlog.

    At addresses, with whatever model they have: vosk-server, FunASR and WhisperLive. Their words do
    not tell the time, so a load of bundled sentences is put on each and on ours as it comes, and
    the user-perceived and final latencies are compared.

    Nothing else should run on the machine. Two servers take about half an hour in the quick form,
    two hours in full.
    """
    form = QUICK if quick else FULL
    same = _same_model(servers, **options)
    foreign = _at_addresses(property_name, **options)
    if not same and not foreign:
        raise click.UsageError("nothing is to be measured: --server none, and no address")
    standings: list[Standing] = []
    outcomes: list[tuple[str, Outcome]] = []
    try:
        source = Source.of(property_name, None)
        with progress() as tracker, load_clients(tracker) as crowd:
            measurement = Measurement(form, crowd, tracker)
            for one in same:
                standings.append(measurement.measure(one, start, reference))
                if reference is None and standings[-1].speech == standings[-1].speech:
                    reference = int(standings[-1].speech)
            outcomes += [(one.name, measurement.perceive(one, clients, source)) for one in foreign]
    except (RuntimeError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    _tell(form, measurement, [one.name for one in same], standings, outcomes)


def _tell(
    form: Form,
    measurement: Measurement,
    names: list[str],
    standings: list[Standing],
    outcomes: list[tuple[str, Outcome]],
) -> None:
    trials = measurement.trials
    windows = f"windows of {form.window_s:.0f} s after {form.warm_s:.0f} s of warm-up"
    figures = {
        "trials": [trial.figures() for trial in trials],
        "bars": {
            bar.what: {name: bar.of(one) for name, one in zip(names, standings, strict=True)}
            for bar in BARS
        },
    }
    if standings:
        steps = [trial.row() for trial in trials if trial.tells_steps]
        report("peers: every load", TRIAL_COLUMNS, steps, notes=TRIAL_NOTES)
        report(
            "peers",
            bar_columns(names),
            bar_rows(standings),
            notes=(
                f"{CPP}: {' '.join(PeerSettings().arguments())}",
                f"{PYTHON}: {' '.join(arguments())}",
                f"{windows}; chunk compute p95 at most {BAR_MS:.0f} ms",
            ),
            figures=figures,
            picture=pairs_picture(
                "peers, with the same model",
                [(bar.what, [bar.of(one) for one in standings]) for bar in BARS],
                names,
            ),
        )
    if outcomes:
        pairs = perceived_rows(outcomes)
        known = [name for name, _ in outcomes]
        report(
            "peers at addresses",
            perceived_columns(known),
            [
                (
                    what,
                    *(milliseconds(one) for one in values),
                    *(number(ratio(values[-1], one), ".2f") for one in values[:-1]),
                )
                for what, values in pairs
            ],
            notes=(f"each with its own model; {windows}", *said([one for _, one in outcomes])),
            figures=None if standings else figures,
            picture=pairs_picture("peers, each with its own model", pairs, known),
        )


def perceived_columns(names: list[str]) -> tuple[str, ...]:
    *others, ours = names
    return ("ms", *names, *(f"{ours} / {one}" for one in others))


def perceived_rows(outcomes: list[tuple[str, Outcome]]) -> list[tuple[str, tuple[float, ...]]]:
    """What is compared of servers with models of their own; the last one is ours."""
    rows = [
        (f"{clock}, p{percent}", tuple(one.ms(clock, percent) for _, one in outcomes))
        for clock in (Clock.FIRST, Clock.STABLE, Clock.FINAL, Clock.END)
        for percent in (50, 95)
    ]
    heard = tuple(one.heard / max(one.words, 1) * 100 for _, one in outcomes)
    return [
        *rows,
        ("words heard, %", heard),
        ("sentences lost", tuple(float(one.lost) for _, one in outcomes)),
        ("errors", tuple(float(len(one.errors) + len(one.refused)) for _, one in outcomes)),
    ]


def _same_model(
    servers: tuple[str, ...],
    *,
    folder: Path | None,
    fp32: bool,
    config: Path | None,
    tail_padding: float,
    python_server: Path | None,
    sherpa_python: str | None,
    **_: Any,
) -> list[Contestant]:
    wanted = list(servers)
    if not wanted:
        wanted = [one for one in _SERVERS if one != "python" or python_server or sherpa_python]
    if "python" in wanted and not (python_server or sherpa_python):
        raise click.UsageError("--server python needs --python-server or --sherpa-python")
    if wanted == ["none"]:
        return []
    model = (folder or cached()).absolute()
    settings = PeerSettings(tail_padding_s=tail_padding)
    ours = measured_model(model, "fp32" if fp32 else "int8")
    if config is not None:
        ours = config.read_text(encoding="utf-8")

    def python() -> AbstractContextManager[Running]:
        if sherpa_python is not None or python_server is None:
            return _address(sherpa_python or "")
        return _process(lambda: running_python_server(python_server, model, int8=not fp32))

    known = {
        "cpp": Contestant(
            CPP, lambda: _process(lambda: running_peer(model, settings, int8=not fp32)), SherpaWire
        ),
        "python": Contestant(PYTHON, python, SherpaPythonWire),
        "ours": Contestant(
            OURS, lambda: _process(lambda: running_server(ours, admission=False)), SisWire
        ),
    }
    return [one for name, one in known.items() if name in wanted]


def _at_addresses(
    property_name: str, *, vosk: str | None, funasr: str | None, whisperlive: str | None, **_: Any
) -> list[Contestant]:
    language = "zh" if property_name.startswith("chinese") else "en"
    wires: dict[str, tuple[str | None, Callable[[str], Wire]]] = {
        "vosk-server": (vosk, VoskWire),
        "FunASR": (funasr, FunasrWire),
        "WhisperLive": (whisperlive, lambda url: WhisperLiveWire(url, language)),
    }
    known = [
        Contestant(name, lambda url=url: _address(url), wire)  # type: ignore[misc]
        for name, (url, wire) in wires.items()
        if url is not None
    ]
    if not known:
        return []
    ours = Contestant(
        OURS,
        lambda: _process(lambda: running_server(admission=False)),
        lambda url: SisWire(url, property_name),
    )
    return [*known, ours]


@contextmanager
def _process(start: Callable[[], AbstractContextManager[MeasuredServer]]) -> Iterator[Running]:
    with start() as server:
        yield Running(server.url, server)


@contextmanager
def _address(url: str) -> Iterator[Running]:
    yield Running(url, None)
