"""Browsers that keep nothing for pages: everything works, and lasts as long as the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.browser.conftest import SANDBOX, Watched, chromium_command
from tests.browser.firefox import firefox
from tests.browser.server import Server
from tests.browser.test_speaking import press
from tests.browser.waiting import PATIENCE_MS, expect_count, expect_status

_READY = "Press and speak, or drop a recording."
_FULL = """
Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
"""


def _use_every_choice(page: Page) -> None:
    """Colours, language and mode change, and a sample is heard."""
    expect_status(page, _READY)
    theme = page.locator("html").get_attribute("data-theme")
    page.locator("#theme").click()
    expect(page.locator("html")).not_to_have_attribute("data-theme", theme or "")
    page.locator("#language").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.locator("#language").click()
    page.get_by_label("Mode", exact=True).select_option("sentence")
    expect_count(page, "#choice-property option", 1)
    page.locator("#sample-buttons [data-sample=english]").click()
    expect_count(page, ".sentence", 1)


def test_chromium_that_blocks_all_cookies(
    playwright: Playwright, fake: Server, tmp_path: Path
) -> None:
    block = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(block))
    context = playwright.chromium.launch_persistent_context(
        tmp_path,
        executable_path=chromium_command(),
        chromium_sandbox=SANDBOX,
        locale="en-GB",
    )
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(fake.url)
        with pytest.raises(Exception, match=r"SecurityError|Access is denied"):
            page.evaluate("localStorage")
        _use_every_choice(page)
        assert complaints == []
    finally:
        context.close()


def test_firefox_without_storage(fake: Server, tmp_path: Path) -> None:
    with firefox(tmp_path, dom__storage__enabled=False) as browser:
        browser.open(fake.url)
        browser.expect_text("#status", _READY)
        browser.expect_text("#talk-name", "Start")
        browser.click("#language")
        browser.expect_text("#talk-name", "开始")
        assert browser.complaints == []


@pytest.mark.long
def test_storage_that_is_full(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, prepare=lambda page: page.add_init_script(_FULL))
    _use_every_choice(page)
    press(page, "Past sessions")
    page.get_by_label("Keep sessions in this browser").check()
    expect(page.locator("#keep-fault")).to_be_hidden()


def test_a_first_visit_leaves_nothing_behind(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    expect_count(page, "#choice-property option", 1)
    assert page.evaluate("Object.keys(localStorage)") == []
    page.get_by_label("Mode", exact=True).select_option("sentence")
    assert page.evaluate("localStorage['rasr.choices']") == '{"mode":"sentence"}'
