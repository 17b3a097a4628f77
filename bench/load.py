"""Verbs `load`, `null` and `speaker`: real-time clients, and how late their text is."""

from __future__ import annotations

from typing import Any

import click

from bench.load_client import load_generator
from bench.load_result import (
    CLOCK_COLUMNS,
    COUNT_COLUMNS,
    NOTES,
    Clock,
    LoadResult,
    clock_rows,
    count_row,
    figures,
    notes,
)
from bench.null_server import running_null_server
from bench.report import milliseconds, number, progress, report, verdict
from bench.target import TALKS, Target, load_options, server_options, target, turns
from bench.wire_clients import VAD_TAIL_MS

_FIRST_BAR_MS = 450.0
_FINAL_BAR_MS = 250.0
"""Beyond the silence that ends a sentence."""
_MEMORY_BAR_MB = 600.0


@click.command()
@click.argument("clients", type=click.IntRange(min=1), nargs=-1)
@server_options
@load_options
def load(clients: tuple[int, ...], processes: int | None, **options: Any) -> None:
    """CLIENTS real-time clients (8, or several numbers one after the other) on one server.

    Open loop: each client sends a chunk of 100 ms when its last sample would have been spoken, from
    a phase of its own, and says things of its own. Three clocks, never mixed. Chunk compute: from
    when the chunk was due that completes a decoding step to the message that tells it; with
    --model measured only. User-perceived: from the end of a word to the first message that has it,
    and to the message from which on it stays. Final: from the true end of speech to its final, and
    from END to the answer to it. All are in ms and of the window alone.

    \b
    python -m bench load 1 8 12                        the server as it comes
    python -m bench load 64 --model measured --talk speech
    python -m bench load 40 --url ws://10.0.0.5:8765 --property chinese_16k_common
    """
    _measure("load", target(**options), clients or (8,), processes)


@click.command()
@click.argument("clients", type=click.IntRange(min=1), nargs=-1)
@load_options
def null(
    clients: tuple[int, ...],
    processes: int | None,
    talk: str,
    turn: float,
    window_s: float,
    warm_s: float,
    seed: int,
) -> None:
    """The load of `load` on a server that does nothing: the floor under all other numbers.

    It answers each step of audio at once, with words that tell the time. Its latency is what the
    clients, the wire and Python add; its CPU is what a server pays for messages alone. Differences
    between servers that are smaller than this floor say nothing. CLIENTS: 8, 64 and 128.
    """
    chosen = Target(
        start=running_null_server,
        tells_steps=True,
        talk=TALKS[talk],
        warm_s=warm_s,
        window_s=window_s,
        turn_s=turns(turn),
        seed=seed,
    )
    _measure("null", chosen, clients or (8, 64, 128), processes)


@click.command()
@server_options
@load_options
def speaker(processes: int | None, **options: Any) -> None:
    """One speaker alone: how soon words and finals come, and the memory of the server.

    Wanted: p50 of a word to its first message at most 0.45 s, p95 of a final at most 0.25 s beyond
    the silence that ends a sentence, and a server of at most 600 MB, worker processes included.
    --window 180 has some thirty finals.

    \b
    python -m bench speaker --window 180
    """
    chosen = target(**options)
    with progress() as tracker, load_generator(tracker, processes) as generator:
        with chosen.running() as (url, server):
            result = generator.put_on(chosen.load(url, 1), "one speaker", server)
    first_ms = result.ms(Clock.FIRST, 50)
    final_ms = result.ms(Clock.FINAL, 95) - VAD_TAIL_MS
    megabytes = result.server_bytes / 1e6
    rows = [
        (what, str(values), shown, f"at most {bar:.0f}", verdict(value, most=bar))
        for what, values, value, shown, bar in (
            (
                f"{Clock.FIRST}, p50, ms",
                len(result.values_ms(Clock.FIRST)),
                first_ms,
                milliseconds(first_ms),
                _FIRST_BAR_MS,
            ),
            (
                f"{Clock.FINAL} beyond vad_tail, p95, ms",
                len(result.values_ms(Clock.FINAL)),
                final_ms,
                milliseconds(final_ms),
                _FINAL_BAR_MS,
            ),
            ("memory of the server, MB", 1, megabytes, number(megabytes), _MEMORY_BAR_MB),
        )
    ]
    report(
        "speaker",
        ("what", "values", "measured", "bar", "met"),
        rows,
        notes=(
            f"words heard: {result.heard} of {result.words}; vad_tail: {VAD_TAIL_MS} ms",
            *chosen.notes(),
            *notes([result]),
        ),
        figures={
            "first_p50_ms": first_ms,
            "final_p95_beyond_tail_ms": final_ms,
            "server_megabytes": megabytes,
            "load": figures(result),
        },
    )


def _measure(verb: str, chosen: Target, clients: tuple[int, ...], processes: int | None) -> None:
    """Put each number of clients on a server of its own, and tell what came of it."""
    results: list[LoadResult] = []
    with progress() as tracker, load_generator(tracker, processes) as generator:
        for count in clients:
            # A server of its own for each load: what the last one left behind is not measured.
            with chosen.running() as (url, server):
                results.append(
                    generator.put_on(chosen.load(url, count), f"{count} clients", server)
                )
    for result in results:
        title = f"{verb}: {result.clients} clients, {chosen.talk}"
        report(title, CLOCK_COLUMNS, clock_rows(result))
    report(
        verb,
        COUNT_COLUMNS,
        [count_row(result) for result in results],
        notes=(*chosen.notes(), *NOTES, *notes(results)),
        figures={"loads": [figures(result) for result in results]},
    )
