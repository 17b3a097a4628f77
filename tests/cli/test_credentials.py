"""`rasr transcribe` and `rasr mic` at a server that asks who calls."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rasr.cli import secrets_asked
from rasr.identity.directory import Token
from rasr.identity.tokens import digest, new_token
from rasr.server.service import Service
from tests.cli.conftest import Rasr
from tests.cli.scripted_server import in_a_thread
from tests.cli.test_mic import Device
from tests.identity.signing import AK, PROJECT, SK
from tests.server.auth.conftest import ALICE, HOME, accounts
from tests.server.conftest import fake_settings

RECORDING = Path(__file__).parents[1] / "speech" / "greeting.flac"
TOKEN = new_token()


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    directory = accounts()
    now = time.time()
    directory.tokens[digest(TOKEN)] = Token(digest(TOKEN), ALICE, HOME, now, now + 3600)
    async with Service(fake_settings(), directory) as service:
        yield service.url


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with in_a_thread(served) as found:
        yield found


def test_a_key_of_the_environment_signs_the_handshake(
    rasr: Rasr, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RASR_AK", AK)
    monkeypatch.setenv("RASR_SK", SK)
    result = rasr("transcribe", RECORDING, "--url", url, "--project", PROJECT)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.strip()


def test_a_token_comes_by_the_environment(
    rasr: Rasr, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RASR_TOKEN", TOKEN)
    monkeypatch.setenv("RASR_PROJECT", PROJECT)
    assert rasr("transcribe", RECORDING, "--url", url).exit_code == 0


def test_a_token_comes_from_a_file_whatever_the_environment_has(
    rasr: Rasr, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\nanything\n")
    monkeypatch.setenv("RASR_AK", "other")
    result = rasr("transcribe", RECORDING, "--url", url, "--token-file", file, "--project", PROJECT)
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("typed", [True, False])
def test_a_token_is_asked_for_and_not_shown_or_comes_from_a_pipe(
    rasr: Rasr, url: str, monkeypatch: pytest.MonkeyPatch, typed: bool
) -> None:
    monkeypatch.setattr(secrets_asked, "is_typed", lambda: typed)
    asks = ("--token-file", "-", "--project", PROJECT)
    result = rasr("transcribe", RECORDING, "--url", url, *asks, input=TOKEN.encode() + b"\n")
    assert result.exit_code == 0
    assert TOKEN not in result.output
    assert ("Token:" in result.stderr) == typed
    assert typed or result.stderr == ""


def test_a_pipe_with_audio_has_no_token_in_it(
    rasr: Rasr, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def prompt(name: str, **how: object) -> str:
        asked.append(name)
        return TOKEN

    monkeypatch.setattr("click.prompt", prompt)
    asks = ("--token-file", "-", "--project", PROJECT)
    result = rasr("transcribe", "-", "--url", url, *asks, input=bytes(6400))
    assert (result.exit_code, asked) == (0, ["Token"]), result.output


def test_a_microphone_shows_them_too(rasr: Rasr, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", Device().module())
    monkeypatch.setenv("RASR_AK", AK)
    monkeypatch.setenv("RASR_SK", SK)
    assert rasr("mic", "--url", url, "--project", PROJECT).exit_code == 0
    monkeypatch.delenv("RASR_AK")
    monkeypatch.delenv("RASR_SK")
    result = rasr("mic", "--url", url)
    assert result.exit_code == 1
    assert "it asks who calls: set RASR_AK and RASR_SK, or RASR_TOKEN" in result.stderr


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "it asks who calls: set RASR_AK and RASR_SK, or RASR_TOKEN, or give --token-file"),
        ({"RASR_TOKEN": TOKEN}, "give the id of their project with --project"),
        ({"RASR_TOKEN": "x", "RASR_PROJECT": "y"}, "came from a token, for project id y"),
        (
            {"RASR_AK": AK, "RASR_SK": "wrong-secret", "RASR_PROJECT": PROJECT},
            f"came from RASR_AK and RASR_SK, for project id {PROJECT}",
        ),
    ],
)
def test_what_the_server_does_not_believe_is_told_with_what_helps(
    rasr: Rasr,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    words: str,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    result = rasr("transcribe", RECORDING, "--url", url)
    assert result.exit_code == 1
    assert words in result.stderr
    assert TOKEN not in result.stderr
    assert "wrong-secret" not in result.stderr


@pytest.mark.parametrize(
    ("environ", "arguments", "words"),
    [
        ({"RASR_AK": "a"}, [], "RASR_AK is set and RASR_SK is not"),
        ({"RASR_SK": "a"}, [], "RASR_SK is set and RASR_AK is not"),
        ({"RASR_TOKEN": "t", "RASR_AK": "a"}, [], "unset the token, or both of the key"),
        ({"RASR_TOKEN": "a b"}, [], "RASR_TOKEN: a token has to be of letters, digits and signs"),
        ({"RASR_AK": "a", "RASR_SK": "b\n"}, [], "the secret of the access key (SK) has to be"),
        ({}, ["--token-file", "/nowhere"], "--token-file /nowhere cannot be read: No such file"),
        ({}, ["--token-file", "/dev/null"], "--token-file /dev/null: a token has to be"),
    ],
)
def test_what_cannot_be_credentials_is_refused_before_anything_is_sent(
    rasr: Rasr,
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    arguments: list[str],
    words: str,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    result = rasr("transcribe", RECORDING, "--url", "127.0.0.1:9", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


@pytest.mark.parametrize("option", ["--token-file", "--project"])
def test_without_a_url_there_is_nobody_to_show_them_to(rasr: Rasr, option: str) -> None:
    result = rasr("transcribe", RECORDING, option, "x")
    assert result.exit_code == 2
    assert f"{option} is for the server at --url" in result.stderr


def test_a_server_of_its_own_does_not_mind_what_the_environment_has(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RASR_TOKEN", "RASR_AK", "RASR_SK", "RASR_PROJECT"):
        monkeypatch.setenv(name, "x")
    assert rasr("transcribe", RECORDING).exit_code == 0
