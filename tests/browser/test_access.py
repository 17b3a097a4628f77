"""For everybody: each state of the page passes axe, by day and by night, at a desk and by phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from bench import recordings
from tests.browser.conftest import Watched, picture, serious
from tests.browser.looks import looks
from tests.browser.server import Server
from tests.browser.test_recordings import drop
from tests.browser.test_speaking import press
from tests.browser.waiting import (
    PLAYING,
    expect_at_least,
    expect_shown,
    expect_status,
    glimpse,
    soon,
)
from tests.longer import mostly_long

SMALL = """
() => [...document.querySelectorAll("button, select, input, textarea, a")]
  .filter((one) => one.checkVisibility())
  .map((one) => [one, one.closest(".switch") ?? one])
  .filter(([, touched]) => Math.min(touched.offsetWidth, touched.offsetHeight) < 44)
  .map(([one]) => one.outerHTML)
"""
"""What is smaller than a finger, in CSS pixels; a switch is as large as its label."""
_NEWEST_IS_SAID = """
() => document.querySelector("[role=log]").textContent
  === [...document.querySelectorAll(".sentence .words")].at(-1)?.textContent
"""
_PAINTED = "() => performance.getEntriesByName('first-contentful-paint').length > 0"
_BYTES_BEFORE = """
() => {
  const [{ startTime: painted }] = performance.getEntriesByName("first-contentful-paint");
  const before = performance.getEntriesByType("resource").filter((one) => one.startTime < painted);
  return before.reduce((sum, one) => sum + one.decodedBodySize, 0);
}
"""
_MOST_BYTES = 500_000
"""A second's worth of a network of 4 Mbit/s, uncompressed."""


@looks
def test_nobody_is_kept_out(pages: Watched, fake: Server, dark: bool, phone: bool) -> None:
    page = pages.open(fake.url, microphone=False, dark=dark, phone=phone)
    name = f"{'dark' if dark else 'light'}-{'phone' if phone else 'desk'}"
    assert serious(page) == []
    picture(page, f"{name}-blank")
    press(page, "Start")
    expect(page.get_by_role("alert")).to_be_visible()
    assert serious(page) == []
    picture(page, f"{name}-fault")
    drop(page, recordings.load_demo().path)
    expect_status(page, "Done. Press to speak again.")
    assert serious(page) == []
    picture(page, f"{name}-text")
    press(page, "Settings")
    assert serious(page) == []
    picture(page, f"{name}-settings")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("phone", mostly_long([False, True], True), ids=["desk", "phone"])
def test_somebody_who_speaks_is_not_kept_out_either(
    pages: Watched, fake: Server, phone: bool
) -> None:
    page = pages.open(fake.url, phone=phone)
    press(page, "Start")
    expect_shown(page, "#partial")
    picture(page, f"{'phone' if phone else 'desk'}-speaking")
    assert serious(page) == []
    # Who cannot see hears finals once, and is spared what may still change.
    expect_at_least(page, ".sentence", 1)
    soon(page, _NEWEST_IS_SAID)
    live = "one => one.closest('[aria-live], [role=log], [role=status]')"
    for silent in ("#partial", "#finals"):
        assert page.locator(silent).evaluate(live) is None


def test_a_phone_is_used_with_a_thumb(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, phone=True)
    # Wide enough that nothing has to be zoomed, and nothing is too small for a finger.
    assert page.evaluate("visualViewport.scale") == 1
    page.locator("#talk").tap()
    expect_at_least(page, ".sentence", 1)
    page.locator("#talk").tap()
    expect_status(page, "Done. Press to speak again.")
    small = page.evaluate(SMALL)
    assert small == []
    with glimpse(page, PLAYING):
        page.locator(".sentence").first.tap()
    picture(page, "phone-finals")
    page.locator("#settings").tap()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate(SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Close").tap()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_button_is_there_before_the_server_has_said_what_it_serves(
    pages: Watched, fake: Server
) -> None:
    def hold(page: Page) -> None:
        for held in ("**/properties", "**/languages"):
            page.route(held, lambda route: None)

    page = pages.open(fake.url, prepare=hold)
    button = page.get_by_role("button", name="Start", exact=True)
    expect(button).to_be_in_viewport(ratio=1)
    box = button.bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 150
    # How soon that is depends on the machine; what has to come before does not.
    soon(page, _PAINTED)
    assert 0 < page.evaluate(_BYTES_BEFORE) < _MOST_BYTES


def test_a_chinese_browser_gets_a_chinese_page(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, locale="zh-CN")
    expect(page).to_have_title("rasr – 说话，即成文字")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    press(page, "设置")
    page.get_by_text("高级").click()
    expect(page.get_by_text("断句。默认：500。")).to_be_visible()
    assert serious(page) == []
    picture(page, "chinese-settings")
    press(page, "关闭")
    picture(page, "chinese")
    press(page, "English")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.reload()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
