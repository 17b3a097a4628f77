"""The README is short, and says the same in English and Chinese."""

from __future__ import annotations

import hashlib
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

import rasr
from tests.docs.pages import (
    README,
    README_ZH,
    ROOT,
    blocks,
    heading_levels,
    inline_code,
    links,
    table_shapes,
    tokens,
    without_comments,
)

_MOST_LINES = 150
_PEERS = ("vosk-server", "sherpa-onnx", "FunASR", "WhisperLiveKit", "speaches")


def first_cells(page: str) -> list[str]:
    """What stands at the left of each line of the last table of a page."""
    rows = re.findall(r"^\| ([^|]*) \|", page, re.MULTILINE)
    return [row for row in rows if set(row) != {"-"}]


@pytest.mark.parametrize("page", [README, README_ZH], ids=lambda page: page.name)
def test_it_is_short(page: Path) -> None:
    assert len(page.read_text("utf-8").splitlines()) <= _MOST_LINES


def test_both_have_the_same_blocks_of_code() -> None:
    english, chinese = (
        [(block.language, without_comments(block.text)) for block in blocks(page)]
        for page in (README, README_ZH)
    )
    assert chinese == english


def test_both_have_the_same_commands_and_names() -> None:
    english, chinese = (
        sorted(code.text for code in inline_code(page)) for page in (README, README_ZH)
    )
    assert chinese == english


def test_both_have_the_same_links_and_pictures() -> None:
    english, chinese = (
        [link for link in links(page) if not link.startswith("README")]
        for page in (README, README_ZH)
    )
    assert chinese == english
    assert "README.zh.md" in links(README)
    assert "README.md" in links(README_ZH)


def test_both_have_the_same_headings_and_tables() -> None:
    assert heading_levels(README_ZH) == heading_levels(README)
    assert table_shapes(README_ZH) == table_shapes(README)


def test_both_have_the_same_figures() -> None:
    figure = re.compile(r"\d+(?:\.\d+)?")
    english, chinese = (
        sorted(figure.findall(" ".join(cells(page)))) for page in (README, README_ZH)
    )
    assert chinese == english


def cells(page: Path) -> list[str]:
    """What stands in the tables of a page."""
    parsed = tokens(page)
    return [
        inside.content for token, inside in pairwise(parsed) if token.type in ("td_open", "th_open")
    ]


def test_its_figures_stand_among_the_benchmarks() -> None:
    costs = README.read_text("utf-8").partition("## What it costs")[2].partition("##")[0]
    measured = re.findall(r"^\| [^|]* \| ([^|]*\d[^|]*) \|$", costs, re.MULTILINE)
    benchmarks = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    figures = [one for cell in measured for one in re.findall(r"\d+(?:\.\d+)?", cell)]
    assert len(figures) > 5
    assert [
        one for one in figures if not re.search(rf"(?<![\d.]){one}(?![\d.]*\d)", benchmarks)
    ] == []


def test_every_row_of_the_comparison_says_where_it_was_read() -> None:
    compared = README.read_text("utf-8").partition("## Compared with others")[2]
    sources = (ROOT / "docs" / "comparison.md").read_text("utf-8")
    rows = [row for row in first_cells(compared) if row]
    assert len(rows) > 5
    assert [row for row in rows if row not in first_cells(sources)] == []
    assert [name for name in _PEERS if f"/{name})" not in sources] == []


def test_the_licence_is_the_one_that_the_package_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["license"] == "Apache-2.0"
    # The text as apache.org has it, with no name filled in.
    digest = hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest()
    assert digest == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def test_the_changes_have_this_version() -> None:
    assert f"\n## {rasr.__version__}\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")
