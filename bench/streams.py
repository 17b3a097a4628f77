"""Verb `streams`: how many people can speak at once, and what they wait for their text."""

from __future__ import annotations

from pathlib import Path

import click
import uvloop

from bench.load import Heard, speak_together
from bench.machine import report
from bench.percentiles import percentile, shown
from bench.server import running_server
from tests.speech.library import load

BAR_MS = 1000


@click.command()
@click.argument("clients", type=int, nargs=-1)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="add a line of JSON")
def streams(clients: tuple[int, ...], json_file: Path | None) -> None:
    """Real-time English streams with the default model: 1, 4, 8, 10 and 12, or CLIENTS.

    Each plays the bundled conversation (25 s, two thirds of it speech). Final latency is from the
    true end of a sentence to its final, beyond vad_tail; the bar is p95 under 1 s at 8 streams.
    """
    rows, figures = [], {}
    with running_server() as server:
        for count in clients or (1, 4, 8, 10, 12):
            before = server.usage()
            heard = uvloop.run(speak_together(server.url, load("conversation"), count))
            cpu_s = server.usage().cpu_s - before.cpu_s
            rows.append(_row(count, heard, cpu_s))
            figures[str(count)] = {
                "final_p95_ms": percentile(heard.final_ms(), 95),
                "first_partial_p50_ms": percentile(heard.first_partial_ms(), 50),
                "finals": heard.finals,
                "sentences": heard.sentences,
                "errors": heard.errors,
                "cpu_s": cpu_s,
            }
    report(
        "streams",
        (
            "streams",
            "final p50",
            "final p95",
            "final max",
            "first partial p50",
            "p95",
            "finals",
            "words right",
            "CPU",
            "errors",
        ),
        rows,
        notes=("final: beyond vad_tail (500 ms), from the true end of the sentence",),
        json_file=json_file,
        figures=figures,
    )


def _row(count: int, heard: Heard, cpu_s: float) -> tuple[str, ...]:
    finals, first = heard.final_ms(), heard.first_partial_ms()
    return (
        str(count),
        shown(finals, 50),
        shown(finals, 95),
        shown(finals, 100),
        shown(first, 50),
        shown(first, 95),
        f"{heard.finals} of {heard.sentences}",
        f"{heard.words_right:.0%}",
        f"{cpu_s:.1f} s",
        str(len(heard.errors)),
    )
