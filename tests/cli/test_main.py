"""What holds for every command."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rasr.models.catalogue import load
from rasr.models.languages import meant_language
from tests.cli.conftest import Rasr


def test_a_misspelt_command_is_told_with_what_may_be_meant(rasr: Rasr) -> None:
    result = rasr("transcrib")
    assert result.exit_code == 2
    assert "there is no command 'transcrib'; did you mean transcribe?" in result.stderr
    assert "No such command 'xyz'" in rasr("xyz").stderr


def test_a_full_disk_is_one_sentence() -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "rasr", "config"]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == "Error: nothing more can be written: the disk is full\n"


@pytest.mark.parametrize(
    ("said", "name"),
    [("中文", "chinese"), ("粤语", "cantonese"), ("zh", "chinese"), ("英语", "english")],
)
def test_a_language_is_known_by_its_own_name(said: str, name: str) -> None:
    found = meant_language(load(), said)
    assert found is not None
    assert found.name == name
