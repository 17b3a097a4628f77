"""Which Python packages a model needs is read from the package's own extras."""

from __future__ import annotations

import importlib.metadata

import pytest

from rasr.models.runtime_packages import missing_packages
from tests.models.conftest import make_model

WHISPER = make_model(engine="whisper", kind="offline")


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names that this environment lacks; everything else is there."""
    names: set[str] = set()

    def distribution(name: str) -> None:
        if name in names:
            raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", distribution)
    monkeypatch.setattr(
        importlib.metadata,
        "requires",
        lambda name: [
            "numpy>=2",
            "av>=14; sys_platform != 'win32'",
            "faster-whisper<1.3,>=1.2.1; extra == 'whisper'",
            'opencc>=1.3; extra == "whisper"',
            "other; extra == 'whisper-large'",
        ],
    )
    return names


def test_packages_that_are_there_are_not_missing(lacking: set[str]) -> None:
    assert missing_packages(WHISPER) == ()


def test_those_that_are_not_are_told_as_pip_takes_them(lacking: set[str]) -> None:
    lacking |= {"faster-whisper", "numpy", "other"}
    assert missing_packages(WHISPER) == ("faster-whisper<1.3,>=1.2.1",)
    lacking |= {"opencc"}
    assert missing_packages(WHISPER) == ("faster-whisper<1.3,>=1.2.1", "opencc>=1.3")


def test_engines_that_every_installation_has_need_none(lacking: set[str]) -> None:
    lacking |= {"faster-whisper", "numpy", "opencc"}
    assert missing_packages(make_model()) == ()


def test_the_extra_of_whisper_is_that_of_this_package() -> None:
    extras = importlib.metadata.metadata("rasr").get_all("Provides-Extra") or []
    assert "whisper" in extras
