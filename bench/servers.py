"""The servers that are measured: each is a process of its own, watched from outside.

Ours is started as `rasr serve`, from this checkout or from another one, so that two checkouts can
be measured on the same machine in the same hour. sherpa-onnx's C++ server comes with the package
sherpa-onnx-bin.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
import psutil

from bench.report import ROOT
from tools.ports import free_port

FAKE_ENGINE = '[engines.fake]\nkind = "fake"\n[properties]\nenglish = "fake"\n'
"""Settings for the server alone: an engine that costs next to nothing."""
SHERPA_PROGRAM = "sherpa-onnx-online-websocket-server"

_MEASURED_MODEL = """\
[engines.measured]
kind = "sherpa-onnx"
[engines.measured.options]
model = "{folder}"
precision = "{precision}"
[properties]
english = "measured"
[decoding]
# As many as come: the load says how many, and what is too much shows as latency.
streams_per_worker = 256
"""
_WHISPER = """\
[engines.whisper]
kind = "whisper"
[engines.whisper.options]
model = "{folder}"
[properties]
{language} = "whisper"
"""
_NO_ADMISSION = {"RASR_CAPACITY__MAX_LOAD": "0"}
_START_S = 60.0
_STOP_S = 20.0

Command = TypeVar("Command", bound=Callable[..., Any])


def measured_model(folder: Path, precision: str = "int8") -> str:
    """Return settings for a server with the model of a folder that `bench.model` made."""
    return _MEASURED_MODEL.format(folder=folder.absolute(), precision=precision)


def whisper_settings(folder: Path | str, language: str) -> str:
    """Return settings for a server with the Whisper model of a folder.

    Args:
        folder: of the model, in the format of faster-whisper.
        language: what it serves, as it begins a property: "english".
    """
    return _WHISPER.format(folder=Path(folder).absolute(), language=language)


def server_path_option(command: Command) -> Command:
    """`--server-path DIR`: the checkout whose server is measured, handed on as `server_path`."""
    return click.option(
        "--server-path",
        type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
        metavar="DIR",
        help="Root of the checkout whose server is measured, where it is not this one: to compare "
        "two checkouts on one machine.",
    )(command)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a server has used of the machine."""

    cpu_s: float
    """User and system time, worker processes included."""
    rss_bytes: int
    """Of the server's process alone."""
    tree_rss_bytes: int
    """Worker processes included, pages that are shared counted in each."""


class MeasuredServer:
    """A server that is ready, at `url`."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self._process = psutil.Process(pid)  # type: ignore[no-untyped-call]

    def kill(self) -> None:
        """End it from one moment to the next."""
        self._process.kill()  # type: ignore[no-untyped-call]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It does nothing for as long as this lasts; who has ended meanwhile stays so."""
        self._process.suspend()  # type: ignore[no-untyped-call]
        try:
            yield
        finally:
            with suppress(psutil.NoSuchProcess):
                self._process.resume()  # type: ignore[no-untyped-call]

    def usage(self) -> Usage:
        """Read its use of the machine.

        Raises:
            psutil.NoSuchProcess: it has ended.
        """
        cpu_s, rss = 0.0, 0
        children = self._process.children(recursive=True)  # type: ignore[no-untyped-call]
        for process in (self._process, *children):
            try:
                times = process.cpu_times()
                rss += process.memory_info().rss
            except psutil.NoSuchProcess:
                if process is self._process:
                    raise
                continue
            cpu_s += times.user + times.system
        return Usage(cpu_s, self._process.memory_info().rss, rss)


@contextmanager
def running_server(
    config: str = "",
    *arguments: str,
    admission: bool = True,
    server_path: Path | None = None,
    cache: Path | None = None,
    cores: Collection[int] | None = None,
) -> Iterator[MeasuredServer]:
    """Start `rasr serve` with the text of a settings file; stop it at the end.

    Args:
        config: TOML.
        arguments: further ones of `rasr serve`.
        admission: False: it refuses nobody for its load, so what is too much shows as latency.
        server_path: root of the checkout that the server is started from; None: this one.
        cache: where it remembers what it has measured; None: where it always does.
        cores: those that it may use, by number; None: all.

    Raises:
        RuntimeError: it did not start; the text is what it said.
    """
    root = server_path or ROOT
    # First, because what is in PYTHONPATH already may be a checkout, too.
    python_path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": python_path}
    if cache is not None:
        environment["XDG_CACHE_HOME"] = str(cache)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rasr.toml"
        file.write_text(config, encoding="utf-8")
        if "[store]" not in config:
            # What is kept of recordings goes with the server, and not into anybody's own store.
            environment["RASR_STORE__URL"] = f"sqlite:///{folder}/store/store.db"
        with on_cores(cores):
            process = subprocess.Popen(
                [
                    # -P: else the package in the working directory would come before PYTHONPATH.
                    *(sys.executable, "-P", "-m", "rasr", "serve"),
                    *("--port", "0", "--config", str(file), "--log-level", "warning"),
                    *arguments,
                ],
                env=environment if admission else environment | _NO_ADMISSION,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            found = re.search(r"ws://[\d.]+:\d+", line)
            if found is None:
                raise RuntimeError(f"the server did not start: {line or 'see above'}")
            yield MeasuredServer(found[0], process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            finally:
                process.kill()
                process.stdout.close()


@contextmanager
def on_cores(cores: Collection[int] | None) -> Iterator[None]:
    """Have this thread, and processes that it starts meanwhile, on these cores; None: on all."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before if cores is None else cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True, slots=True)
class SherpaSettings:
    """How sherpa-onnx's C++ server is set up: as well as it goes on few cores.

    Its defaults are five streams to a batch and three threads for decoding; best are one thread to
    a decoding, as many of them as there are cores, and batches of 16. Everything else is as it
    comes: a scan of all connections every 10 ms, one thread for the network, 0.8 s of silence
    behind the audio, its own endpoints.
    """

    work_threads: int = 0
    """Threads that decode; 0: one for each core."""
    io_threads: int = 1
    batch: int = 16
    loop_ms: int = 10
    tail_padding_s: float = 0.8

    def arguments(self) -> list[str]:
        """Return the arguments of the program, the model apart."""
        threads = self.work_threads or len(os.sched_getaffinity(0))
        return [
            "--num-threads=1",
            f"--num-work-threads={threads}",
            f"--num-io-threads={self.io_threads}",
            f"--max-batch-size={self.batch}",
            f"--loop-interval-ms={self.loop_ms}",
            f"--end-tail-padding={self.tail_padding_s}",
        ]


@contextmanager
def running_sherpa(
    folder: Path, settings: SherpaSettings, *, int8: bool
) -> Iterator[MeasuredServer]:
    """Start sherpa-onnx's C++ server with the model of a folder; stop it at the end.

    Raises:
        RuntimeError: it is not installed, or it did not start.
    """
    program = Path(sys.executable).with_name(SHERPA_PROGRAM)
    if not program.exists():
        raise RuntimeError(f"{program} is missing: `make dev` installs sherpa-onnx-bin")
    kind = ".int8.onnx" if int8 else ".onnx"

    def command(port: int) -> list[str]:
        return [
            str(program),
            f"--tokens={folder / 'tokens.txt'}",
            *(f"--{part}={folder / part}{kind}" for part in ("encoder", "decoder", "joiner")),
            "--log-file=log",
            *settings.arguments(),
            f"--port={port}",
        ]

    with running_program(SHERPA_PROGRAM, command) as server:
        yield server


@contextmanager
def running_program(
    name: str, command: Callable[[int], Sequence[str]], **environment: str
) -> Iterator[MeasuredServer]:
    """Start a server of others, wait until it listens; stop it at the end.

    Args:
        name: for messages.
        command: the command for a port of 127.0.0.1.
        environment: further variables.

    Raises:
        RuntimeError: it did not start; the text is what it said.
    """
    port = free_port()
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "output"
        with output.open("w") as file:
            process = subprocess.Popen(
                command(port),
                cwd=scratch,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=os.environ | environment,
            )
        try:
            _wait_until_it_listens(name, process, port, output)
            yield MeasuredServer(f"ws://127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(_STOP_S)


def _wait_until_it_listens(
    name: str, process: subprocess.Popen[bytes], port: int, output: Path
) -> None:
    give_up_s = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < give_up_s:
        # It listens before it has said so, and after the model is loaded.
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    words = output.read_text(encoding="utf-8", errors="replace")[-1000:]
    raise RuntimeError(f"{name} did not start; it said: {words}")
