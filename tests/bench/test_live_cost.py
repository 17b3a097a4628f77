"""The verb `live-cost`: a recognition without a wire, on an engine that costs nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import environments
from bench.__main__ import main
from bench.live_cost import own_cost
from bench.recordings import load
from bench.servers import FAKE_ENGINE
from decoder.registry import EngineSpec
from decoder.registry import load as load_engine


def test_a_recording_is_recognised_sentence_by_sentence_with_partials() -> None:
    conversation = load("conversation")
    cost = own_cost(load_engine(EngineSpec("fake", {})), conversation.samples)
    assert cost.text
    # Each sentence has a final and more than one partial.
    assert cost.updates > 2 * len(conversation.sentences)
    assert cost.cpu_s > 0


def test_another_engine_than_the_one_that_is_compared_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "rasr.toml"
    config.write_text(FAKE_ENGINE)
    result = CliRunner().invoke(main, ["live-cost", "--config", str(config)])
    assert result.exit_code == 1
    assert "an engine of kind fake; allowed: moonshine" in result.output


def test_an_environment_that_is_there_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    ready = tmp_path / ".venv-peers" / "some" / ".ready"
    ready.parent.mkdir(parents=True)
    ready.touch()
    python = environments.environment("some", "no-such-package==1")
    assert python == ready.parent / "bin" / "python"
