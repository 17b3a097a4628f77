"""`rasr demo`, without the wait for a recording at the speed of speech."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click
import pytest

from rasr.cli.demo import show
from rasr.cli.reckoning import Reference
from rasr.client import Pace
from tests.cli.conftest import Rasr
from tests.cli.test_transcribe import wav

DATA = Path(str(files("rasr") / "data"))


def reference() -> Reference:
    return Reference.parse((DATA / "demo.json").read_text("utf-8"))


async def test_finals_come_with_their_times_and_then_the_numbers(
    rasr: Rasr, capsys: pytest.CaptureFixture[str]
) -> None:
    await show(DATA / "demo.flac", reference(), None, Pace.FAST)
    lines = capsys.readouterr().out.splitlines()
    finals = [line for line in lines if line.startswith("[00:")]
    assert len(finals) == len(reference().sentences)
    for number in ("partial latency", "final latency", "words right", "RTF"):
        assert sum(line.strip().startswith(number) for line in lines) == 1
    assert any("vad_tail" in line for line in lines)
    assert any("rasr mic" in line for line in lines)


async def test_a_demo_that_recognises_nothing_has_failed(rasr: Rasr, tmp_path: Path) -> None:
    silent = wav(tmp_path / "silent.wav", bytes(32000))
    with pytest.raises(click.ClickException, match="nothing was recognised"):
        await show(silent, reference(), None, Pace.FAST)
