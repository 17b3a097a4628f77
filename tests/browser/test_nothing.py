"""A wrong address in a real browser: a page that leads on, for everybody, in both languages."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Watched, picture, serious
from tests.browser.looks import looks
from tests.browser.server import Server


@looks
def test_a_wrong_address_keeps_nobody_out(
    pages: Watched, fake: Server, dark: bool, phone: bool
) -> None:
    # The browser tells its console of every 404.
    pages.expect("404 (Not Found)")
    page = pages.open(f"{fake.url}/captions/", microphone=False, dark=dark, phone=phone)
    expect(page.get_by_role("heading", name="Captions")).to_be_visible()
    assert serious(page) == []
    picture(page, f"{'dark' if dark else 'light'}-{'phone' if phone else 'desk'}-nothing")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_it_leads_to_the_page_by_keyboard_in_the_language_of_the_browser(
    pages: Watched, fake: Server
) -> None:
    pages.expect("404 (Not Found)")
    page = pages.open(f"{fake.url}/nothing", microphone=False, locale="zh-CN")
    expect(page.get_by_role("heading", name="这里没有内容")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{fake.url}/")
