"""The clients of docs/clients are run, each where its language is installed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.conftest import Place
from tests.docs.pages import EXAMPLES
from tests.docs.programs import needed
from tests.web.node import node

Command = Callable[[Place], list[str]]

_GO_PACKAGES = Path("/usr/share/gocode")
"""Where Debian lays the sources of Go's packages."""


def python(place: Place) -> list[str]:
    return ["python", "-W", "error", str(EXAMPLES / "session.py")]


def javascript(place: Place) -> list[str]:
    version = place.run(node(), "--version").stdout
    # Node 22 has websockets as browsers do; before, they have to be asked for.
    major = int(version.lstrip("v").split(".")[0])
    if major < 20:
        pytest.skip(f"needs Node 20 or newer, this is {version.strip()}")
    flags = ["--experimental-websocket", "--no-warnings"] if major < 22 else []
    return [node(), *flags, str(EXAMPLES / "session.mjs")]


def java(place: Place) -> list[str]:
    return [needed("java", "openjdk-17-jdk-headless"), str(EXAMPLES / "Session.java")]


def go(place: Place) -> list[str]:
    command = needed("go", "golang-go")
    if not (_GO_PACKAGES / "src/github.com/gorilla/websocket").exists():
        pytest.skip("needs gorilla/websocket: apt-get install golang-github-gorilla-websocket-dev")
    program = str(place.folder / "session")
    build = place.run(
        *(command, "build", "-o", program, EXAMPLES / "session.go"),
        GO111MODULE="off",
        GOPATH=str(_GO_PACKAGES),
        GOCACHE=str(place.folder / "go-cache"),
    )
    assert build.returncode == 0, build.stderr
    return [program]


def csharp(place: Place) -> list[str]:
    compiler, runtime = needed("mcs", "mono-mcs"), needed("mono", "mono-runtime")
    program = str(place.folder / "Session.exe")
    build = place.run(compiler, f"-out:{program}", EXAMPLES / "Session.cs")
    assert build.returncode == 0, build.stdout + build.stderr
    return [runtime, program]


clients = pytest.mark.parametrize("command", [python, javascript, java, go, csharp])


@clients
def test_it_shows_what_is_said(command: Command, place: Place) -> None:
    process = place.run(*command(place), place.recording, place.url)
    assert process.stderr == ""
    assert process.returncode == 0
    *results, end = process.stdout.splitlines()
    assert any(line.startswith("final ") or '"is_final":true' in line for line in results)
    assert any(line.startswith("partial ") or '"is_final":false' in line for line in results)
    assert "NORMAL" in end


@clients
def test_what_is_wrong_is_a_sentence(command: Command, place: Place) -> None:
    words = command(place)
    note = place.folder / "talk.mp3"
    note.write_bytes(b"ID3" + bytes(200))
    for arguments, said in (
        ([], "which recording?"),
        ([note], "mono, 16 bit, 16 kHz|ffmpeg"),
        ([place.folder / "absent.wav"], "absent.wav"),
        ([place.recording, "ws://127.0.0.1:9"], "no recognition|no server"),
    ):
        process = place.run(*words, *arguments)
        assert process.returncode == 1, arguments
        (sentence,) = process.stderr.splitlines()
        assert re.search(said, sentence), sentence


def test_every_client_is_described_and_run() -> None:
    page = (EXAMPLES.parent / "README.md").read_text("utf-8")
    names = {path.name for path in EXAMPLES.iterdir()}
    assert names == {
        "Session.cs",
        "Session.java",
        "page.html",
        "session.go",
        "session.mjs",
        "session.py",
    }
    assert [name for name in names if f"(examples/{name})" not in page] == []
