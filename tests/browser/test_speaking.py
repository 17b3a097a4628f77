"""Somebody speaks into the page: what he sees, from the press of the button to the last word."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Page, expect

from bench import recordings
from tests.browser.conftest import Watched, picture, serious, words_of
from tests.browser.script import Sent
from tests.browser.server import Server, ThreadServer
from tests.browser.waiting import (
    expect_at_least,
    expect_count,
    expect_shown,
    expect_status,
    glimpse,
    soon,
)
from tests.server.broken_network import Break, BrokenNetwork

FIRST, SECOND = recordings.load_demo().sentences[:2]
TEXT = f"{FIRST.text} {SECOND.text}"
BETWEEN_S = (SECOND.start_ms - FIRST.start_ms) / 1000

_KEEP_EVERY_SIGHT = """
window.sights = [];
const look = () => {
  const sight = {
    status: document.querySelector("#status").textContent,
    partial: document.querySelector("#partial").textContent,
    settled: document.querySelector("#partial .settled")?.textContent ?? "",
    finals: document.querySelectorAll(".sentence").length,
    voice: document.querySelector("#heard").dataset.heard,
    level: document.querySelector("#level").value,
    progress: document.querySelector("#progress").hidden ? null
      : document.querySelector("#progress").value,
  };
  if (JSON.stringify(sight) !== JSON.stringify(window.sights.at(-1))) window.sights.push(sight);
};
document.addEventListener("DOMContentLoaded", () => new MutationObserver(look).observe(
  document.documentElement,
  {subtree: true, childList: true, attributes: true, characterData: true}));
"""


def keep_sights(page: Page) -> None:
    """From now on the page keeps what a person saw, one after the other."""
    page.add_init_script(_KEEP_EVERY_SIGHT)


def expect_sight_of_status(page: Page, text: str) -> None:
    """Wait until it was shown, and be it for a moment; the page keeps its sights."""
    holds = f"() => sights.some(({{ status }}) => status === {json.dumps(text)})"
    soon(page, holds)
    assert page.evaluate(holds), [sight["status"] for sight in page.evaluate("sights")]


def expect_the_second_sentence(page: Page) -> None:
    """Wait until it is being said: there is a final, and a partial."""
    soon(
        page,
        """() => document.querySelectorAll(".sentence").length === 1
          && document.querySelector("#partial").checkVisibility()""",
    )


def words(page: Page) -> list[str]:
    return words_of(page.locator(".sentence span").all_text_contents())


def times(page: Page) -> list[float]:
    """When each sentence began, as the page says, in seconds."""
    told = [text.split(":") for text in page.locator(".sentence time").all_text_contents()]
    return [60 * int(minutes) + float(seconds) for minutes, seconds in told]


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.engine
def test_what_is_said_appears_partial_first_and_final_after(
    english_pages: Watched, english: Server
) -> None:
    page = english_pages.open(english.url, prepare=keep_sights)
    press(page, "Start")
    picture(page, "speaking")
    expect_count(page, ".sentence", 2)
    expect(page.locator("#latency")).to_have_text(
        re.compile(r"Text \d+\.\d\d s after the last word; 0\.50 s of silence end a sentence\.")
    )
    picture(page, "finals")
    press(page, "Stop")
    expect_status(page, "Done. Press to speak again.")
    assert words(page) == TEXT.split()
    assert times(page)[1] - times(page)[0] == pytest.approx(BETWEEN_S, abs=0.2)
    sights = page.evaluate("sights")
    partials = [sight["partial"] for sight in sights if sight["finals"] == 0 and sight["partial"]]
    assert len(set(partials)) > 3
    assert any("computer" in sight["partial"] for sight in sights if sight["finals"] == 1)
    assert all(sight["partial"].startswith(sight["settled"]) for sight in sights)
    assert any(sight["settled"] for sight in sights)
    assert {sight["voice"] for sight in sights} >= {"speech", "silence"}
    assert max(sight["level"] for sight in sights) > 0.4
    assert "hello" not in english.log.lower()


@pytest.mark.engine
def test_a_server_that_dies_is_told_and_nothing_is_lost_or_told_twice(
    english_pages: Watched, mortal: Server
) -> None:
    english_pages.expect("WebSocket connection to", "ERR_CONNECTION_REFUSED")
    page = english_pages.open(mortal.url, prepare=keep_sights)
    press(page, "Start")
    expect_the_second_sentence(page)
    mortal.end(signal.SIGKILL)
    expect_status(page, "Not connected. Trying again …")
    picture(page, "reconnecting")
    mortal.start()
    expect_sight_of_status(
        page, "Connected to a new server, which hears the open sentence again. Nothing is lost."
    )
    expect_status(page, "Listening")
    expect_count(page, ".sentence", 2)
    press(page, "Stop")
    expect_status(page, "Done. Press to speak again.")
    assert words(page) == TEXT.split()
    assert times(page)[1] - times(page)[0] == pytest.approx(BETWEEN_S, abs=0.2)
    expect(page.locator(".notice[data-name=away]")).to_have_count(0)


@pytest.mark.engine
def test_a_connection_that_breaks_in_a_sentence_costs_no_word(
    english_pages: Watched, english: Server
) -> None:
    english_pages.expect("WebSocket connection to", "ERR_CONNECTION_RESET")
    sent = Sent()

    def watched(page: Page) -> None:
        sent.attach(page)
        keep_sights(page)

    with start_blocking_portal() as portal:
        network = BrokenNetwork(english.port)
        portal.call(network.listen)
        page = english_pages.open(
            network.url.replace("ws:", "http:"),
            prepare=watched,
        )
        press(page, "Start")
        expect_the_second_sentence(page)
        portal.call(network.lose, Break.RESET)
        expect_sight_of_status(page, "Connected again. Nothing is lost.")
        picture(page, "resumed")
        assert serious(page) == []
        expect_status(page, "Listening")
        expect_count(page, ".sentence", 2)
        press(page, "Stop")
        expect_status(page, "Done. Press to speak again.")
        assert words(page) == TEXT.split()
        assert times(page)[1] - times(page)[0] == pytest.approx(BETWEEN_S, abs=0.2)
        expect(page.locator(".notice[data-name=away]")).to_have_count(0)
        page.close()
        portal.call(network.lose, Break.RESET)
        network.close()
    commands = [one["command"] for one in sent.messages if one["command"] != "ACK"]
    assert commands == ["START", "RESUME", "END"]


@pytest.mark.long
def test_a_server_that_is_restarted_goes_on_where_it_was(
    pages: Watched, own_server: Callable[..., ThreadServer]
) -> None:
    pages.expect("WebSocket connection to", "ERR_CONNECTION_REFUSED")
    server = own_server()
    page = pages.open(server.url, prepare=keep_sights)
    press(page, "Start")
    expect_shown(page, "#partial")
    server.end()
    expect_status(page, "Not connected. Trying again …")
    # What is kept, which try it is, and when it ends; a latency would be of another time.
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The server is gone. Your speech is kept.")
    expect(alert).to_contain_text(
        re.compile(r"\d+ s of speech wait, and are .* Try \d+; the page tries for 60 s\.")
    )
    # Each try takes the place of the one before.
    expect(alert).to_contain_text(re.compile(r"Try ([2-9]|\d\d)"))
    expect(page.locator("#latency")).to_have_text("")
    assert serious(page) == []
    picture(page, "away")
    server.start()
    expect_status(page, "Listening")
    expect(alert).to_have_count(0)
    # Who spoke may have stopped long ago: what is kept is heard all the same, and partial first.
    soon(
        page,
        """() => {
          const isAway = ({status}) => status === "Not connected. Trying again …";
          return sights.slice(sights.findLastIndex(isAway) + 1).some(({partial}) => partial !== "");
        }""",
    )
    press(page, "Stop")
    expect_status(page, "Done. Press to speak again.")
    assert len(times(page)) >= 2
    assert times(page) == sorted(set(times(page)))


def test_what_is_chosen_in_the_panel_is_what_the_server_is_asked_for(
    pages: Watched, fake: Server
) -> None:
    sent = Sent()
    page = pages.open(fake.url, prepare=sent.attach)
    page.get_by_label("Mode", exact=True).select_option("sentence")
    press(page, "Settings")
    page.get_by_text("Advanced").click()
    page.get_by_label("Pause that ends a sentence, ms").fill("800")
    page.get_by_label("Longest silence before the sentence, ms").fill("2500")
    page.get_by_label("Longest sentence, s").fill("20")
    page.get_by_label("Numbers as digits").uncheck()
    page.get_by_label("Punctuation").uncheck()
    picture(page, "settings")
    page.get_by_label("Longest sentence, s").fill("90")
    page.get_by_label("Longest sentence, s").blur()
    expect(page.locator("#fault-max_seconds")).to_have_text("A whole number from 1 to 60, please.")
    press(page, "Close")
    press(page, "Start")
    # One sentence is all in this mode: the page stops by itself.
    expect_count(page, ".sentence", 1)
    expect_status(page, "Done. Press to speak again.")
    assert sent.messages[0] == {
        "command": "START",
        "config": {
            "audio_format": "pcm16k16bit",
            "property": "english_16k_common",
            "vad_tail": 800,
            "vad_head": 2500,
            "max_seconds": 20,
            "interim_results": "yes",
            "digit_norm": "no",
            "add_punc": "no",
            "need_word_info": "yes",
            "word_confidence": "yes",
            "resume": "yes",
        },
    }
    page.reload()
    expect(page.get_by_label("Mode", exact=True)).to_have_value("sentence")
    press(page, "Settings")
    expect(page.get_by_label("Pause that ends a sentence, ms")).to_have_value("800")
    press(page, "Back to the defaults")
    expect(page.get_by_label("Pause that ends a sentence, ms")).to_have_value("500")


def test_everything_can_be_done_with_the_keyboard_alone(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    expect(page.locator("#talk")).to_be_focused()
    page.keyboard.press("Enter")
    expect_at_least(page, ".sentence", 1)
    page.keyboard.press("Space")
    expect_status(page, "Done. Press to speak again.")
    expect(page.locator("#talk")).to_be_focused()
    page.locator("#settings").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    # What is of use most often comes first, what rarely is has to be opened.
    for name in ("Show text while you speak", "Punctuation", "Numbers as digits"):
        page.keyboard.press("Tab")
        expect(page.get_by_label(name, exact=True)).to_be_focused()
    page.locator("#panel summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Pause that ends a sentence, ms")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Pause that ends a sentence, ms")).to_have_value("550")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#settings")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Console", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#theme")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#language")).to_be_focused()
    for tab in page.locator("#tabs a").all():
        page.keyboard.press("Tab")
        expect(tab).to_be_focused()
    # The file field is no stop of its own, and is reached by its button.
    for name in ("Save", "Copy", "Clear", "Search", "Past sessions"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name=name, exact=True)).to_be_focused()
    # Tab stops at the newest sentence, arrows go to the others.
    page.keyboard.press("Tab")
    expect(page.locator(".sentence").last).to_be_focused()
    page.keyboard.press("Home")
    expect(page.locator(".sentence").first).to_be_focused()
    with glimpse(page, "() => document.activeElement.matches('.sentence.playing')"):
        page.keyboard.press("Space")
    page.keyboard.press("Space")
    expect(page.locator(":focus")).to_have_class("sentence")


def test_the_captions_page_follows_another_pages_speech(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    press(page, "Settings")
    page.get_by_label("Live captions").check()
    page.get_by_label("Channel").fill("hall")
    page.get_by_label("Channel").blur()
    link = page.locator("#fields a")
    expect(link).to_have_attribute("href", f"{fake.url}/captions/hall")
    captions = pages.open(f"{fake.url}/captions/hall?background=000")
    expect(captions.locator("body")).to_have_attribute("data-state", "waiting")
    press(page, "Close")
    press(page, "Start")
    expect_shown(captions, '#rows p[data-final="false"] span')
    expect_at_least(page, ".sentence", 1)
    expect_shown(captions, '#rows p[data-final="true"] span')
    picture(captions, "captions")
    said = page.locator(".sentence span").first.text_content() or ""
    finals = captions.locator("#finals p")
    shown = " ".join(finals.all_text_contents())
    assert said.split()[:3] == shown.split()[:3]
    press(page, "Stop")
    expect_status(page, "Done. Press to speak again.")
