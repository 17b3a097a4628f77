"""The verb `first-minutes`: what is timed, and what is held against which bar."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
import pytest

from bench.first_minutes import Setup, Start, megabytes, rows, start
from bench.report import ROOT

_FAKE = {
    "RASR_ENGINES__FAKE__KIND": "fake",
    "RASR_PROPERTIES__ENGLISH": "fake",
    "RASR_CAPACITY__MAX_LOAD": "0",
}


def test_of_several_starts_the_median_is_held_against_the_bars() -> None:
    starts = [Start(0.1, 2.0, 3.0), Start(0.2, 6.0, 7.0), Start(9.0, 9.0, 11.0)]
    told = rows(Setup(80.0, 500.0, 60.0), starts)
    assert [(value, met) for _, value, _, met in told] == [
        ("0.20 s", "yes"),
        ("6.0 s", "NO"),
        ("7.0 s", "yes"),
        ("80 s", "yes"),
        ("560 MB", "NO"),
    ]
    assert [bar for _, _, bar, _ in told] == [
        "at most 0.3 s",
        "at most 5 s",
        "at most 10 s",
        "at most 90 s",
        "at most 550 MB",
    ]
    assert len(rows(None, starts)) == 3


def test_a_start_has_its_first_line_then_is_ready_then_hears_somebody() -> None:
    environment = {**os.environ, **_FAKE, "PYTHONPATH": str(ROOT)}
    one = start([sys.executable, "-P", "-m", "rasr"], environment)
    assert 0 < one.line_s < one.ready_s < one.partial_s


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("print('no model')", "has ended before it was ready"),
        (
            "import time; print('ws://127.0.0.1:9', flush=True); time.sleep(99)",
            "there is no server at",
        ),
    ],
)
def test_a_server_that_does_not_serve_is_told(program: str, sentence: str) -> None:
    with pytest.raises(click.ClickException, match=sentence):
        start([sys.executable, "-c", program], os.environ)


def test_files_with_several_names_count_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(bytes(2 << 20))
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    assert 2.0 <= megabytes(tmp_path) < 2.5
