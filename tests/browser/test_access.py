"""For everybody: each state of the page passes axe, by day and by night, at a desk and by phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from bench import recordings
from tests.browser.conftest import Watched, picture, serious
from tests.browser.server import Server
from tests.browser.test_recordings import drop
from tests.browser.test_speaking import press
from tests.browser.waiting import expect_count, expect_shown, expect_status

SMALL = """
() => [...document.querySelectorAll("button, select, input, textarea, a")]
  .filter((one) => one.checkVisibility())
  .map((one) => [one, one.closest(".switch") ?? one])
  .filter(([, touched]) => Math.min(touched.offsetWidth, touched.offsetHeight) < 44)
  .map(([one]) => one.outerHTML)
"""
"""What is smaller than a finger, in CSS pixels; a switch is as large as its label."""
_FIRST_PAINT_MS = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
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


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_somebody_who_speaks_is_not_kept_out_either(
    pages: Watched, fake: Server, phone: bool
) -> None:
    page = pages.open(fake.url, phone=phone)
    press(page, "Start")
    expect_shown(page, "#partial")
    picture(page, f"{'phone' if phone else 'desk'}-speaking")
    assert serious(page) == []
    # Who cannot see hears finals once, and is spared what may still change.
    expect_count(page, ".sentence", 1)
    expect(page.get_by_role("log")).to_have_text(
        page.locator(".sentence .words").text_content() or ""
    )
    live = "one => one.closest('[aria-live], [role=log], [role=status]')"
    for silent in ("#partial", "#finals"):
        assert page.locator(silent).evaluate(live) is None


def test_a_phone_is_used_with_a_thumb(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, phone=True)
    # Wide enough that nothing has to be zoomed, and nothing is too small for a finger.
    assert page.evaluate("visualViewport.scale") == 1
    page.locator("#talk").tap()
    expect_count(page, ".sentence", 1)
    page.locator("#talk").tap()
    expect_status(page, "Done. Press to speak again.")
    small = page.evaluate(SMALL)
    assert small == []
    page.locator(".sentence").first.tap()
    expect(page.locator(".sentence").first).to_have_class("sentence playing")
    picture(page, "phone-finals")
    page.locator("#settings").tap()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate(SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Close").tap()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_button_is_there_within_a_second(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    button = page.get_by_role("button", name="Start", exact=True)
    expect(button).to_be_in_viewport(ratio=1)
    box = button.bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 150
    assert page.evaluate(_FIRST_PAINT_MS) < 1000


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
