"""Real browsers: Debian's Chromium, its microphone played from a file. Absent, tests skip."""

from __future__ import annotations

import json
import os
import re
import shutil
import wave
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soxr
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from bench import recordings
from rasr.audio import SAMPLE_RATE, Samples
from rasr.identity.directory import Directory
from tests.browser.server import CHINESE, ENGLISH, FAKE, Server, ThreadServer
from tests.browser.waiting import PATIENCE_MS
from tests.server.audio import quiet, voiced

PICTURES = Path(__file__).parent.parent.parent / "pictures"
"""Git ignores it: one picture of each state of the page, to be looked at."""

MICROPHONE_RATE = 48000
SPOKEN_MS = 6800
"""Two sentences of the demonstration, and the pause behind them."""
LEAD_MS = 2500
"""Silence before them: a file is played from when the microphone is opened, before anybody
listens, and a busy machine takes a while between the two."""
SENTENCE_MS, PAUSE_MS = 1200, 1000
"""Of audio that is no language, and sooner over than two sentences."""
PHONE = "Pixel 7"
"""As Playwright knows it: a small screen, fingers, and a browser that says so."""

SANDBOX = hasattr(os, "geteuid") and os.geteuid() != 0
"""A container's root has no sandbox; what is opened is ours alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    # Of the package, not of the session: as long as it is open a loop of Playwright's runs in this
    # thread, and asyncio's tests elsewhere could not run theirs.
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        yield playwright


def chromium_command() -> str:
    """Skips the test where there is none."""
    command = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if command is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    return command


@pytest.fixture(scope="package")
def browser(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Browser, Playwright]]:
    """Its microphone hears four short sentences of no language."""
    sentence = voiced(SENTENCE_MS) + quiet(PAUSE_MS)
    audio = np.frombuffer(quiet(300) + 4 * sentence, np.int16)
    path = tmp_path_factory.mktemp("sound") / "voiced.wav"
    yield from _chromium(playwright, path, audio)


@pytest.fixture(scope="package")
def english_browser(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Browser, Playwright]]:
    """Its microphone hears two sentences of English."""
    demo = recordings.load_demo().samples[: SPOKEN_MS * SAMPLE_RATE // 1000]
    audio = np.concatenate([np.zeros(SAMPLE_RATE * LEAD_MS // 1000, np.int16), demo])
    yield from _chromium(playwright, tmp_path_factory.mktemp("sound") / "spoken.wav", audio)


def _chromium(
    playwright: Playwright, path: Path, audio: Samples
) -> Iterator[tuple[Browser, Playwright]]:
    command = chromium_command()
    with wave.open(str(path), "wb") as wav:
        wav.setparams((1, 2, MICROPHONE_RATE, 0, "NONE", ""))
        wav.writeframes(soxr.resample(audio, SAMPLE_RATE, MICROPHONE_RATE).tobytes())
    browser = playwright.chromium.launch(
        executable_path=command,
        chromium_sandbox=SANDBOX,
        args=[
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={path}%noloop",
            "--host-resolver-rules=MAP insecure.example 127.0.0.1",
        ],
    )
    yield browser, playwright
    browser.close()


@pytest.fixture(scope="package")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that everybody may use and nobody may stop."""
    with Server(tmp_path_factory.mktemp("fake"), FAKE) as server:
        yield server


@pytest.fixture(scope="package")
def jobs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """As `fake`, with jobs on recordings; whoever has some forgets all others."""
    with Server(tmp_path_factory.mktemp("jobs"), FAKE) as server:
        yield server


@pytest.fixture(scope="package")
def english(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that understands English; as `fake`."""
    with Server(tmp_path_factory.mktemp("english"), ENGLISH) as server:
        yield server


@pytest.fixture(scope="package")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that understands some Chinese; as `fake`."""
    with Server(tmp_path_factory.mktemp("chinese"), CHINESE) as server:
        yield server


@pytest.fixture
def own_server() -> Iterator[Callable[..., ThreadServer]]:
    """Servers with settings of their own: `own_server(decoding={"max_rounds": 1})`."""
    running: list[ThreadServer] = []

    def make(directory: Directory | None = None, **sections: dict[str, object]) -> ThreadServer:
        server = ThreadServer(directory, None, **sections)
        server.start()
        running.append(server)
        return server

    yield make
    for server in running:
        server.end()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Server]:
    """A server that understands English and may be killed."""
    with Server(tmp_path, ENGLISH) as server:
        yield server


class Watched:
    """Opens pages, and says at the end what any of them complained of."""

    def __init__(self, browser: Browser, playwright: Playwright) -> None:
        self._browser = browser
        self._playwright = playwright
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
        phone: bool = False,
        moving: bool = False,
        languages: Sequence[dict[str, object]] | None = None,
        prepare: Callable[[Page], object] = lambda page: None,
    ) -> Page:
        """A page at `url`.

        Args:
            microphone: it is allowed, and so is the clipboard.
            moving: the reader has not asked for less motion.
            languages: what `/languages` lists; None leaves it to the server.
        """
        desk = {"viewport": {"width": 1280, "height": 800}}
        context = self._browser.new_context(
            locale=locale,
            color_scheme="dark" if dark else "light",
            reduced_motion="no-preference" if moving else "reduce",
            **(self._playwright.devices[PHONE] if phone else desk),
        )
        if microphone:
            context.grant_permissions(["microphone", "clipboard-read", "clipboard-write"])
        context.add_init_script(WATCH_POLICY)
        # Of every page in it, also of those that a test or the page itself opens.
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        self._contexts.append(context)
        if languages is not None:
            body = json.dumps({"languages": list(languages)})
            page.route("**/languages", lambda route: route.fulfill(body=body))
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


WATCH_POLICY = """
document.addEventListener("securitypolicyviolation",
  ({violatedDirective, blockedURI}) => console.error(`policy ${violatedDirective} ${blockedURI}`));
"""


@pytest.fixture
def pages(browser: tuple[Browser, Playwright]) -> Iterator[Watched]:
    """No page of any test may complain in its console, or do what its policy forbids."""
    watched = Watched(*browser)
    yield watched
    assert watched.close() == []


@pytest.fixture
def english_pages(english_browser: tuple[Browser, Playwright]) -> Iterator[Watched]:
    """As `pages`; somebody speaks English into them."""
    watched = Watched(*english_browser)
    yield watched
    assert watched.close() == []


def words_of(texts: Iterable[str]) -> list[str]:
    """The words of English texts, without their marks."""
    return re.findall(r"[a-z']+", " ".join(texts).lower())


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like now."""
    page.screenshot(path=PICTURES / f"{name}.png")


def serious(page: Page) -> list[str]:
    """What axe finds, as far as it keeps people out."""
    return [
        f"{fault['id']} ({fault['impact']}): {[node['html'] for node in fault['nodes']]}"
        for fault in Axe().run(page).response["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
