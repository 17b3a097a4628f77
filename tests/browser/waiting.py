"""Waiting for what a page comes to show, without losing time.

Playwright's own `expect` looks again after a second at last, and who waits for speech to be over
would wait half of one in vain, many times. So the page itself is asked to say when it is so far,
and `expect` only has a word where it never was: it tells what is there instead.

Whoever asks a page on a busy machine asks late. What stays may be asked for then; what goes by,
such as a sentence that is heard, has to be watched for before it is brought about: `glimpse`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect

from tests.processes import LONG_S

PATIENCE_MS = round(1000 * LONG_S)
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

GLIMPSE = """
() => {
  const holds = %s;
  window.glimpse?.disconnect();
  window.glimpsed = false;
  window.glimpse = new MutationObserver(() => { window.glimpsed ||= Boolean(holds()); });
  window.glimpse.observe(
    document, {subtree: true, childList: true, attributes: true, characterData: true});
}
"""
"""A function after which the page asks another one with each change that is made in it."""
GLIMPSED = "() => window.glimpsed"
PIXELS = """
((canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height)
    .getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  return copy.getImageData(0, 0, canvas.width, canvas.height);
})
"""
"""A function that reads a canvas. Of a copy: Chromium warns of a canvas of the page that is read
again and again, and no page may be warned of."""
PLAYING = "() => document.querySelector('.sentence.playing') !== null"
"""A sentence is heard."""

_PATIENT = """
const later = setTimeout;
window.setTimeout = (call, ms = 0, ...rest) => (ms < 1000 ? later(call, ms, ...rest) : 0);
"""


def nothing_passes(page: Page) -> None:
    """From its next load on the page does nothing by itself a second or more later: what it tells
    for a while stays, and what it would try again waits for somebody."""
    page.add_init_script(_PATIENT)


def soon(page: Page, holds: str) -> None:
    """Wait until a function of the page says true.

    Raises:
        AssertionError: nobody would wait any more.
    """
    assert _came_true(page, holds), f"never came true: {holds}"


@contextmanager
def glimpse(page: Page, holds: str) -> Iterator[None]:
    """What is done within makes a function of the page say true, and be it for a moment."""
    page.evaluate(GLIMPSE % holds)
    yield
    assert _came_true(page, GLIMPSED), f"never came true: {holds}"


def told(selector: str, text: str) -> str:
    """A function of a page: whether an element has a text."""
    return (
        f"() => document.querySelector({json.dumps(selector)})?.textContent === {json.dumps(text)}"
    )


def expect_status(page: Page, text: str) -> None:
    if not _came_true(page, told("#status", text)):
        expect(page.locator("#status")).to_have_text(text)


def expect_count(page: Page, selector: str, count: int) -> None:
    """Of what is no more before somebody does something; else it is `expect_at_least`."""
    if not _came_true(page, f"() => {_all(selector)}.length === {count}"):
        expect(page.locator(selector)).to_have_count(count)


def expect_at_least(page: Page, selector: str, count: int) -> None:
    """Of what goes on: somebody speaks, and the next one may have come already."""
    if not _came_true(page, f"() => {_all(selector)}.length >= {count}"):
        expect(page.locator(selector)).to_have_count(count)


def expect_shown(page: Page, selector: str) -> None:
    if not _came_true(
        page, f"() => document.querySelector({json.dumps(selector)})?.checkVisibility()"
    ):
        expect(page.locator(selector).first).to_be_visible()


def _came_true(page: Page, holds: str) -> bool:
    return bool(page.evaluate(WAIT % holds, PATIENCE_MS))


def _all(selector: str) -> str:
    return f"document.querySelectorAll({json.dumps(selector)})"
