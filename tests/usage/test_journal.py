"""Lines of a process outlive it, whatever ends it and however full the disk is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rasr.usage.journal import Journal, Segment
from tests.usage.disks import files_no_longer_than


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "usage"


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    made = Journal(folder)
    made.open()
    yield made
    made.close()


def lines_of(segment: Segment | None) -> list[bytes]:
    assert segment is not None
    found: list[bytes] = []
    while True:
        lines, reached = segment.read()
        if reached == segment.taken:
            return found
        found += lines
        segment.taken = reached


def left_by_others(folder: Path) -> list[bytes]:
    """Take up what is there."""
    found = []
    for segment in Journal(folder).abandoned():
        found += lines_of(segment)
        segment.close(remove=True)
    return found


def test_lines_come_back_as_they_were_and_in_their_order(journal: Journal) -> None:
    lines = [b"%d" % number * 200 for number in range(1000)]
    assert all(map(journal.append, lines))
    assert lines_of(journal.turn()) == lines


def test_a_line_that_is_longer_than_one_reading_comes_back(journal: Journal) -> None:
    lines = [b"a" * 200_000, b"b"]
    assert all(map(journal.append, lines))
    assert lines_of(journal.turn()) == lines


def test_new_lines_go_to_the_other_file_until_the_first_is_cleared(journal: Journal) -> None:
    assert journal.turn() is None
    journal.append(b"1")
    first = journal.turn()
    journal.append(b"2")
    assert journal.turn() is first
    assert lines_of(first) == [b"1"]
    assert first is not None
    first.clear()
    second = journal.turn()
    assert second is not first
    assert lines_of(second) == [b"2"]
    journal.append(b"3")
    assert second is not None
    second.clear()
    assert lines_of(journal.turn()) == [b"3"]


def test_nobody_else_can_read_the_files(journal: Journal, folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}


def test_a_journal_that_is_empty_leaves_no_file(folder: Path) -> None:
    journal = Journal(folder)
    journal.open()
    journal.close()
    assert list(folder.iterdir()) == []
    assert Journal(folder / "none").abandoned() == []


def test_what_is_held_is_not_taken_up(journal: Journal, folder: Path) -> None:
    journal.append(b"1")
    assert left_by_others(folder) == []
    journal.close()
    assert left_by_others(folder) == [b"1"]
    assert list(folder.iterdir()) == []


_WRITER = """
import os, sys
from pathlib import Path
from rasr.usage.journal import Journal
journal = Journal(Path(sys.argv[1]))
journal.open()
number = 0
while True:
    assert journal.append(b"%d" % number)
    # Said only of what is kept.
    os.write(1, b"%d\\n" % number)
    number += 1
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_processes_that_are_killed_lose_no_line_that_was_kept(folder: Path, processes: int) -> None:
    killed = [
        subprocess.Popen([sys.executable, "-c", _WRITER, folder], stdout=subprocess.PIPE)
        for _ in range(processes)
    ]
    said = []
    for one in killed:
        assert one.stdout is not None
        kept = [one.stdout.readline() for _ in range(200)]
        one.kill()
        kept += one.stdout.readlines()
        one.wait()
        one.stdout.close()
        said.append([line.strip() for line in kept if line.endswith(b"\n")])
    found = left_by_others(folder)
    for lines in said:
        assert lines == [b"%d" % number for number in range(len(lines))]
    # At most the one that was being told when the signal came is there and was not said.
    assert sum(map(len, said)) <= len(found) <= sum(map(len, said)) + processes
    assert {line for lines in said for line in lines} <= set(found)


def test_the_last_line_that_is_torn_harms_no_other(folder: Path) -> None:
    journal = Journal(folder)
    journal.open()
    journal.append(b"whole")
    journal.close()
    (path,) = folder.iterdir()
    with path.open("ab") as file:
        file.write(b"\nto")
    assert left_by_others(folder) == [b"whole", b"to"]


def test_a_disk_that_is_full_takes_whole_lines_or_none(journal: Journal) -> None:
    line = b"x" * 30
    with files_no_longer_than(100):
        kept = [journal.append(line) for _ in range(5)]
    assert kept == [True, True, True, False, False]
    assert journal.append(b"again")
    assert lines_of(journal.turn()) == [line] * 3 + [b"again"]


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file" / "usage")
    with pytest.raises(OSError, match="Not a directory"):
        journal.open()
    assert not journal.append(b"1")
    assert journal.turn() is None
    journal.sync()
    journal.close()


def test_a_file_that_somebody_took_for_abandoned_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its making and its locking another process may delete it."""
    made: list[Path] = []
    real = os.open

    def open_and_lose(path: Path, *rest: int) -> int:
        handle = real(path, *rest)
        if len(made) < 3 and Path(path).suffix == ".journal":
            made.append(Path(path))
            os.unlink(path)
        return handle

    monkeypatch.setattr(os, "open", open_and_lose)
    journal = Journal(folder)
    journal.open()
    assert journal.append(b"1")
    journal.close()
    assert len(made) == 3
    assert left_by_others(folder) == [b"1"]
