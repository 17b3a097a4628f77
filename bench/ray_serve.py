"""Verb `ray`: what Ray Serve's proxy costs in time and processors, against the server itself."""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import click
import numpy as np
import psutil

from bench.load_client import load_generator
from bench.load_result import Clock, LoadResult, notes
from bench.report import milliseconds, progress, report
from bench.servers import FAKE_ENGINE, MeasuredServer, Usage, running_program, running_server
from bench.target import Target
from bench.workload import CorpusChoice, Talk

_SETTINGS = f'{FAKE_ENGINE}[auth]\nkind = "none"\n[capacity]\nmax_load = 0\n'
_REPLICA, _PROXY, _REST = "replica", "proxy", "rest"
_TITLES = {"ray::ServeReplica": _REPLICA, "ray::ProxyActor": _PROXY}
"""How the names begin that Ray gives its processes, whatever they do just then; children of a
replica are counted with it."""
_START_S = 120.0
_LOOK_S = 0.2
_TURNS_S = (2.0, 6.0)


class _RayServer(MeasuredServer):
    """Ray and all its processes; who of them takes how much is known too."""

    def __init__(self, url: str, pid: int) -> None:
        super().__init__(url, pid)
        self.seen: list[tuple[float, Counter[str]]] = []
        """When somebody looked, and what each part had taken by then, s."""

    def usage(self) -> Usage:
        """Read what Ray, its proxy and its replicas use of the machine."""
        self.seen.append((time.monotonic(), _parts(psutil.Process(self.pid))))  # type: ignore[no-untyped-call]
        return super().usage()

    def cores(self, result: LoadResult) -> dict[str, float]:
        """The cores that each part took in the window of a load."""
        window = result.window
        times = [at_s for at_s, _ in self.seen]
        shares = {}
        for part in (_REPLICA, _PROXY, _REST):
            taken = [parts[part] for _, parts in self.seen]
            before, after = np.interp([window.start_s, window.end_s], times, taken)
            shares[part] = float(after - before) / (window.end_s - window.start_s)
        return shares


def _parts(process: psutil.Process, part: str = _REST) -> Counter[str]:
    found: Counter[str] = Counter()
    try:
        words: list[str] = process.cmdline()  # type: ignore[no-untyped-call]
        title = words[0] if words else ""
        part = next((one for name, one in _TITLES.items() if title.startswith(name)), part)
        taken = process.cpu_times()
        found[part] = taken.user + taken.system
        children = process.children()  # type: ignore[no-untyped-call]
    except psutil.NoSuchProcess:
        return found
    for child in children:
        found += _parts(child, part)
    return found


@contextmanager
def _running_ray(replicas: int) -> Iterator[MeasuredServer]:
    """Start Ray on this machine, as `serve run` does, with so many replicas of the server.

    Raises:
        RuntimeError: it did not start.
    """
    program = Path(sys.executable).with_name("serve")
    if importlib.util.find_spec("ray") is None or not program.exists():
        raise RuntimeError("Ray Serve is not installed: make ray-for-tests")
    with tempfile.TemporaryDirectory() as folder:
        settings, file = Path(folder) / "rasr.toml", Path(folder) / "serve.json"
        settings.write_text(_SETTINGS, "utf-8")

        def command(port: int) -> list[str]:
            arguments = {
                "config": str(settings),
                "cores": 0.5,
                "min_replicas": replicas,
                "max_replicas": replicas,
            }
            application = {
                "name": "rasr",
                "route_prefix": "/",
                "import_path": "rasr.deploy.ray:application",
                "args": arguments,
            }
            options = {"host": "127.0.0.1", "port": port}
            # YAML, of which JSON is a part.
            file.write_text(json.dumps({"http_options": options, "applications": [application]}))
            return [str(program), "run", str(file)]

        with running_program("serve run", command, RAY_USAGE_STATS_ENABLED="0") as server:
            _wait_until_it_serves(server.url)
            yield _RayServer(server.url, server.pid)


def _wait_until_it_serves(url: str) -> None:
    """The proxy listens before there is a replica."""
    give_up_s = time.monotonic() + _START_S
    while time.monotonic() < give_up_s:
        try:
            with urllib.request.urlopen(url.replace("ws:", "http:") + "/healthz", timeout=5):
                return
        except OSError:
            time.sleep(_LOOK_S)
    raise RuntimeError("no replica came up")


@click.command()
@click.option("--clients", default=20, show_default=True, help="Real-time streams.")
@click.option("--replicas", default=1, show_default=True, help="Of the server, at Ray.")
@click.option("--warm-up", "warm_s", default=5.0, show_default=True, help="Before it counts, s.")
@click.option("--window", "window_s", default=30.0, show_default=True, help="What counts, s.")
def ray(clients: int, replicas: int, warm_s: float, window_s: float) -> None:
    """What Ray's proxy adds to latency, and takes of the machine; the engine is the fake one.

    The same conversations at a server itself and at `rasr.deploy.ray` by `serve run`. Chunks of 100
    ms, streams of 2 to 6 s, so that many ends are timed. Needs `make ray-for-tests`.
    """
    starts: dict[str, Callable[[], AbstractContextManager[MeasuredServer]]] = {
        "the server itself": lambda: running_server(_SETTINGS),
        f"by Ray, {replicas} replica{'s' if replicas > 1 else ''}": lambda: _running_ray(replicas),
    }
    rows, results = [], []
    figures: dict[str, object] = {"clients": clients, "replicas": replicas}
    with progress() as tracker, load_generator(tracker) as generator:
        for name, start in starts.items():
            target = Target(
                start=start,
                corpus=CorpusChoice("en"),
                talk=Talk.CONVERSATION,
                warm_s=warm_s,
                window_s=window_s,
                turn_s=_TURNS_S,
            )
            with target.running() as (url, server):
                result = generator.put_on(target.load(url, clients), name, server)
                shares = (
                    server.cores(result)
                    if isinstance(server, _RayServer)
                    else {_REPLICA: result.server_cpu, _PROXY: 0.0, _REST: 0.0}
                )
            results.append(result)
            times = {
                f"{clock.name.lower()}_{label}_ms": result.ms(clock, percent)
                for clock in (Clock.END, Clock.FINAL)
                for label, percent in (("p50", 50), ("p95", 95))
            }
            costs = {f"{part}_ms": share / clients * 1000 for part, share in shares.items()}
            rows.append(
                (
                    name,
                    *(milliseconds(one) for one in times.values()),
                    *(f"{one:.2f} ms" for one in costs.values()),
                    str(len(result.errors) + len(result.refused) + result.lost),
                )
            )
            key = "ray" if isinstance(server, _RayServer) else "direct"
            figures[key] = {**times, **costs, "streams": result.streams, "ended": result.ended}
    report(
        "ray",
        (
            *("carried by", "END to END p50", "p95", "speech end to final p50", "p95"),
            *("server, CPU a stream-second", "proxy", "rest of Ray", "errors"),
        ),
        rows,
        notes=notes(results),
        figures=figures,
    )
