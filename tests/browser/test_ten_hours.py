"""Ten hours of speech cost a page no more than ten minutes: counted in elements and layouts.

Times depend on the machine; these numbers do not.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched, serious
from tests.browser.server import Server
from tests.browser.test_recordings import saved
from tests.browser.test_speaking import press
from tests.browser.waiting import expect_status, soon

SENTENCES = 12_000
"""Of 3 s each: ten hours."""
MOST_ELEMENTS = 3000
"""In the text: an empty one for each 25 sentences, and all of the sentences near the window."""

_RECOGNISER = """
class Recogniser {
  bufferedAmount = 0;
  constructor() {
    window.say = (...numbers) => this.tell({resp_type: "RESULT", segments: numbers.map(sentence)});
    setTimeout(() => this.onopen());
  }
  send(data) {
    if (typeof data === "string") setTimeout(() => this.tell({resp_type: "START"}));
  }
  close() {}
  tell(message) { this.onmessage({data: JSON.stringify({trace_id: "t", ...message})}); }
}
const sentence = (number) => {
  const at = 3000 * number;
  const words = textOf(number).split(" ");
  const word_info = words.map((word, i) => (
    {word, start_time: at + 300 * i, end_time: at + 300 * (i + 1), confidence: 0.9}));
  const result = {text: words.join(" "), score: 0.9, word_info};
  return {start_time: at, end_time: at + 2700, is_final: true, result};
};
const textOf = (number) => `This is sentence number ${number} and some more words`;
window.WebSocket = Recogniser;
"""
"""In the page: no network has to carry ten hours of finals."""
_SAY_ALL = f"""
() => {{
  say(...Array.from({{length: {SENTENCES}}}, (_, number) => number));
  return document.querySelectorAll("#finals *").length;
}}
"""
_SAY_EACH = """
async ([first, count]) => {
  for (let number = first; number < first + count; number++) {
    say(number);
    await new Promise((drawn) => requestAnimationFrame(drawn));
  }
}
"""
_COUNT_CHANGES = """
() => {
  window.changes = 0;
  new MutationObserver((records) => {
    for (const one of records) window.changes += one.addedNodes.length + one.removedNodes.length;
  }).observe(document.querySelector("#text"), {subtree: true, childList: true});
}
"""


@pytest.fixture
def page(pages: Watched, fake: Server) -> Page:
    page = pages.open(fake.url, prepare=lambda page: page.add_init_script(_RECOGNISER))
    press(page, "Start")
    expect_status(page, "Listening")
    # At once, as if nobody had looked at the tab: browsers then tell nothing of what is in sight.
    assert page.evaluate(_SAY_ALL) < MOST_ELEMENTS
    expect(page.locator(".sentence").last).to_contain_text(f"number {SENTENCES - 1} ")
    expect(page.locator(".sentence").last).to_be_in_viewport()
    page.evaluate(_COUNT_CHANGES)
    return page


def elements(page: Page) -> int:
    return int(page.evaluate("document.querySelectorAll('#finals *').length"))


def layouts(page: Page) -> int:
    """So many the page has made so far."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    metrics = {
        one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]
    }
    session.detach()
    return int(metrics["LayoutCount"])


def test_another_final_costs_one_row(page: Page) -> None:
    before, count = layouts(page), 20
    # A frame for each: a page that is given more time draws more, its clock for instance.
    page.evaluate(_SAY_EACH, [SENTENCES, count])
    expect(page.locator(".sentence").last).to_contain_text(f"number {SENTENCES + count - 1} ")
    # Of a final: its row, and the line for screen readers; now and then a block that is emptied.
    assert page.evaluate("changes") < 10 * count + 100
    assert layouts(page) - before < 10 * count
    assert elements(page) < MOST_ELEMENTS


def test_a_search_changes_only_what_is_near_the_window(page: Page) -> None:
    press(page, "Search")
    page.keyboard.type("number 1")
    expect(page.locator("#find-count")).to_have_text("1 of 3111")
    current = page.locator("mark.current")
    expect(current.first).to_be_in_viewport()
    assert "".join(current.all_text_contents()) == "number 1"
    assert page.evaluate("changes") < 2 * 8 * MOST_ELEMENTS
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#find-count")).to_have_text("3111 of 3111")
    expect(current.first).to_be_in_viewport()
    assert elements(page) < MOST_ELEMENTS
    page.get_by_role("searchbox", name="Search in the text").fill("number 6000 ")
    expect(page.locator("#find-count")).to_have_text("1 of 1")
    expect(current.first).to_be_in_viewport()
    assert elements(page) < MOST_ELEMENTS


def test_every_place_can_be_scrolled_to_and_is_there(page: Page) -> None:
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        page.evaluate(f"scrollTo(0, {share * height})")
        soon(
            page,
            """() => [...document.querySelectorAll('.sentence')].some((one) => {
              const {top, bottom} = one.getBoundingClientRect();
              return bottom > 0 && top < innerHeight;
            })""",
        )
        soon(page, f"() => document.querySelectorAll('#finals *').length < {MOST_ELEMENTS}")
        assert elements(page) < MOST_ELEMENTS
    assert serious(page) == []


def test_the_keyboard_reaches_the_first_and_the_last_sentence(page: Page) -> None:
    page.locator(".sentence").last.focus()
    page.keyboard.press("Home")
    expect(page.locator(":focus")).to_contain_text("sentence number 0 and")
    page.keyboard.press("ArrowDown")
    expect(page.locator(":focus")).to_contain_text("sentence number 1 and")
    expect(page.locator(":focus")).to_be_in_viewport()
    page.keyboard.press("End")
    expect(page.locator(":focus")).to_contain_text(f"number {SENTENCES - 1} ")
    expect(page.locator(":focus")).to_be_in_viewport()


@pytest.mark.long
def test_all_of_it_is_saved(page: Page, tmp_path: Path) -> None:
    lines = saved(page, "Text", tmp_path).read_text("utf-8").splitlines()
    assert len(lines) == SENTENCES
    assert lines[-1] == f"This is sentence number {SENTENCES - 1} and some more words"
    subtitles = saved(page, "SRT", tmp_path).read_text("utf-8")
    assert f"number {SENTENCES - 1}" in " ".join(subtitles.split())


@pytest.mark.long
def test_all_of_it_is_printed(page: Page) -> None:
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.querySelectorAll('.sentence').length") == SENTENCES
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    soon(page, f"() => document.querySelectorAll('#finals *').length < {MOST_ELEMENTS}")
    assert elements(page) < MOST_ELEMENTS


def test_all_of_it_is_kept_and_shown_again(page: Page) -> None:
    press(page, "Past sessions")
    page.get_by_label("Keep sessions in this browser").check()
    row = page.locator("#kept-sessions li")
    expect(row).to_contain_text(f"Sentences: {SENTENCES}")
    row.get_by_role("button", name="Show").click()
    expect(page.locator(":focus")).to_contain_text("sentence number 0 and")
    assert elements(page) < MOST_ELEMENTS
    page.keyboard.press("End")
    expect(page.locator(":focus")).to_contain_text(f"number {SENTENCES - 1} ")
