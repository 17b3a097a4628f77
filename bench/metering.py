"""Verb `metering`: what writing down a round costs it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import httpx
from websockets.sync.client import ClientConnection, connect

from bench.beside import beside
from bench.latency import percentile
from bench.recordings import load
from bench.report import progress, report
from bench.servers import FAKE_ENGINE, running_server
from rasr.audio import SAMPLE_RATE
from rasr.usage.journal import Journal

_SYNC_S = 1.0
"""As often as the server waits for the disk."""
_SPACING_S = 0.0005
_WARM = 10
"""Rounds of a connection that do not count."""
_PASSWORD = "correct horse battery"
_LINE = json.dumps(
    [
        *("01234567-89ab-cdef-0123-456789abcdef", "0" * 32, "real-time", 1.8e9 + 0.123456),
        *(61, 60_500, "AKEXAMPLE00000000001", "1" * 32),
    ]
).encode()


@dataclass
class _Ends:
    """From END to the answer to it."""

    metered_ms: list[float] = field(default_factory=list)
    free_ms: list[float] = field(default_factory=list)


@click.command()
@click.option("--lines", default=20_000, show_default=True, help="Lines of the journal.")
@click.option("--rounds", default=400, show_default=True, help="Rounds of each kind.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="On the disk that is measured. Default: that of temporary files.",
)
def metering(lines: int, rounds: int, folder: Path | None) -> None:
    """What it costs to append a line to the journal of usage while the disk is written to, and how
    late END is answered with and without metering, the fake engine around it.

    Wanted is a p99 of a line under 1 ms, and a median of END within 2 % and a p95 within 5 %. Both
    kinds of rounds are had by turns, each from a server of its own.
    """
    with tempfile.TemporaryDirectory(dir=folder) as name, progress() as tracker:
        place = Path(name)
        tracker.step(f"{lines} lines", 1)
        line_us = _append(place / "usage", lines)
        config = f'{FAKE_ENGINE}[store]\nurl = "sqlite:///{place.absolute()}/store/store.db"\n'
        project = make_account(place, config)
        tracker.step(f"{rounds} rounds of each kind", 1)
        ends = _rounds(config, project, rounds)
    rows = [
        (
            "a line of the journal",
            *(f"{percentile(line_us, percent):.0f} µs" for percent in (50, 95, 99, 100)),
            "–",
        ),
        *(
            (
                f"END answered, {what}",
                *(f"{percentile(values, percent):.2f} ms" for percent in (50, 95, 99, 100)),
                told,
            )
            for what, values, told in (
                ("not metered", ends.free_ms, "1"),
                ("metered", ends.metered_ms, f"{_ratio(ends, 50):.3f}, p95 {_ratio(ends, 95):.3f}"),
            )
        ),
    ]
    report(
        "metering",
        ("what", "p50", "p95", "p99", "max", "ratio"),
        rows,
        figures={
            "line_p50_us": percentile(line_us, 50),
            "line_p99_us": percentile(line_us, 99),
            "line_max_us": max(line_us),
            "end_free_p50_ms": percentile(ends.free_ms, 50),
            "end_metered_p50_ms": percentile(ends.metered_ms, 50),
            "end_free_p95_ms": percentile(ends.free_ms, 95),
            "end_metered_p95_ms": percentile(ends.metered_ms, 95),
            "ratio_p50": _ratio(ends, 50),
            "ratio_p95": _ratio(ends, 95),
        },
    )


def _ratio(ends: _Ends, percent: float) -> float:
    return percentile(ends.metered_ms, percent) / percentile(ends.free_ms, percent)


def _append(folder: Path, lines: int) -> list[float]:
    """What each line took, µs, while another thread waits for the disk as the server's does."""
    journal = Journal(folder)
    journal.open()

    def sync(over: threading.Event) -> None:
        while not over.wait(_SYNC_S):
            journal.sync()

    taken = []
    with closing(journal), beside(sync):
        for _ in range(lines):
            began = time.perf_counter()
            assert journal.append(_LINE), "there is no room on the disk"
            taken.append((time.perf_counter() - began) * 1e6)
            time.sleep(_SPACING_S)
    return taken


def make_account(place: Path, config: str) -> str:
    """A user who may do everything, in the store of these settings. Returns his project.

    Args:
        place: a folder for the settings.
    """
    file = place / "rasr.toml"
    file.write_text(config)

    def rasr(*words: str, typed: str = "") -> str:
        group, *rest = words
        return subprocess.run(
            [sys.executable, "-m", "rasr", group, "--config", str(file), *rest],
            input=typed,
            text=True,
            check=True,
            capture_output=True,
        ).stdout

    project: str = json.loads(rasr("projects", "create", "bench", "--json"))["id"]
    rasr("users", "create", "ann", "--password", typed=f"{_PASSWORD}\n")
    rasr("policies", "attach", "SIS FullAccess", "--user", "ann")
    return project


def _rounds(config: str, project: str, count: int) -> _Ends:
    """Rounds of a server that meters and of one that does not, by turns."""
    audio = load("greeting").samples[: 2 * SAMPLE_RATE].tobytes()
    path = f"/v1/{project}/rasr/short-stream"
    ends = _Ends()
    with (
        running_server(config, "--no-auth", admission=False) as free,
        running_server(config, admission=False) as metered,
        _socket(free.url + path, {}) as free_socket,
        _socket(metered.url + path, {"x-auth-token": token(metered.url)}) as metered_socket,
    ):
        for number in range(_WARM + count):
            both = [(free_socket, ends.free_ms), (metered_socket, ends.metered_ms)]
            # Whoever comes second finds the other's last work still being done.
            for socket, into in both if number % 2 else reversed(both):
                taken_ms = _round(socket, audio)
                if number >= _WARM:
                    into.append(taken_ms)
    return ends


def _round(socket: ClientConnection, audio: bytes) -> float:
    start = {"audio_format": "pcm16k16bit", "property": "english_16k_common"}
    socket.send(json.dumps({"command": "START", "config": start}))
    _until(socket, "START")
    socket.send(audio)
    began = time.perf_counter()
    socket.send('{"command": "END"}')
    _until(socket, "END")
    return (time.perf_counter() - began) * 1000


def _until(socket: ClientConnection, kind: str) -> None:
    while (message := json.loads(socket.recv()))["resp_type"] != kind:
        assert message["resp_type"] != "ERROR", message


@contextmanager
def _socket(url: str, headers: dict[str, str]) -> Iterator[ClientConnection]:
    with connect(url, additional_headers=headers, proxy=None, compression=None) as socket:
        yield socket


def token(url: str) -> str:
    """Of the user of `make_account`, for the server at this URL."""
    user = {"name": "ann", "password": _PASSWORD, "domain": {"name": "default"}}
    asked = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "bench", "domain": {"name": "default"}}},
        }
    }
    answer = httpx.post(
        url.replace("ws:", "http:") + "/v3/auth/tokens", json=asked, trust_env=False
    ).raise_for_status()
    return answer.headers["x-subject-token"]
