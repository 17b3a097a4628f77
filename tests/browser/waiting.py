"""Waiting for what a page comes to show, without losing time.

Playwright's own `expect` looks again after a second at last, and who waits for speech to be over
would wait half of one in vain, many times. So the page itself is asked to say when it is so far,
and `expect` only has the last word: it tells what is there instead.
"""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

PATIENCE_MS = 30_000
"""For what a page comes to show; speech is spoken at its own speed."""

WAIT = """
async (milliseconds) => {
  const until = performance.now() + milliseconds;
  while (!(%s)()) {
    if (performance.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
"""
"""A function that resolves when another one says true, or when the time is over."""


def soon(page: Page, holds: str) -> None:
    """Wait until a function of the page says true, or until nobody would wait any more."""
    page.evaluate(WAIT % holds, PATIENCE_MS)


def expect_status(page: Page, text: str) -> None:
    shown = "document.querySelector('#status').textContent"
    soon(page, f"() => {shown} === {json.dumps(text)}")
    expect(page.locator("#status")).to_have_text(text)


def expect_count(page: Page, selector: str, count: int) -> None:
    soon(page, f"() => document.querySelectorAll({json.dumps(selector)}).length === {count}")
    expect(page.locator(selector)).to_have_count(count)


def expect_shown(page: Page, selector: str) -> None:
    soon(page, f"() => document.querySelector({json.dumps(selector)})?.checkVisibility()")
    expect(page.locator(selector).first).to_be_visible()
