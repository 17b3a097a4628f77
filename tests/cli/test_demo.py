"""`rasr demo`, without the wait for a recording at the speed of speech."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import pytest

from rasr.cli.demo import Part, bundled_parts, show
from rasr.client import Pace
from tests.cli.conftest import Rasr
from tests.cli.test_transcribe import wav
from tests.decoder.models.weights import MOONSHINE

_ENGINE, _INSTALLED = MOONSHINE.needed
_MOONSHINE = "" if MOONSHINE.lacks() else MOONSHINE.folder()
"""Found before the tests look into a folder of models of their own."""


@pytest.fixture
def parts() -> list[Part]:
    return bundled_parts()


async def test_finals_of_every_recording_come_and_then_the_numbers(
    rasr: Rasr,
    parts: list[Part],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RASR_PROPERTIES__CHINESE", "fake")
    await show(parts, None, Pace.FAST)
    shown = capsys.readouterr().out
    finals = [line for line in shown.splitlines() if line.startswith("[00:")]
    assert len(finals) == sum(len(one.reference.sentences) for one in parts)
    _, numbers = shown.split("wrong words")
    for one in parts:
        assert f"{one.title}, recognised by fake:" in shown
        assert one.source in shown
        (row,) = (line for line in numbers.splitlines() if line.startswith(one.title))
        assert f" of {len(one.reference.words)} " in row
    assert parts[0].source.endswith("public domain")
    assert "vad_tail" in numbers
    assert "rasr mic" in numbers


async def test_mandarin_needs_no_model_but_the_one_in_the_package(
    rasr: Rasr, parts: list[Part], capsys: pytest.CaptureFixture[str]
) -> None:
    await show(parts[2:], None, Pace.FAST)
    shown = capsys.readouterr().out
    assert "recognised by tiny-zh-en, the small model of the package" in shown
    assert "大家好欢迎来到昆明。" in shown
    assert "我要一杯 coffee 和一个果汁。" in shown
    assert "一共6919块。" in shown
    assert "0 of 51" in shown


async def test_without_the_default_model_the_demo_says_so_and_goes_on(
    rasr: Rasr,
    parts: list[Part],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RASR_PROPERTIES__ENGLISH")
    monkeypatch.setenv("RASR_DECODING__STREAMS_PER_WORKER", "1")
    await show(parts[1:2], None, Pace.FAST)
    shown = capsys.readouterr().out
    assert "rasr setup english brings the default model, moonshine-tiny-en." in shown
    assert "recognised by pocketsphinx:" in shown
    assert "The computer will write down every word." in shown


@_ENGINE
@_INSTALLED
async def test_a_person_is_heard_by_the_default_model(
    rasr: Rasr,
    parts: list[Part],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RASR_PROPERTIES__ENGLISH", _MOONSHINE)
    await show(parts[:1], None, Pace.FAST)
    shown = capsys.readouterr().out
    assert (
        "And Mr. John Dashwood had then leisure to consider how much there might be prudently in "
        "his power to do for them." in shown
    )
    assert "0 of 22" in shown


async def test_a_demo_that_recognises_nothing_has_failed(
    rasr: Rasr, parts: list[Part], tmp_path: Path
) -> None:
    silent = replace(parts[1], recording=wav(tmp_path / "silent.wav", bytes(32000)))
    with pytest.raises(click.ClickException, match="nothing was recognised"):
        await show([silent], None, Pace.FAST)
