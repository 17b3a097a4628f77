"""Checks of this machine: what it is, and what it has to give.

Each is a function that gives its findings and changes nothing.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator, Mapping

import rasr
from decoder.cores import cores
from rasr.cli.findings import Finding, Status
from rasr.cli.machine import free_bytes, may_write, memory
from rasr.cli.microphone import MicrophoneError, list_devices
from rasr.configuration.folders import cache_folder
from rasr.models.store import Store
from rasr.settings import Settings

_OLDEST_PYTHON = (3, 11)
_LEAST_CORES = 2
"""One speaker and what is around the engine; the numbers of the documents are for two."""
_LEAST_ROOM_BYTES = 500_000_000
"""A model and a log fit."""
_SPARE_DESCRIPTORS = 128
"""Of a server beside its connections: models, workers, logs, requests over HTTP."""
_FEWEST_CONNECTIONS = 16


def python_version(version: tuple[int, ...] | None = None) -> Iterator[Finding]:
    """Whether this Python runs rasr.

    Args:
        version: None for that of this process.
    """
    running = tuple(sys.version_info[:3]) if version is None else version
    told = ".".join(map(str, running))
    if running >= _OLDEST_PYTHON:
        yield Finding("python", Status.OK, f"rasr {rasr.__version__} on Python {told}")
    else:
        oldest = ".".join(map(str, _OLDEST_PYTHON))
        yield Finding(
            "python", Status.WRONG, f"this is Python {told}", f"install Python {oldest} or newer"
        )


def room_in_memory(needed_mb: int, *, running: bool) -> Iterator[Finding]:
    """Whether what is served fits into the memory.

    Args:
        needed_mb: by a server with the settings in force.
        running: a server runs, and has taken its memory already.
    """
    here = memory()
    if here is None:
        yield Finding("memory", Status.NOTE, "this system does not say how much memory is free")
        return
    told = f"{here.free_mb} of {here.total_mb} MB are free"
    if running or here.free_mb >= needed_mb:
        yield Finding("memory", Status.OK, f"{told}; the settings need about {needed_mb} MB")
    else:
        yield Finding(
            "memory",
            Status.WRONG,
            f"{told}, and the settings need about {needed_mb} MB",
            "end what takes memory, or serve a smaller model (`rasr setup` shows what each takes)",
        )


def enough_cores(here: int | None = None) -> Iterator[Finding]:
    """Whether speech can be decoded in time."""
    count = cores() if here is None else here
    if count >= _LEAST_CORES:
        yield Finding(
            "cores", Status.OK, f"{count} cores; `rasr capacity` measures what they carry"
        )
    else:
        yield Finding(
            "cores",
            Status.NOTE,
            f"{count} core: one speaker at most, and only with a small model",
            "`rasr capacity` measures what this machine carries",
        )


def descriptors(settings: Settings, limits: tuple[int, int] | None = None) -> Iterator[Finding]:
    """Whether so many connections as the settings allow can be open.

    Args:
        limits: of open files, the one in force and the one to which it may be raised; None for
            those of this process.
    """
    soft, hard = limits or resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(soft, hard) if resource.RLIM_INFINITY not in (soft, hard) else None
    wanted = settings.server.max_connections + _SPARE_DESCRIPTORS
    if most is None or most >= wanted:
        yield Finding(
            "descriptors", Status.OK, f"room for {settings.server.max_connections} connections"
        )
        return
    fit = max(0, most - _SPARE_DESCRIPTORS)
    yield Finding(
        "descriptors",
        Status.WRONG if fit < _FEWEST_CONNECTIONS else Status.NOTE,
        f"a process may have {most} files open here: room for {fit} connections, not "
        f"{settings.server.max_connections}",
        f"allow more (ulimit -n {wanted}, or LimitNOFILE={wanted} in a systemd unit), or lower "
        "server.max_connections",
    )


def folders(store: Store, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether there is room, and leave to write, where models and measurements are kept."""
    for what, folder in (("models", store.folder), ("measurements", cache_folder(environ))):
        free = free_bytes(folder)
        if not may_write(folder):
            yield Finding(
                "folders",
                Status.NOTE if what == "measurements" else Status.WRONG,
                f"{folder}, for {what}, cannot be written",
                "give this user leave to write there, or run rasr as the user who has it",
            )
        elif free < _LEAST_ROOM_BYTES:
            yield Finding(
                "folders",
                Status.WRONG,
                f"{folder}, for {what}, has room for {free / 1e6:.0f} MB",
                "free some room, or name another folder in the setting models.folder",
            )
        else:
            yield Finding("folders", Status.OK, f"{folder}: {free / 1e9:.1f} GB free for {what}")


def microphone() -> Iterator[Finding]:
    """Whether `rasr mic` can record here."""
    try:
        found = list_devices().splitlines()
    except MicrophoneError as error:
        yield Finding(
            "microphone",
            Status.NOTE,
            f"`rasr mic` cannot record here: {error}",
            "needed for `rasr mic` alone; the page uses the microphone of the browser's machine",
        )
    else:
        yield Finding("microphone", Status.OK, f"{len(found)} that can record: {found[0].strip()}")
