"""Verb `speaking`: what live speech pays while texts are spoken on the same machine."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from bench.latency import ratio
from bench.load_client import load_generator
from bench.load_result import Clock, LoadResult, figures, notes
from bench.report import milliseconds, number, progress, report, verdict
from bench.target import load_options, server_options, target

_BAR = 1.15
_CLOCKS = (Clock.FIRST, Clock.FINAL)
_SENTENCE = "The train to the coast leaves at noon, and the journey takes about an hour. "
_SENTENCES = 2000
_BLOCK_BYTES = 1 << 14


class Talker:
    """Has a long text spoken again and again by `rasr say`, as fast as that can."""

    def __init__(self, voice: str, folder: Path) -> None:
        text = folder / "text.txt"
        text.write_text(_SENTENCE * _SENTENCES, "utf-8")
        said = ["say", "--file", str(text), "--voice", voice, "--out", "-", "--format", "pcm"]
        self._command = [sys.executable, "-m", "rasr", *said]
        self._ended = False
        self._process: subprocess.Popen[bytes] | None = None
        self._spoke = threading.Event()
        self._thread = threading.Thread(target=self._talk, name="talker", daemon=True)
        self._told = ""
        self.bytes = 0
        """Of samples that were spoken."""

    def start(self) -> None:
        """Begin; returns when the first sound has come."""
        self._thread.start()
        self._spoke.wait()
        if self.bytes == 0:
            raise click.ClickException(f"rasr say says nothing: {self._told.strip()}")

    def stop(self) -> None:
        """End it."""
        self._ended = True
        if self._process is not None:
            self._process.kill()
        self._thread.join()

    def _talk(self) -> None:
        while not self._ended:
            # What it tells people is short enough for a pipe.
            with subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            ) as process:
                self._process = process
                assert process.stdout is not None
                assert process.stderr is not None
                while block := process.stdout.read(_BLOCK_BYTES):
                    self.bytes += len(block)
                    self._spoke.set()
                self._told = process.stderr.read().decode(errors="replace")
            if self.bytes == 0:
                self._ended = True
        self._spoke.set()


@contextmanager
def talking(voice: str, talkers: int) -> Iterator[list[Talker]]:
    """So many speak for as long as this lasts."""
    with TemporaryDirectory() as folder:
        every = [Talker(voice, Path(folder)) for _ in range(talkers)]
        try:
            for one in every:
                one.start()
            yield every
        finally:
            for one in every:
                one.stop()


@click.command()
@click.option("--clients", type=click.IntRange(min=1), default=4, help="Live speakers.")
@click.option("--voice", default="espeak-female", help="Who speaks, as of `rasr voices`.")
@click.option("--talkers", type=click.IntRange(min=1), default=1, help="Texts at a time.")
@server_options
@load_options
def speaking(clients: int, voice: str, talkers: int, processes: int | None, **options: Any) -> None:
    """Live recognition alone, and beside synthesis that takes all it can get.

    Wanted: with synthesis the p95 of a word to its first message, and of speech to its final, is at
    most 1.15 times what it is without. The synthesis is `rasr say`, whose workers are those that a
    server has: of low priority, one for two cores.

    \b
    python -m bench speaking --clients 4 --voice joe --window 60
    """
    chosen = target(**options)
    results: dict[str, LoadResult] = {}
    with progress() as tracker, load_generator(tracker, processes) as generator:
        with chosen.running() as (url, server):
            results["alone"] = generator.put_on(chosen.load(url, clients), "alone", server)
        with chosen.running() as (url, server), talking(voice, talkers) as every:
            before = sum(one.bytes for one in every)
            results["beside"] = generator.put_on(
                chosen.load(url, clients), f"beside {voice}", server
            )
            spoken = sum(one.bytes for one in every) - before
    rows = []
    ratios = {}
    for clock in _CLOCKS:
        alone, beside = (results[name].ms(clock, 95) for name in ("alone", "beside"))
        ratios[clock.name.lower()] = factor = ratio(beside, alone)
        rows.append(
            (
                f"{clock}, p95, ms",
                milliseconds(alone),
                milliseconds(beside),
                number(factor, ".2f"),
                f"at most {_BAR}",
                verdict(factor, most=_BAR),
            )
        )
    report(
        "speaking",
        ("what", "alone", f"beside {voice}", "ratio", "bar", "met"),
        rows,
        notes=(
            f"{clients} live speakers; {talkers} texts at a time, {number(spoken / 1e6, '.1f')} MB "
            "of samples spoken meanwhile",
            *chosen.notes(),
            *notes(list(results.values())),
        ),
        figures={
            "ratios": ratios,
            "spoken_bytes": spoken,
            **{name: figures(result) for name, result in results.items()},
        },
    )
