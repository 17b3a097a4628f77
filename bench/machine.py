"""What a number was measured on: without it the number says nothing."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

_FILE_WIDTH = 140
_PACKAGES = ("rasr", "pocketsphinx", "websockets", "uvicorn", "numpy", "webrtcvad-wheels")


def describe() -> dict[str, object]:
    """The machine, who else uses it, and the versions that matter."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def report(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    notes: Sequence[str] = (),
    json_file: Path | None = None,
    figures: Mapping[str, object] | None = None,
) -> None:
    """Print a table with what it was measured on; add a line of JSON to a file where one is given.

    `load average` before a run tells of others on the machine: more than a few tenths spoil it.
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
        console.print(note)
    console.print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_average']}")
    if json_file is not None:
        line = {"verb": title, "machine": machine, "figures": figures or {}}
        with json_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    models = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(models, "unknown")
