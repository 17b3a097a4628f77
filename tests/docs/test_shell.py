"""The shell of the documents is run, as far as it needs no network, root, sound card or minutes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rasr.settings import StoreSettings
from rasr.store.on_demand import DirectoryOnDemand, StoreOnDemand
from tests.browser.server import ThreadServer
from tests.docs.conftest import Place
from tests.docs.pages import ROOT, Code, all_blocks, blocks
from tests.docs.shell import Words, commands, statements

ACCOUNTS = ROOT / "docs" / "accounts.md"
_RUN = ("base64", "curl", "echo", "sed", "websocat")
_RASR_RUN = ("config", "top", "transcribe")
_MODELS_RUN = ("list", "show")


def runs(words: Words) -> bool:
    """True for what a test may run; the others are checked by `test_commands` alone."""
    match words:
        case ["rasr", "models", command, *_]:
            return command in _MODELS_RUN
        case ["rasr", command, *_]:
            return command in _RASR_RUN
        case ["curl", *_, url] if url.endswith("/v3/auth/tokens"):
            return False  # Needs an account: a test of its own.
        case _:
            return words[0] in _RUN


def runnable() -> list[Code]:
    return [
        Code(block.page, block.line, block.language, statement)
        for block in all_blocks("sh")
        for statement in statements(block.text)
        if all(runs(words) for words in commands(statement)) and list(commands(statement))
    ]


@pytest.mark.parametrize("code", runnable(), ids=lambda code: f"{code.place} {code.text[:40]}")
def test_it_runs(code: Code, place: Place) -> None:
    for words in commands(code.text):
        for word in words[2:] if words[0] == "rasr" else ():
            if not word.startswith("-") and word.endswith((".mp3", ".wav", ".mkv")):
                recording = place.folder / word
                if not recording.exists():
                    recording.write_bytes(place.recording.read_bytes())
    process = place.run("bash", "-euo", "pipefail", "-c", place.here(code.text))
    assert process.returncode == 0, process.stderr
    assert "Traceback" not in process.stderr
    assert process.stdout or "--output" in code.text
    if "websocat" in code.text:
        assert '"reason":"NORMAL"' in process.stdout
    assert "error_code" not in process.stdout


def test_the_first_account_is_made_and_gets_a_token(place: Place, tmp_path: Path) -> None:
    blocks_of_shell = [block.text for block in blocks(ACCOUNTS) if block.language == "sh"]
    made = next(text for text in blocks_of_shell if "rasr users create ann" in text)
    token = next(text for text in blocks_of_shell if "/v3/auth/tokens" in text)
    url = f"sqlite:///{tmp_path}/accounts/store.db"
    password = re.findall(r'"password": "([^"]+)"', token)[0]
    process = place.run(
        *("bash", "-euo", "pipefail", "-c", f"echo '{password}' | {{\n{made}}}"),
        RASR_STORE__URL=url,
    )
    assert process.returncode == 0, process.stderr
    names = {line.split("  ")[0] for line in process.stdout.splitlines()}
    assert {"ak", "sk", "project id"} <= names
    store = StoreOnDemand(StoreSettings(url=url), {})
    server = ThreadServer(DirectoryOnDemand(store), store)
    server.start()
    try:
        here = Place(place.folder, server.port)
        process = here.run("bash", "-euo", "pipefail", "-c", here.here(token))
    finally:
        server.end()
    assert process.stdout.startswith("HTTP/1.1 201 "), process.stdout
    assert re.search(r"^x-subject-token: \S+", process.stdout, re.MULTILINE)


def test_much_of_it_is_run() -> None:
    programs = {words[0] for code in runnable() for words in commands(code.text)}
    assert programs >= {"rasr", "curl", "websocat"}
