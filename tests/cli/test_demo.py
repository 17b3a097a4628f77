"""`rasr demo`, without the wait for a recording at the speed of speech."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click
import pytest

from rasr.cli.demo import Part, show
from rasr.cli.demo_metrics import Reference
from rasr.client import Pace
from tests.cli.conftest import Rasr
from tests.cli.test_transcribe import wav

DATA = Path(str(files("rasr") / "data"))


def part(language: str, name: str) -> Part:
    reference = Reference.parse((DATA / f"{name}.json").read_text("utf-8"))
    return Part(language, DATA / f"{name}.flac", reference)


async def test_finals_of_both_languages_come_each_with_its_numbers(
    rasr: Rasr, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RASR_PROPERTIES__CHINESE", "fake")
    parts = [part("english", "demo"), part("chinese", "demo-zh")]
    await show(parts, None, Pace.FAST)
    shown = capsys.readouterr().out
    english, mandarin = shown.split("Chinese:")
    for half, one in zip((english, mandarin), parts, strict=True):
        lines = half.splitlines()
        finals = [line for line in lines if line.startswith("[00:")]
        assert len(finals) == len(one.reference.sentences)
        for number in ("partial latency", "final latency", "words right", "RTF"):
            assert sum(line.strip().startswith(number) for line in lines) == 1
        assert any("vad_tail" in line for line in lines)
    assert "rasr mic" in mandarin


async def test_mandarin_needs_no_model_but_the_one_in_the_package(
    rasr: Rasr, capsys: pytest.CaptureFixture[str]
) -> None:
    one = part("chinese", "demo-zh")
    await show([one], None, Pace.FAST)
    shown = capsys.readouterr().out
    assert "大家好欢迎来到昆明" in shown
    assert "我要一杯 coffee 和一个果汁" in shown
    assert "一共六千九百一十九块" in shown


async def test_a_demo_that_recognises_nothing_has_failed(rasr: Rasr, tmp_path: Path) -> None:
    silent = wav(tmp_path / "silent.wav", bytes(32000))
    reference = part("english", "demo").reference
    with pytest.raises(click.ClickException, match="nothing was recognised"):
        await show([Part("english", silent, reference)], None, Pace.FAST)
