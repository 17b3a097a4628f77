"""Recordings lie where nobody else reads them, and are gone when they are needed no more."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rasr.recordings.faults import RecordingFault
from rasr.recordings.spool import RecordingFile, Spool, SpoolRefused

HOLDER = """
import asyncio, sys
from pathlib import Path
from rasr.recordings.spool import RecordingFile, Spool

async def main():
    async with Spool(Path(sys.argv[1])).place() as place:
        async with RecordingFile(place / "recording", 1 << 20) as file:
            await file.write(b"geheim" * 1000)
            await file.flush()
            print(place.name, flush=True)
            sys.stdin.read()

asyncio.run(main())
"""


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """A folder of recordings."""
    return Spool(tmp_path / "recordings")


def names(spool: Spool) -> list[str]:
    return sorted(one.name for one in spool.folder.iterdir())


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def content(path: Path) -> bytes:
    return path.read_bytes()


def found_anywhere(folder: Path, secret: bytes) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file() and secret in one.read_bytes()]


async def test_a_recording_is_gone_when_its_work_ends(spool: Spool) -> None:
    async with spool.place() as place:
        async with RecordingFile(place / "recording", 100) as file:
            await file.write(b"abc")
            await file.flush()
        assert content(place / "recording") == b"abc"
        assert [mode(one) for one in (spool.folder, place, place / "recording")] == [
            0o700,
            0o700,
            0o600,
        ]
        # What somebody needs is not swept, by himself or by others.
        assert (spool.sweep(), Spool(spool.folder).sweep()) == (0, 0)
        assert names(spool) == [place.name]
    assert names(spool) == []


async def test_a_recording_is_gone_when_its_work_fails_or_is_cancelled(spool: Spool) -> None:
    with pytest.raises(ZeroDivisionError):
        async with spool.place():
            raise ZeroDivisionError
    assert names(spool) == []
    began = asyncio.Event()

    async def work() -> None:
        async with spool.place():
            began.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(work())
        await began.wait()
        assert len(names(spool)) == 1
        task.cancel()
    assert names(spool) == []


def test_a_recording_of_a_process_that_was_killed_is_swept_by_the_next(spool: Spool) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(spool.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        name = holder.stdout.readline().strip()
        assert spool.sweep() == 0
        assert names(spool) == [name]
        assert found_anywhere(spool.folder, b"geheim")
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert Spool.of(str(spool.folder), {}).sweep() == 0
    assert names(spool) == []
    assert not found_anywhere(spool.folder, b"geheim")


def test_what_is_not_ours_is_not_swept(spool: Spool, tmp_path: Path) -> None:
    (spool.folder / "file").write_bytes(b"x")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "kept").write_bytes(b"x")
    (spool.folder / "link").symlink_to(theirs)
    assert spool.sweep() == 0
    assert names(spool) == ["file", "link"]
    assert content(theirs / "kept") == b"x"


async def test_places_are_made_while_others_sweep(spool: Spool) -> None:
    stop = asyncio.Event()

    async def sweep() -> None:
        while not stop.is_set():
            await asyncio.to_thread(Spool(spool.folder).sweep)

    async def use() -> None:
        for _ in range(50):
            async with spool.place() as place:
                async with RecordingFile(place / "recording", 9) as file:
                    await file.write(b"x")
                    await file.flush()
                assert content(place / "recording") == b"x"

    async with asyncio.TaskGroup() as group:
        group.create_task(sweep())
        async with asyncio.TaskGroup() as users:
            for _ in range(4):
                users.create_task(use())
        stop.set()
    assert names(spool) == []


def test_a_folder_that_others_may_read_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    with pytest.raises(SpoolRefused, match=r"open to other users \(mode 755\); chmod 700 "):
        Spool(folder)
    folder.chmod(0o700)
    Spool(folder)
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(SpoolRefused, match="is not a folder of this user"):
        Spool(tmp_path / "link")
    (tmp_path / "file").write_bytes(b"")
    for bad in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SpoolRefused, match="cannot be made"):
            Spool(bad)


def test_a_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(SpoolRefused, match="is not a folder of this user"):
        Spool(tmp_path / "recordings")


def test_the_folder_is_the_one_of_the_setting(tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    assert Spool.of("", environ).folder == tmp_path / "rasr" / "recordings"
    assert Spool.of(str(tmp_path / "here"), environ).folder == tmp_path / "here"
    with pytest.raises(SpoolRefused, match="needed: an absolute path"):
        Spool.of("here", environ)


async def test_a_full_disk_is_told_and_nothing_is_left(spool: Spool) -> None:
    async with spool.place() as place:
        # A file that takes nothing more.
        (place / "recording").symlink_to("/dev/full")
        with pytest.raises(RecordingFault, match="has no room"):
            async with RecordingFile(place / "recording", 1 << 20):
                pass
    limit = 1 << 16
    script = (
        "import asyncio, resource, signal, sys\n"
        "from pathlib import Path\n"
        "from rasr.recordings.spool import RecordingFile\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "async def main():\n"
        "    async with RecordingFile(Path(sys.argv[1]), 1 << 20) as file:\n"
        "        try:\n"
        f"            await file.write(bytes({limit} * 2)); await file.flush()\n"
        "        except Exception as error:\n"
        "            print(type(error).__name__, error.code, error.may_pass, error.message)\n"
        "asyncio.run(main())\n"
    )
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", script, str(spool.folder / "recording")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1].startswith("RecordingFault SIS.0100 True the server has no")


async def test_a_recording_is_written_where_it_belongs_whatever_its_pieces(tmp_path: Path) -> None:
    pieces = [bytes([n % 256]) * (1 + n * 37 % 9000) for n in range(300)]
    async with RecordingFile(tmp_path / "a", 1 << 30) as file:
        await file.write(b"forgotten" * 60_000)
        await file.begin_anew()
        for piece in pieces:
            await file.write(piece)
        await file.flush()
        assert file.head == b"".join(pieces)[:512]
        assert file.size == sum(map(len, pieces))
    assert content(tmp_path / "a") == b"".join(pieces)


async def test_nothing_of_what_came_before_is_left_behind_what_comes_anew(tmp_path: Path) -> None:
    async with RecordingFile(tmp_path / "a", 1 << 30) as file:
        await file.write(b"long" * 100_000)
        await file.begin_anew()
        await file.write(b"short")
        await file.flush()
    assert content(tmp_path / "a") == b"short"
