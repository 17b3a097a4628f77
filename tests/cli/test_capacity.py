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
    assert "fake: people at once on" in result.output
    # First how many people, in one sentence that nothing below contradicts.
    first = re.match(
        r"fake carries about (\d+) people in conversation, or about (\d+) people speaking without "
        r"pauses, at once on this machine",
        flat(result.output),
    )
    assert first is not None
    assert re.search(rf"40%[ │]+\d+[ │]+{first[1]}\b", result.output)
    assert re.search(rf"100%[ │]+\d+[ │]+{first[2]}\b", result.output)
    for part in ("streams in a batch", "of half the sound", "100%", "40%", "load 85%"):
        assert part in result.output


@pytest.mark.parametrize(("disturbance", "kept"), [(1.1, 1), (2.0, 0)])
def test_servers_remember_what_it_measured_on_a_quiet_machine(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch, disturbance: float, kept: int
) -> None:
    async def calibrate(scheduler: Scheduler, speech: object, *, short: bool) -> StepCosts:
        costs = StepCosts(0.25, scheduler.slots, {1: 0.001}, disturbance)
        scheduler.statistics.calibrated(costs)
        return costs

    monkeypatch.setattr(Scheduler, "calibrate", calibrate)
    result = rasr("capacity")
    assert f"up to {disturbance} times as long as they need" in flat(result.output)
    assert ("Others used the machine meanwhile" in result.output) == (not kept)
    assert len(list(memory_folder(os.environ).glob("*"))) == kept


def test_a_slow_model_is_told_in_one_sentence_above_numbers_that_say_the_same(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def calibrate(scheduler: Scheduler, speech: object, *, short: bool) -> StepCosts:
        costs = StepCosts(0.25, 1, {1: 0.4})
        scheduler.statistics.calibrated(costs)
        return costs

    monkeypatch.setattr(Scheduler, "calibrate", calibrate)
    output = flat(rasr("capacity").output)
    assert output.startswith(
        "fake carries about 1 person in conversation on this machine; the text of somebody who "
        "speaks without pauses comes late."
    )


def test_an_engine_that_cannot_be_had_is_one_sentence(rasr: Rasr) -> None:
    result = rasr("capacity", "--model", "no-such-model")
    assert result.exit_code == 1
    assert "there is no such model" in result.output


def test_two_engines_of_a_property_are_told_together(
    rasr: Rasr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def calibrate(scheduler: Scheduler, speech: object, *, short: bool) -> StepCosts:
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
    assert "one with finals by two: people at once on" in output
