"""The door through which verbs tell what they measured: table, JSON, picture, progress."""

from __future__ import annotations

import json
import math
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bench import pictures
from bench.comparison import (
    CRITERIA,
    Standing,
    comparison_columns,
    comparison_figures,
    comparison_rows,
)
from bench.latency import Latency, Window
from bench.load_result import Clock, LoadResult, clock_rows, count_row, figures, notes
from bench.report import Verbs, milliseconds, progress, report
from bench.target import Target
from bench.workload import CorpusChoice
from tests.bench.lines import line


@click.group(cls=Verbs)
def verbs() -> None:
    """Measure nothing."""


@verbs.command()
@click.option("--size", default=3)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("a"))
def thing(size: int, folder: Path) -> None:
    """A verb."""
    report(
        "thing",
        ("what", "figure", "word"),
        [("a", "1.5 ms", "yes"), ("b", "20 ms", "no")],
        notes=("[a note]",),
        figures={"a": 1.5, "b": math.nan, "list": (1, 2)},
    )


def test_a_verb_needs_no_code_for_its_outputs(tmp_path: Path) -> None:
    to, picture = tmp_path / "out.json", tmp_path / "out.png"
    for _ in range(2):
        result = CliRunner().invoke(
            verbs, ["thing", "--size", "4", "--json", str(to), "--plot", str(picture)]
        )
        assert result.exit_code == 0, result.output
    assert "[a note]" in result.output
    assert f"added to {to}" in result.output
    first, second = (json.loads(line) for line in to.read_text().splitlines())
    assert first["settings"] == {"size": 4, "folder": "a"}
    assert first["figures"] == {"a": 1.5, "b": None, "list": [1, 2]}
    assert first["commit"] == second["commit"]
    assert first["machine"]["cores"] >= 1
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_without_the_options_only_the_table_is_written(tmp_path: Path) -> None:
    result = CliRunner().invoke(verbs, ["thing"])
    assert result.exit_code == 0
    assert "1.5 ms" in result.output
    assert "added to" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_away_from_a_terminal_progress_is_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as tracker:
        tracker.step("8 clients", 10)
        tracker.at(5)
        tracker.say("8 clients: held")
    out = capsys.readouterr()
    assert out.out == ""
    assert out.err.splitlines() == ["8 clients", "8 clients: held"]


WINDOW = Window(0.0, 60.0)
LATENCIES = tuple(Latency(number % 4, number / 2, 10.0 + number) for number in range(100))
RESULT = LoadResult(
    4,
    WINDOW,
    {Clock.FIRST: LATENCIES, Clock.FINAL: LATENCIES[:3]},
    streams=9,
    refused=("full",) * 2,
    errors=("gone",),
    ended=6,
    words=50,
    heard=49,
    late_sends_ms=33.0,
    speech_share=0.41,
)
NOTHING = LoadResult(2, WINDOW, {})


def test_a_clock_without_values_has_no_row() -> None:
    assert [row[0] for row in clock_rows(RESULT)] == [Clock.FIRST, Clock.FINAL]
    assert clock_rows(NOTHING) == []


def test_refusals_are_counted_apart_from_errors() -> None:
    clients, streams, ended, refused, errors, *_ = count_row(RESULT)
    assert (clients, streams, ended, refused, errors) == ("4", "9", "6", "2", "1")
    assert figures(RESULT)["refused"] == {"full": 2}
    assert notes([RESULT, NOTHING])[:2] == ("refused: full (2 times)", "error: gone (1 times)")


def test_clients_that_were_held_up_are_told_of() -> None:
    assert "33 ms late" in notes([RESULT])[-1]
    assert notes([NOTHING]) == ()


def test_small_latencies_are_told_with_a_decimal() -> None:
    assert [milliseconds(one) for one in (0.44, 12.3, math.nan)] == ["0.4", "12", "–"]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target(tells_steps=True), "user-perceived latency is left out"),
        (Target(corpus=CorpusChoice("en")), "chunk compute latency is left out"),
        (Target(corpus=CorpusChoice("en", Path("x"))), "chunk compute and user-perceived latency"),
    ],
)
def test_a_clock_that_is_left_out_is_told_of(target: Target, words: str) -> None:
    assert any(words in note for note in target.notes())


THEIRS = Standing(80, 80, 1.2, 400.0, {50: 20.0, 95: 30.0})
PYTHON = Standing(60, 60, 1.1, 300.0, {50: 25.0, 95: 40.0})
OURS = Standing(96, 144, 2.5, 200.0, {50: 20.0, 95: 36.0})


def test_ours_is_compared_with_each_peer_and_what_is_required_is_of_the_first() -> None:
    assert comparison_columns(["C++", "Python", "ours"])[1:6] == (
        *("C++", "Python", "ours"),
        *("ours / C++", "ours / Python"),
    )
    rows = {row[0]: row[1:] for row in comparison_rows([THEIRS, PYTHON, OURS])}
    assert rows[CRITERIA[0].what] == ("80", "60", "96", "1.20", "1.60", "at least 1.1", "yes")
    assert [row[-1] for row in rows.values()] == ["yes", "yes", "yes", "yes", "no", "no"]


def test_what_was_not_measured_is_a_dash_and_meets_nothing() -> None:
    for row in comparison_rows([Standing(), OURS])[:-1]:
        assert (row[1], row[3], row[-1]) == ("–", "–", "–")


def test_ours_alone_has_no_ratio_but_its_fairness_is_judged() -> None:
    rows = comparison_rows([OURS])
    assert [row[-1] for row in rows] == ["–"] * 5 + ["no"]
    assert {len(row) for row in rows} == {len(comparison_columns(["ours"]))}


def loads(*results: LoadResult) -> dict[str, object]:
    return {"loads": [figures(one) | {"held": True} for one in results]}


CAPACITY = {"clients": 4, "limits_ms": {Clock.FIRST: 100.0, Clock.FINAL: 900.0}}
STAGES = [figures(one) | {"factor": factor} for one, factor in ((RESULT, 1), (NOTHING, 2))]
HEARD = {"false_starts_a_minute": {"pink": 1.5, "fan": 0.0}, "exact": {"clean": {"near": 1.0}}}
THREE = {"C++": Standing(), "Python": THEIRS, "ours": OURS}


@pytest.mark.parametrize(
    "drawn",
    [
        line("load", loads(RESULT), talk="speech"),
        line("null", loads(NOTHING)),
        line("load", loads(RESULT, NOTHING)),
        line("capacity", CAPACITY | loads(RESULT, NOTHING)),
        line("capacity", CAPACITY | loads(NOTHING)),
        line("overload", {"clock": Clock.FIRST, "most_slowdown": 1.5, "stages": STAGES}),
        line("peers", {"comparison": comparison_figures(THREE)}),
        line("endpoint", {"gated": HEARD, "webrtc": HEARD}),
        line("thing", {"what": {"a": 1, "b": {"c": 2.5, "d": True}}, "e": [1], "f": None}),
        line("thing", {"what": "yes"}),
    ],
)
def test_every_picture_is_drawn_whatever_is_missing(drawn: object, tmp_path: Path) -> None:
    to = tmp_path / "one.svg"
    pictures.draw(drawn, to)
    assert "<svg" in to.read_text()


def test_the_figures_of_a_load_have_what_its_picture_shows() -> None:
    first = figures(RESULT)["clocks"]["first"]  # type: ignore[index]
    assert len(first["percentiles_ms"]) == 101
    assert (first["percentiles_ms"][0], first["percentiles_ms"][100]) == (10.0, 109.0)
    stretches = first["over_time"]
    assert len(stretches) == 5
    assert all(one["p50_ms"] <= one["p95_ms"] for one in stretches)
    assert stretches[0]["p50_ms"] < stretches[-1]["p50_ms"]
