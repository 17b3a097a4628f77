"""The door through which verbs tell what they measured: table, JSON, picture, progress."""

from __future__ import annotations

import json
import math
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bench.bars import BARS, Standing, bar_columns, bar_rows
from bench.corpus import Source
from bench.figures import clock_rows, count_row, figures, milliseconds, said
from bench.latency import Wait, Window
from bench.load_pictures import load_picture, overload_picture
from bench.machine import Verbs, report
from bench.outcome import Clock, Outcome
from bench.peers import perceived_columns, perceived_rows
from bench.pictures import columns, pairs_picture, save
from bench.progress import progress
from bench.target import Target


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
WAITS = tuple(Wait(number % 4, number / 2, 10.0 + number) for number in range(100))
OUTCOME = Outcome(
    4,
    WINDOW,
    {Clock.FIRST: WAITS, Clock.FINAL: WAITS[:3]},
    streams=9,
    refused=("full",) * 2,
    errors=("gone",),
    ended=6,
    words=50,
    heard=49,
    late_sends_ms=33.0,
    speech_share=0.41,
)
NOTHING = Outcome(2, WINDOW, {})


def test_a_clock_without_values_has_no_row() -> None:
    assert [row[0] for row in clock_rows(OUTCOME)] == [Clock.FIRST, Clock.FINAL]
    assert clock_rows(NOTHING) == []


def test_refusals_are_counted_apart_from_errors() -> None:
    clients, streams, ended, refused, errors, *_ = count_row(OUTCOME)
    assert (clients, streams, ended, refused, errors) == ("4", "9", "6", "2", "1")
    assert figures(OUTCOME)["refused"] == {"full": 2}
    assert said([OUTCOME, NOTHING])[:2] == ("refused: full (2 times)", "error: gone (1 times)")


def test_clients_that_were_held_up_are_told_of() -> None:
    assert "33 ms late" in said([OUTCOME])[-1]
    assert said([NOTHING]) == ()


def test_small_latencies_are_told_with_a_decimal() -> None:
    assert [milliseconds(one) for one in (0.44, 12.3, math.nan)] == ["0.4", "12", "–"]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target(tells_steps=True), "user-perceived latency is left out"),
        (Target(source=Source("en")), "chunk compute latency is left out"),
        (Target(source=Source("en", Path("x"))), "chunk compute and user-perceived latency"),
    ],
)
def test_a_clock_that_is_left_out_is_told_of(target: Target, words: str) -> None:
    assert any(words in note for note in target.notes())


THEIRS = Standing(80, 80, 1.2, 400.0, {50: 20.0, 95: 30.0})
PYTHON = Standing(60, 60, 1.1, 300.0, {50: 25.0, 95: 40.0})
OURS = Standing(96, 144, 2.5, 200.0, {50: 20.0, 95: 36.0})


def test_ours_is_compared_with_each_peer_and_the_bar_is_for_the_first() -> None:
    assert bar_columns(["C++", "Python", "ours"])[1:6] == (
        *("C++", "Python", "ours"),
        *("ours / C++", "ours / Python"),
    )
    rows = {row[0]: row[1:] for row in bar_rows([THEIRS, PYTHON, OURS])}
    assert rows[BARS[0].what] == ("80", "60", "96", "1.20", "1.60", "at least 1.1", "yes")
    assert [row[-1] for row in rows.values()] == ["yes", "yes", "yes", "yes", "no", "no"]


def test_what_was_not_measured_is_a_dash_and_meets_no_bar() -> None:
    for row in bar_rows([Standing(), OURS])[:-1]:
        assert (row[1], row[3], row[-1]) == ("–", "–", "–")


def test_ours_alone_has_no_ratio_but_its_fairness_is_judged() -> None:
    rows = bar_rows([OURS])
    assert [row[-1] for row in rows] == ["–"] * 5 + ["no"]
    assert {len(row) for row in rows} == {len(bar_columns(["ours"]))}


def test_servers_with_models_of_their_own_are_compared_by_what_a_reader_sees() -> None:
    rows = dict(perceived_rows([("vosk-server", OUTCOME), ("ours", OUTCOME)]))
    assert rows["word end to its first message, p50"] == (59.5, 59.5)
    assert rows["words heard, %"] == (98.0, 98.0)
    assert perceived_columns(["vosk-server", "ours"])[-1] == "ours / vosk-server"


@pytest.mark.parametrize(
    "picture",
    [
        load_picture([OUTCOME], "load", "a server"),
        load_picture([NOTHING], "load", "a server"),
        load_picture([OUTCOME, NOTHING], "load", "a server"),
        overload_picture([(1.0, OUTCOME), (2.0, NOTHING)], Clock.FIRST, 1.5),
        pairs_picture("peers", [("held", (80.0, math.nan, 96.0))], ("C++", "Python", "ours")),
        columns("thing", ("what", "word"), [("a", "yes")]),
    ],
)
def test_every_picture_is_drawn_whatever_is_missing(picture: object, tmp_path: Path) -> None:
    to = tmp_path / "one.svg"
    save(to, picture, "below")  # type: ignore[arg-type]
    assert "<svg" in to.read_text()
