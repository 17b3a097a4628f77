"""The console to the eye: every part by day and night, in both languages, on desk and phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PICTURES, Watched, picture, serious
from tests.browser.console import Answers, ConsoleServer, vocabulary
from tests.browser.looks import looks
from tests.longer import mostly_long
from tests.server.stored import PASSWORD

PARTS = ("overview", "keys", "words", "words/team", "sessions")

_GO = """
(hash) => new Promise((done) => {
  addEventListener("hashchange", done, {once: true});
  location.hash = hash;
})
"""
"""To a part of the console, until it has heard of it."""


@pytest.fixture
def answers() -> Answers:
    words = ["Harmony OS", "Doctor Ramírez", "Kirin", "Ascend"]
    return Answers(
        {
            "team": vocabulary("team", words),
            "customers": vocabulary("customers", ["华为", "鸿蒙"], "chinese_mandarin"),
        }
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleServer]:
    server = ConsoleServer(tmp_path_factory.mktemp("console"))
    server.start()
    yield server
    server.end()


def enter(page: Page) -> None:
    """Sign in, in whatever language."""
    page.locator("#standing-act").click()
    page.locator("#sign-in-user").fill("anna")
    page.locator("#sign-in-password").fill(PASSWORD)
    page.locator("#sign-in-send").click()
    expect(page.locator("#who-name")).to_contain_text("anna")


def at(page: Page, part: str) -> None:
    page.evaluate(_GO, f"#{part}")
    name = part.partition("/")[0]
    expect(page.locator(f"#part-{name}")).to_be_visible()
    expect(page.locator(f"#part-{name} [aria-busy=true]")).to_have_count(0)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


@pytest.mark.parametrize(
    "language", mostly_long(["en-GB", "zh-CN"], "zh-CN"), ids=["english", "chinese"]
)
@looks
def test_every_part_keeps_nobody_out(
    pages: Watched, server: ConsoleServer, answers: Answers, language: str, dark: bool, phone: bool
) -> None:
    page = pages.open(
        server.console, dark=dark, phone=phone, locale=language, prepare=answers.attach
    )
    look = f"{'dark' if dark else 'light'}-{'phone' if phone else 'desk'}-{language[:2]}"
    expect(page.locator("#standing-act")).to_be_visible()
    assert serious(page) == []
    picture(page, f"console-{look}-signed-out")
    enter(page)
    for part in PARTS:
        at(page, part)
        assert serious(page) == [], part
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), part
        name = f"console-{look}-{part.replace('/', '-')}.png"
        page.screenshot(path=PICTURES / name, full_page=True)


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"], ids=["english", "chinese"])
def test_every_part_fits_into_320_pixels(
    pages: Watched, server: ConsoleServer, answers: Answers, language: str
) -> None:
    page = pages.open(server.console, locale=language, prepare=answers.attach)
    page.set_viewport_size({"width": 320, "height": 640})
    enter(page)
    for part in PARTS:
        at(page, part)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, part


@pytest.mark.long
def test_picture_of_the_document(pages: Watched, server: ConsoleServer, answers: Answers) -> None:
    """The overview: `make picture` takes the document's picture from here."""
    page = pages.open(server.console, prepare=answers.attach)
    enter(page)
    at(page, "overview")
    expect(page.locator("#monitoring figure")).to_have_count(4)
    page.screenshot(path=PICTURES / "console.png", full_page=True)
