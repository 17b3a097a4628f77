"""What is told of speakers whose servers go; and the verbs that kill and restart them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.replica_speakers import Speaker
from bench.servers import FAKE_ENGINE
from rasr.client import LineState, Segment


def segment(begin: int, end: int, text: str = "") -> Segment:
    return Segment(text, begin, end, is_final=True)


def speaker(*finals: Segment, results: tuple[float, ...] = (), lost: float = 0.0) -> Speaker:
    one = Speaker(b"", finals=list(finals), results=[(at, 0.0) for at in results])
    one.states = [(lost, LineState.LOST), (lost + 0.1, LineState.BEGUN_ANEW)] if lost else []
    return one


WHOLE = speaker(segment(0, 1000, "one two"), segment(2000, 4000, "three four"))


@pytest.mark.parametrize(
    ("finals", "lost", "doubled"),
    [
        ((segment(0, 1000), segment(2000, 4000)), 0, 0),
        ((segment(100, 1200), segment(1900, 4000)), 0, 0),
        ((segment(0, 1000), segment(2000, 2800), segment(3300, 4000)), 0, 0),
        ((segment(0, 1000), segment(2000, 2500), segment(3400, 4000)), 900, 0),
        ((segment(2000, 4000),), 1000, 0),
        ((segment(0, 1000), segment(2000, 3000)), 1000, 0),
        ((segment(0, 1000), segment(2000, 3000), segment(2500, 4000)), 0, 500),
    ],
)
def test_speech_that_is_in_no_sentence_or_in_two(
    finals: tuple[Segment, ...], lost: int, doubled: int
) -> None:
    one = speaker(*finals)
    assert (one.lost_ms(WHOLE), one.doubled_ms) == (lost, doubled)


def test_words_that_are_lost_added_or_others() -> None:
    heard = speaker(segment(0, 1000, "One two."), segment(2000, 4000, "tree four five"))
    found = heard.against(WHOLE)
    assert (found.said, found.lost, found.added, found.substituted) == (4, 0, 1, 1)


def test_the_gap_is_that_around_the_moment_at_which_a_server_was_lost() -> None:
    assert speaker(results=(1.0, 2.0, 5.0, 5.5), lost=3.0).break_gaps_ms == [3000]
    assert speaker(results=(1.0, 2.0)).break_gaps_ms == []
    # Behind the last result nobody waits for one.
    assert speaker(results=(1.0, 2.0), lost=3.0).break_gaps_ms == []


def run(verb: str, folder: Path, *arguments: str) -> dict[str, Any]:
    to, config = folder / "line.json", folder / "rasr.toml"
    config.write_text(FAKE_ENGINE + "[capacity]\nmax_load = 0\n", "utf-8")
    outputs = ("--config", str(config), "--json", str(to))
    called = CliRunner().invoke(main, [verb, *arguments, *outputs])
    assert called.exit_code == 0, called.output
    figures: dict[str, Any] = json.loads(to.read_text("utf-8"))["figures"]
    return figures


@pytest.mark.long
def test_servers_are_killed_and_restarted(tmp_path: Path) -> None:
    length = ("--seconds", "12", "--restart-seconds", "20")
    told = run("replicas", tmp_path, "--speakers", "6", *length)
    assert (told["lost_ms"], told["doubled_ms"], told["failed"]) == (0, 0, [0, 0, 0])
    assert told["moves"] > 0
    assert told["rounds"][2] > 6, "clients without resume speak in one round after the other"


@pytest.mark.long
def test_two_replicas_are_put_beside_one(tmp_path: Path) -> None:
    length = ("--warm-up", "0", "--window", "2", "--tries", "1")
    told = run("two-replicas", tmp_path, "--each", "2", *length)
    one, two = told["loads"]
    assert [(load["replicas"], load["clients"]) for load in (one, two)] == [(1, 2), (2, 4)]
    assert (one["errors"], two["errors"], two["ended"]) == ({}, {}, 4)
    assert told["cost_one_ms"] > 0
    assert told["cost_two_ms"] > 0


@pytest.mark.long
def test_what_a_round_costs(tmp_path: Path) -> None:
    few = ("--rounds", "20", "--clients", "2", "--connections", "5", "--speakers", "1")
    told = run("round-cost", tmp_path, *few, "--window", "3")
    assert 1 <= told["round_statements"] < 20
    assert told["round_transactions"] <= told["round_statements"]
    assert 32_000 < told["up_bytes"] < 34_000
    assert told["down_bytes"] > 0
