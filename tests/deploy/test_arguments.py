"""What `rasr.deploy.ray` is told, and how many replicas that comes to."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from rasr.deploy.arguments import Arguments, replicas_wanted
from tests.docs.pages import ROOT


@pytest.mark.parametrize(
    ("rounds", "each", "expected"),
    [(0, 16, 0), (1, 16, 1), (16, 16, 1), (16.5, 16, 2), (17, 16, 2), (3, 0.5, 6)],
)
def test_a_round_more_than_there_are_to_be_wants_a_replica_more(
    rounds: float, each: float, expected: int
) -> None:
    assert replicas_wanted(rounds, each) == expected


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"min_replicas": 3, "max_replicas": 2}, "min_replicas is 3, more than max_replicas, 2"),
        ({"replicas": 3}, "replicas"),
        ({"rounds": 0}, "rounds"),
        ({"look_back_s": 1}, "look_back_s"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Arguments.model_validate(arguments)


def test_words_of_a_command_line_are_read() -> None:
    told = Arguments.model_validate({"max_replicas": "8", "rounds": "2.5"})
    assert (told.max_replicas, told.rounds) == (8, 2.5)


def test_the_document_tells_all_of_them_with_their_defaults() -> None:
    table = (ROOT / "docs/ray.md").read_text("utf-8").split("## What is different")[0]
    rows = re.findall(r"^\| (`[^|]*) \| ([^|]*) \|", table, re.MULTILINE)
    told: dict[str, str] = {}
    for names, values in rows:
        given = values.split(", ") if ", " in names else [values]
        told |= dict(zip(re.findall(r"`(\w+)`", names), given, strict=True))
    assert told.pop("config") == "as of `rasr serve`"
    defaults = {
        name: f"{field.default:g}"
        for name, field in Arguments.model_fields.items()
        if name != "config"
    }
    assert told == defaults
