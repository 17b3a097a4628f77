"""Verb `first-minutes`: what somebody waits for who has just fetched the project.

The set-up is that of a clone without anything, with a folder of its own for models; the server
remembers nothing that it has measured. Somebody speaks as soon as the server says that it is ready.
"""

from __future__ import annotations

import asyncio
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import click

from bench.report import ROOT, Tracker, number, progress, report, verdict
from rasr.client import (
    ClientError,
    Options,
    Result,
    ServerMessage,
    chunks_of_file,
    connect,
    stream_recording,
)

LINE_S, READY_S, PARTIAL_S, SETUP_S, SETUP_MB = 0.3, 5.0, 10.0, 90.0, 550.0
"""The bars: from the start of `rasr serve` to its first line of output, to ready, to the first
partial; `make setup`, and what it takes of the disk."""
_SPEECH = ROOT / "rasr" / "data" / "demo-human.flac"
_WAIT_S = 120.0
"""Whatever takes longer is given up."""
_READY = re.compile(r"ws://[\w.\[\]:]+:\d+")


@dataclass(frozen=True, slots=True)
class Setup:
    """What `make setup` took."""

    seconds: float
    environment_mb: float
    models_mb: float

    @property
    def mb(self) -> float:
        """All of it."""
        return self.environment_mb + self.models_mb


@dataclass(frozen=True, slots=True)
class Start:
    """What one start of a server took, in seconds from its beginning."""

    line_s: float
    ready_s: float
    partial_s: float


def megabytes(folder: Path) -> float:
    """What the files in a folder take of the disk; a file with several names counts once."""
    sizes: dict[int, int] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            about = os.lstat(os.path.join(place, name))
            sizes[about.st_ino] = about.st_blocks * 512
    return sum(sizes.values()) / (1 << 20)


def set_up(folder: Path, data: Path) -> Setup:
    """Clone this checkout as it is committed, and set it up.

    Args:
        folder: where the clone comes, which must not be there yet.
        data: of the user, where models are kept.

    Raises:
        click.ClickException: it failed.
    """
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    log = folder.with_suffix(".log")
    begun = time.monotonic()
    with log.open("wb") as output:
        done = subprocess.run(
            ["make", "setup", f"PYTHON={sys.executable}"],
            cwd=folder,
            env=_environment(XDG_DATA_HOME=str(data)),
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        raise click.ClickException(f"make setup failed: {log.read_text('utf-8')[-1000:]}")
    return Setup(time.monotonic() - begun, megabytes(folder / ".venv"), megabytes(data))


def _environment(**more: str) -> dict[str, str]:
    """That of this process without what would lead others to this checkout, and some more."""
    left_out = ("PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL")
    return {key: value for key, value in os.environ.items() if key not in left_out} | more


def start(rasr: Sequence[str], environment: Mapping[str, str]) -> Start:
    """Start a server and speak to it as soon as it is ready.

    Args:
        rasr: the program, and what it needs to be `rasr`.

    Raises:
        click.ClickException: it did not become ready, or recognised nothing.
    """
    begun = time.monotonic()
    with _lines([*rasr, "serve", "--port", "0"], environment) as lines:
        first_s, said = 0.0, ""
        while (found := _READY.search(said)) is None:
            try:
                at, said = lines.get(timeout=_WAIT_S)
            except queue.Empty:
                raise click.ClickException("the server does not become ready") from None
            if not said:
                raise click.ClickException("the server has ended before it was ready")
            first_s = first_s or at - begun
        ready_s = at - begun
        try:
            asyncio.run(_first_partial(found[0]))
        except ClientError as error:
            raise click.ClickException(str(error)) from error
        return Start(first_s, ready_s, time.monotonic() - begun)


@contextmanager
def _lines(
    command: list[str], environment: Mapping[str, str]
) -> Iterator[queue.SimpleQueue[tuple[float, str]]]:
    """Run a program; what it says, line by line with the time, and an empty line at its end."""
    said: queue.SimpleQueue[tuple[float, str]] = queue.SimpleQueue()
    process = subprocess.Popen(
        command,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout

    def read() -> None:
        for line in output:
            said.put((time.monotonic(), line))
        said.put((time.monotonic(), ""))

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    try:
        yield said
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_WAIT_S)
        reading.join(_WAIT_S)
        output.close()


async def _first_partial(url: str) -> None:
    """Speak until the first text comes.

    Raises:
        click.ClickException: the recording is over, and none has come.
    """
    heard = asyncio.Event()

    def listen(message: ServerMessage) -> None:
        if isinstance(message, Result) and message.segments[0].text:
            heard.set()

    options = Options.of("english_16k_common", interim_results=True)
    async with asyncio.timeout(_WAIT_S), connect(url, options) as session:
        chunks = chunks_of_file(_SPEECH, options.config.audio_format)
        speaking = asyncio.create_task(stream_recording(session, chunks, listen))
        listening = asyncio.create_task(heard.wait())
        await asyncio.wait((speaking, listening), return_when=asyncio.FIRST_COMPLETED)
        for task in (speaking, listening):
            task.cancel()
        await asyncio.gather(speaking, listening, return_exceptions=True)
    if not heard.is_set():
        raise click.ClickException("a whole recording was recognised as nothing")


def rows(setup: Setup | None, starts: list[Start]) -> list[tuple[str, str, str, str]]:
    """What was measured beside its bars; of several starts the median.

    Args:
        setup: None where nothing was set up.
    """

    def row(
        what: str, value: float, most: float, form: str, unit: str
    ) -> tuple[str, str, str, str]:
        return (
            what,
            number(value, form, unit),
            f"at most {number(most, 'g', unit)}",
            verdict(value, most=most),
        )

    told = [
        row("rasr serve: first line", median(one.line_s for one in starts), LINE_S, ".2f", " s"),
        row("rasr serve: ready", median(one.ready_s for one in starts), READY_S, ".1f", " s"),
        row(
            "rasr serve: first partial of somebody who speaks at once",
            *(median(one.partial_s for one in starts), PARTIAL_S, ".1f", " s"),
        ),
    ]
    if setup is not None:
        told += [
            row("make setup: time", setup.seconds, SETUP_S, ".0f", " s"),
            row("make setup: environment and default model", setup.mb, SETUP_MB, ".0f", " MB"),
        ]
    return told


@click.command("first-minutes")
@click.option("--starts", default=3, show_default=True, help="Starts of the server; 1 or more.")
@click.option(
    "--setup/--no-setup",
    "with_setup",
    default=True,
    show_default=True,
    help="Set up a clone first and start its server; else the server of this environment, with the "
    "models of this user.",
)
def first_minutes(starts: int, with_setup: bool) -> None:
    """How long somebody waits who has just fetched the project.

    `make setup` of a clone of the last commit, then starts of its server, none of which remembers a
    calibration, each spoken to as soon as it is ready. The first start of all, in which Python
    compiles the project, is not counted.

    \b
    python -m bench first-minutes
    python -m bench first-minutes --no-setup
    """
    if starts < 1:
        raise click.UsageError(f"--starts is {starts}; allowed: 1 or more")
    with progress() as tracker, tempfile.TemporaryDirectory() as scratch:
        done, found = _measured(Path(scratch), starts, with_setup, tracker)
    report(
        "first-minutes",
        ("what", "took", "bar", "met"),
        rows(done, found),
        notes=[] if done is None else [_sizes(done)],
        figures={
            "setup": None if done is None else asdict(done),
            "starts": [asdict(one) for one in found],
        },
    )


def _measured(
    scratch: Path, starts: int, with_setup: bool, tracker: Tracker
) -> tuple[Setup | None, list[Start]]:
    done = None
    # -P: otherwise the package in the working directory would come first.
    program = [sys.executable, "-P", "-m", "rasr"]
    environment = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
    if with_setup:
        tracker.step("make setup", 1.0)
        data = scratch / "data"
        done = set_up(scratch / "clone", data)
        program = [str(scratch / "clone" / ".venv" / "bin" / "rasr")]
        environment = _environment(XDG_DATA_HOME=str(data))
    tracker.step("starts", starts + 1.0)
    found = []
    for count in range(starts + 1):
        cache = scratch / f"cache-{count}"
        # A newcomer has no settings of his own.
        own = {"XDG_CACHE_HOME": str(cache), "RASR_CONFIG": os.devnull}
        found.append(start(program, environment | own))
        tracker.at(count + 1.0)
    return done, found[1:]


def _sizes(done: Setup) -> str:
    return f"environment {done.environment_mb:.0f} MB, models {done.models_mb:.0f} MB"
