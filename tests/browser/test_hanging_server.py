"""A server that hangs says nothing, and its connections stay open: the button does its work."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.browser.conftest import Watched, picture, serious
from tests.browser.server import FAKE, Server
from tests.browser.test_speaking import press
from tests.browser.test_transcript import texts
from tests.browser.waiting import expect_at_least, expect_count, expect_shown, expect_status
from tests.longer import mostly_long

_READY = "Press and speak, or drop a recording."
_UNANSWERED = ".notice[data-name=unanswered]"
_FAKE_TIMEOUTS = """
AbortSignal.timeout = (ms) => {
  const controller = new AbortController();
  const error = new DOMException("signal timed out", "TimeoutError");
  setTimeout(() => controller.abort(error), ms);
  return controller.signal;
};
"""
"""They follow the clock that the tests set, which has no part of its own for them."""

_NO_MODULE = """
window.asked = new Promise((resolve) => {
  AudioWorklet.prototype.addModule = () => {
    resolve();
    return new Promise(() => {});
  };
});
"""
"""Playwright holds no request of a worklet back."""


def _clocked(page: Page) -> None:
    page.clock.install()
    page.add_init_script(_FAKE_TIMEOUTS)


def _never(route: Route) -> None:
    """Nobody answers."""


def _silent(connection: WebSocketRoute) -> None:
    """Somebody who accepts connections, and says nothing."""


def test_a_start_that_is_not_answered_is_told(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, prepare=_clocked)
    expect_count(page, "#choice-property option", 1)
    page.route_web_socket("**/v1/**", _silent)
    press(page, "Start")
    expect_shown(page, "#level")
    expect(page.locator("body")).to_have_attribute("data-state", "running")
    page.clock.run_for(15_000)
    expect(page.locator(_UNANSWERED)).to_contain_text("The server does not answer.What was said")
    expect_status(page, _READY)
    assert serious(page) == []
    picture(page, "unanswered")


@pytest.mark.parametrize(
    ("held", "begin"),
    [
        ("**/languages", "#talk"),
        ("**/samples/*", "#sample-buttons [data-sample=english]"),
    ],
)
def test_what_begins_is_given_up_by_stop(
    pages: Watched, fake: Server, held: str, begin: str
) -> None:
    """The languages, or a sample, do not come, and the time for them does not pass."""

    def hold(page: Page) -> None:
        page.add_init_script("AbortSignal.timeout = () => new AbortController().signal;")
        page.route(held, _never)

    page = pages.open(fake.url, prepare=hold)
    page.locator(begin).click()
    expect_status(page, "Starting …")
    press(page, "Stop")
    expect_status(page, _READY)
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()


@pytest.mark.parametrize("gives_up", mostly_long([True, False], False))
def test_a_part_of_the_microphone_that_does_not_come(
    pages: Watched, fake: Server, gives_up: bool
) -> None:
    def hold(page: Page) -> None:
        _clocked(page)
        page.add_init_script(_NO_MODULE)

    page = pages.open(fake.url, prepare=hold)
    press(page, "Start")
    page.evaluate("window.asked")
    expect_status(page, "Starting …")
    if gives_up:
        press(page, "Stop")
    else:
        page.clock.run_for(10_000)
    expect_status(page, _READY)
    expect(page.locator(_UNANSWERED)).to_have_count(0 if gives_up else 1)


@pytest.mark.parametrize("held", mostly_long(["**/languages", "**/properties"], "**/languages"))
def test_a_list_that_does_not_come_is_waited_for_ten_seconds(
    pages: Watched, fake: Server, held: str
) -> None:
    def hold(page: Page) -> None:
        _clocked(page)
        page.route(held, _never)

    page = pages.open(fake.url, prepare=hold)
    press(page, "Start")
    expect_status(page, "Starting …")
    page.clock.run_for(10_000)
    expect_at_least(page, ".sentence", 1)
    press(page, "Stop")
    expect_status(page, "Done. Press to speak again.")


@pytest.mark.long
def test_a_sample_that_does_not_come_is_told(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, prepare=_clocked)
    expect_count(page, "#choice-property option", 1)
    page.route("**/samples/*", _never)
    with page.expect_request("**/samples/*"):
        page.locator("#sample-buttons [data-sample=english]").click()
    page.clock.run_for(30_000)
    expect(page.locator(_UNANSWERED)).to_be_visible()
    expect_status(page, _READY)


@pytest.mark.parametrize("number", mostly_long([signal.SIGSTOP, signal.SIGKILL], signal.SIGSTOP))
def test_who_does_not_want_to_wait_for_the_end_presses_again(
    pages: Watched, tmp_path: Path, number: signal.Signals
) -> None:
    pages.expect("WebSocket connection to", "ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET")
    with Server(tmp_path, FAKE) as server:
        page = pages.open(server.url)
        press(page, "Start")
        expect_at_least(page, ".sentence", 1)
        if number == signal.SIGSTOP:
            server.hang()
        else:
            server.end(number)
        press(page, "Stop")
        expect_status(page, "Finishing … Press again to stop waiting.")
        said = texts(page)
        assert said
        assert serious(page) == []
        picture(page, "ending")
        press(page, "Stop waiting")
        expect_status(page, "Done. Press to speak again.")
        assert texts(page) == said


def test_a_server_that_hangs_while_a_round_ends_is_told(pages: Watched, tmp_path: Path) -> None:
    with Server(tmp_path, FAKE) as server:
        page = pages.open(server.url, prepare=_clocked)
        press(page, "Start")
        expect_at_least(page, ".sentence", 1)
        server.hang()
        press(page, "Stop")
        expect(page.get_by_role("button", name="Stop waiting", exact=True)).to_be_visible()
        said = texts(page)
        assert said
        page.clock.run_for(60_000)
        expect(page.locator(_UNANSWERED)).to_be_visible()
        expect_status(page, _READY)
        assert texts(page) == said


def test_a_double_click_is_one_press(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    page.locator("#talk").dblclick()
    expect_status(page, "Listening")
    expect_at_least(page, ".sentence", 1)
    page.locator("#talk").dblclick()
    expect_status(page, "Done. Press to speak again.")
    expect(page.locator("body")).to_have_attribute("data-state", "idle")
