"""Where the recordings of jobs lie: a folder for each, mode 0700, from the first byte to its end.

They outlive the process that fetched them, so that what was fetched need not be fetched again. What
belongs to no job that is open is removed, by whoever finds it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import structlog

from rasr.store.private_files import make_private_folder

_log = structlog.get_logger("rasr.jobs")

_RECORDING = "recording"


class JobFolders:
    """The folders of one store's jobs on this machine."""

    def __init__(self, root: Path) -> None:
        """
        Raises:
            StoreRefused: the folder cannot be used.
        """
        self._root = root
        make_private_folder(root)

    def recording(self, job_id: str) -> Path:
        """Where the recording of a job is, once it is there whole."""
        return self._root / job_id / _RECORDING

    def make(self, job_id: str) -> Path:
        """The folder of a job, made if it is not there.

        Raises:
            OSError: it cannot be made.
        """
        folder = self._root / job_id
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def remove(self, job_id: str) -> None:
        """A job needs its recording no more."""
        folder = self._root / job_id
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            _log.warning("recording_not_removed", job=job_id, reason=error.strerror)

    def found(self) -> set[str]:
        """The jobs that have a folder here."""
        try:
            return {one.name for one in self._root.iterdir()}
        except FileNotFoundError:
            return set()  # Somebody has removed them all.
