"""What a machine has to give."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rasr.cli.machine import Memory, free_bytes, may_write, memory

MEMINFO = "MemTotal:        8000000 kB\nMemFree: 5 kB\nMemAvailable:    4000000 kB\n"


def machine(root: Path, **files: str) -> Path:
    """A root folder with these files of the system."""
    places = {
        "meminfo": root / "proc" / "meminfo",
        "most": root / "sys/fs/cgroup/memory.max",
        "used": root / "sys/fs/cgroup/memory.current",
    }
    for name, content in files.items():
        places[name].parent.mkdir(parents=True, exist_ok=True)
        places[name].write_text(content)
    return root


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ({}, Memory(8192, 4096)),
        ({"most": "max\n", "used": "10\n"}, Memory(8192, 4096)),
        ({"most": "1000000000\n", "used": "300000000\n"}, Memory(1000, 700)),
        ({"most": "100000000\n", "used": "300000000\n"}, Memory(100, 0)),
        ({"most": "9000000000\n", "used": "0\n"}, Memory(8192, 4096)),
    ],
)
def test_a_container_has_no_more_memory_than_it_may_have(
    tmp_path: Path, bounds: dict[str, str], told: Memory
) -> None:
    assert memory(machine(tmp_path, meminfo=MEMINFO, **bounds)) == told


@pytest.mark.parametrize("content", [None, "", "MemTotal: much\n", "MemTotal: 5 kB\n"])
def test_a_system_that_does_not_tell_is_not_guessed(tmp_path: Path, content: str | None) -> None:
    assert memory(machine(tmp_path, **({} if content is None else {"meminfo": content}))) is None


def test_a_folder_that_is_not_there_yet_is_on_the_disk_of_the_one_above(tmp_path: Path) -> None:
    below = tmp_path / "not" / "there"
    assert free_bytes(below) > 0
    assert shutil.disk_usage(tmp_path).total >= free_bytes(below)
    assert may_write(below)
    (tmp_path / "file").touch()
    assert not may_write(tmp_path / "file" / "below")
