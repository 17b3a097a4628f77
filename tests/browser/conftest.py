"""A real browser: Debian's Chromium, its microphone played from a file. Absent, tests skip."""

from __future__ import annotations

import os
import shutil
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soxr
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.browser.server import ENGLISH, FAKE, Server
from tests.speech import library

PICTURES = Path(__file__).parent.parent.parent / "pictures"
"""Git ignores it: one picture of each state of the page, to be looked at."""

PATIENCE_MS = 30_000
"""For what a page comes to show; speech is spoken at its own speed."""
MICROPHONE_RATE = 48000
SPOKEN_MS = 6800
"""Two sentences of the demonstration, and the pause behind them."""
LEAD_MS = 700
"""Silence before them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the microphone hears, as a WAV file."""
    demo = library.load_demo().samples[: SPOKEN_MS * library.SAMPLE_RATE // 1000]
    # The file is played from when the microphone is opened, before anybody listens.
    demo = np.concatenate([np.zeros(library.SAMPLE_RATE * LEAD_MS // 1000, np.int16), demo])
    path = tmp_path_factory.mktemp("sound") / "spoken.wav"
    with wave.open(str(path), "wb") as wav:
        wav.setparams((1, 2, MICROPHONE_RATE, 0, "NONE", ""))
        wav.writeframes(soxr.resample(demo, library.SAMPLE_RATE, MICROPHONE_RATE).tobytes())
    return path


@pytest.fixture(scope="package")
def browser(spoken: Path) -> Iterator[Browser]:
    # Of the package, not of the session: as long as it is open a loop of Playwright's runs in this
    # thread, and asyncio's tests elsewhere could not run theirs.
    command = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if command is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=command,
            # A container's root has no sandbox; what is opened is ours alone.
            chromium_sandbox=hasattr(os, "geteuid") and os.geteuid() != 0,
            args=[
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={spoken}%noloop",
                "--host-resolver-rules=MAP insecure.example 127.0.0.1",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that everybody may use and nobody may stop."""
    with Server(tmp_path_factory.mktemp("fake"), FAKE) as server:
        yield server


@pytest.fixture(scope="package")
def english(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that understands English; as `fake`."""
    with Server(tmp_path_factory.mktemp("english"), ENGLISH) as server:
        yield server


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Servers with settings of their own: `own_server(RASR_DECODING__MAX_ROUNDS="1")`."""
    running: list[Server] = []

    def make(**settings: str) -> Server:
        folder = tmp_path / f"server-{len(running)}"
        folder.mkdir()
        server = Server(folder, FAKE | settings)
        server.start()
        running.append(server)
        return server

    yield make
    for server in running:
        server.__exit__()


class Watched:
    """Opens pages, and says at the end what any of them complained of."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._complaints: list[str] = []
        self._expected: list[str] = []

    def open(
        self,
        url: str,
        *,
        microphone: bool = True,
        locale: str = "en-GB",
        dark: bool = False,
        size: tuple[int, int] = (1280, 800),
        prepare: Callable[[Page], None] = lambda page: None,
    ) -> Page:
        context = self._browser.new_context(
            locale=locale,
            color_scheme="dark" if dark else "light",
            viewport={"width": size[0], "height": size[1]},
            device_scale_factor=1,
            reduced_motion="reduce",
        )
        if microphone:
            context.grant_permissions(["microphone", "clipboard-read", "clipboard-write"])
        context.add_init_script(_WATCH_POLICY)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        self._contexts.append(context)
        prepare(page)
        page.goto(url)
        return page

    def expect(self, *parts: str) -> None:
        """Complaints with one of these in them are what the test is about."""
        self._expected += parts

    def close(self) -> list[str]:
        """The complaints that nobody expected."""
        for context in self._contexts:
            context.close()
        return [
            one
            for one in self._complaints
            if not any(expected in one for expected in self._expected)
        ]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(message.text)


_WATCH_POLICY = """
document.addEventListener("securitypolicyviolation",
  ({violatedDirective, blockedURI}) => console.error(`policy ${violatedDirective} ${blockedURI}`));
"""


@pytest.fixture
def pages(browser: Browser) -> Iterator[Watched]:
    """No page of any test may complain in its console, or do what its policy forbids."""
    watched = Watched(browser)
    yield watched
    assert watched.close() == []


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like now."""
    page.screenshot(path=PICTURES / f"{name}.png")
