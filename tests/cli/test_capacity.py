"""`rasr capacity` measures, prints and leaves what servers remember."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from rasr.scheduling import Scheduler, StepCosts
from rasr.server.ops.capacity import memory_folder
from tests.cli.conftest import Rasr


def flat(output: str) -> str:
    """Without the line breaks of a narrow terminal."""
    return " ".join(output.split())


def test_it_prints_step_costs_and_rounds_by_share_of_speech(rasr: Rasr) -> None:
    result = rasr("capacity")
    assert result.exit_code == 0
    assert "fake: a step of 250 ms of sound" in result.output
    assert "fake: rounds at once on" in result.output
    # One word on how many: nothing that says a model is too slow above a table that says 30.
    assert re.search(
        r"fake: \d+ in conversation or \d+ who speak without pauses", flat(result.output)
    )
    assert "too slow" not in result.output
    for part in ("streams in a batch", "of half the sound", "100%", "40%", "load 85%"):
        assert part in result.output


@pytest.mark.parametrize(("disturbance", "kept"), [(1.1, 1), (2.0, 0)])
def test_servers_remember_what_it_measured_on_a_quiet_machine(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch, disturbance: float, kept: int
) -> None:
    async def calibrate(scheduler: Scheduler, speech: object) -> StepCosts:
        costs = StepCosts(0.25, scheduler.slots, {1: 0.001}, disturbance)
        scheduler.statistics.calibrated(costs)
        return costs

    monkeypatch.setattr(Scheduler, "calibrate", calibrate)
    result = rasr("capacity")
    assert f"up to {disturbance} times as long as they need" in flat(result.output)
    assert ("Others used the machine meanwhile" in result.output) == (not kept)
    assert len(list(memory_folder(os.environ).glob("*"))) == kept


def test_an_engine_that_cannot_be_had_is_one_sentence(rasr: Rasr) -> None:
    result = rasr("capacity", "--model", "no-such-model")
    assert result.exit_code == 1
    assert "there is no such model" in result.output


def test_two_engines_of_a_property_are_told_together(
    rasr: Rasr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def calibrate(scheduler: Scheduler, speech: object) -> StepCosts:
        lengths = {1.0: 0.01} if scheduler.finals_only else {}
        costs = StepCosts(0.25, scheduler.slots, {1: 0.001}, by_length=lengths)
        scheduler.statistics.calibrated(costs)
        return costs

    monkeypatch.setattr(Scheduler, "calibrate", calibrate)
    monkeypatch.delenv("RASR_PROPERTIES__ENGLISH")
    file = tmp_path / "two.toml"
    file.write_text(
        "[engines.one]\nkind = 'fake'\n[engines.two]\nkind = 'fake'\n"
        "[properties]\nenglish = { live = 'one', final = 'two' }"
    )
    output = rasr("capacity", "--config", str(file)).output
    assert "two: reads an utterance once, for its final" in output
    assert "one with finals by two: rounds at once on" in output
