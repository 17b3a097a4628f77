"""A server to talk to, and a place where what the documents show is run."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rasr.settings import StoreSettings
from rasr.store.on_demand import DirectoryOnDemand, StoreOnDemand
from tests.browser.server import ThreadServer
from tests.docs.pages import ROOT
from tests.server.audio import quiet, voiced

_FAKE = """\
[engines.fake]
kind = "fake"

[properties]
english = "fake"

[capacity]
max_load = 0.0
"""
_SHOWN = ("127.0.0.1:8765", "localhost:8765")
"""Where the server of the documents is."""
_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """A folder like a checkout after `make setup`, of a person with nothing else, and a server."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """The address of the server, for clients."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def recording(self) -> Path:
        """A recording of two sentences: mono, 16 bit, 16 kHz."""
        return self.folder / "me.wav"

    def here(self, text: str) -> str:
        """`text` with the server that runs here in place of the one that it names."""
        for shown in _SHOWN:
            text = text.replace(shown, f"127.0.0.1:{self.port}")
        return text

    def run(self, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program here."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RASR_")}
        bin_folder = self.folder / "bin"
        home = {
            "HOME": str(self.folder / "home"),
            "XDG_DATA_HOME": str(self.folder / "home" / "data"),
            "XDG_CONFIG_HOME": str(self.folder / "home" / "config"),
            "XDG_CACHE_HOME": str(self.folder / "home" / "cache"),
            "PATH": f"{bin_folder}:{Path(sys.executable).parent}:{kept['PATH']}",
            "PYTHONPATH": str(ROOT),
            "RASR_CONFIG": str(self.folder / "fake.toml"),
        }
        return subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env=kept | home | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadServer]:
    """A server around the engine that loads nothing, with a store that is not made yet, and a
    bucket with a recording."""
    bucket = tmp_path_factory.mktemp("bucket")
    (bucket / "2026" / "01").mkdir(parents=True)
    _record(bucket / "2026" / "01" / "call.wav")
    recordings: dict[str, object] = {
        "buckets": {"calls": {"kind": "folder", "folder": str(bucket)}}
    }
    file = tmp_path_factory.mktemp("store") / "store" / "store.db"
    store = StoreOnDemand(StoreSettings(url=f"sqlite:///{file}"), {})
    server = ThreadServer(DirectoryOnDemand(store), store, recordings=recordings)
    server.start()
    yield server
    server.end()


@pytest.fixture
def place(server: ThreadServer, tmp_path: Path) -> Place:
    """A place of the test's own."""
    for name in ("docs", "deploy", "rasr", "bench"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    (tmp_path / "home").mkdir()
    (tmp_path / "fake.toml").write_text(_FAKE)
    (tmp_path / "bin").mkdir()
    websocat = tmp_path / "bin" / "websocat"
    websocat.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.docs.websocat "$@"\n')
    websocat.chmod(0o755)
    place = Place(tmp_path, server.port)
    _record(place.recording)
    return place


def _record(path: Path) -> None:
    with wave.open(str(path), "wb") as wav:
        wav.setparams((1, 2, 16000, 0, "NONE", ""))
        wav.writeframes(quiet(200) + voiced(500))
