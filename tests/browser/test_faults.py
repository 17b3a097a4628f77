"""What goes wrong is told with what to do about it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched, picture
from tests.browser.server import Server, ThreadServer
from tests.browser.test_speaking import press
from tests.browser.waiting import expect_count, expect_shown, expect_status

_TELL_GIVEN = """
() => {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.given = new Promise((resolve) => {
    navigator.mediaDevices.getUserMedia = async (wish) => {
      const stream = await ask(wish);
      // A turn later, when the page has taken it.
      queueMicrotask(() => queueMicrotask(resolve));
      return stream;
    };
  });
}
"""


_REFUSE = """
(name) => {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", name));
}
"""
_SILENT = """
navigator.mediaDevices.getUserMedia = async () =>
  new AudioContext().createMediaStreamDestination().stream;
"""
"""A microphone in which nobody speaks, however late it is listened to."""
_KEEP_STREAM = """
() => {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => window.stream = await ask(wish);
}
"""


def expect_alert(page: Page, what: str, do: str) -> None:
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(what)
    expect(alert).to_contain_text(do)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    expect_status(page, "Press and speak, or drop a recording.")


def test_a_microphone_that_is_not_allowed(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, microphone=False)
    press(page, "Start")
    expect_alert(page, "The microphone is not allowed.", "Allow it for this page")
    picture(page, "denied")
    press(page, "Dismiss")
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.long
def test_an_address_that_browsers_give_no_microphone(pages: Watched, fake: Server) -> None:
    # Chromium says so for each policy that only a secure page may have.
    pages.expect("Cross-Origin-Opener-Policy header has been ignored")
    page = pages.open(f"http://insecure.example:{fake.port}")
    press(page, "Start")
    expect_alert(page, "no microphone to this address", f"http://localhost:{fake.port}")


@pytest.mark.long
def test_a_microphone_that_is_missing_or_busy(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    for name, what, do in (
        ("NotFoundError", "There is no microphone.", "Connect one, or choose one"),
        ("NotReadableError", "The microphone cannot be read.", "Another program may have it"),
    ):
        page.evaluate(_REFUSE, name)
        press(page, "Start")
        expect_alert(page, what, do)


@pytest.mark.long
def test_a_microphone_that_is_taken_away(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    page.evaluate(_KEEP_STREAM)
    press(page, "Start")
    expect_status(page, "Listening")
    page.evaluate("stream.getAudioTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.get_by_role("alert")).to_contain_text("The microphone was taken away.Connect it")
    expect(page.locator("#status")).to_contain_text("Press to speak again.")


@pytest.mark.long
def test_a_silence_that_is_too_long(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, prepare=lambda page: page.add_init_script(_SILENT))
    page.get_by_label("Mode", exact=True).select_option("sentence")
    press(page, "Settings")
    page.get_by_text("Advanced").click()
    page.get_by_label("Longest silence before the sentence, ms").fill("50")
    page.get_by_label("Longest silence before the sentence, ms").blur()
    press(page, "Close")
    press(page, "Start")
    expect_status(page, "No speech was heard. Press to speak again.")
    expect(page.locator(".notice")).to_contain_text("No speech was heard.Speak nearer")


@pytest.mark.long
def test_a_browser_whose_sound_does_not_start(pages: Watched, fake: Server) -> None:
    def mute(page: Page) -> None:
        page.add_init_script("AudioContext.prototype.resume = () => new Promise(() => {});")
        page.clock.install()

    page = pages.open(fake.url, prepare=mute)
    # The microphone is open, and what is waited for now is the audio.
    page.evaluate(_TELL_GIVEN)
    press(page, "Start")
    page.evaluate("window.given")
    page.clock.run_for(5000)
    expect_alert(page, "sound does not start", "connect one, or headphones")


def test_a_server_that_is_full(pages: Watched, own_server: Callable[..., ThreadServer]) -> None:
    # /readyz says 503 while it is full, and the console repeats it.
    pages.expect("503")
    server = own_server(decoding={"max_rounds": 1})
    first, second = pages.open(server.url), pages.open(server.url)
    press(first, "Start")
    expect_status(first, "Listening")
    assert server.rounds == 1
    press(second, "Start")
    expect_alert(second, "as many speakers as it can", "Try again when somebody has finished")
    expect_shown(first, ".sentence")
    press(first, "Stop")
    expect_status(first, "Done. Press to speak again.")
    press(second, "Start")
    expect_status(second, "Listening")
    expect(second.get_by_role("alert")).to_have_count(0)


def test_a_server_without_room_for_another_connection(
    pages: Watched, own_server: Callable[..., ThreadServer]
) -> None:
    # The page asks once more, without a websocket, why it was refused.
    pages.expect("WebSocket connection to", "503", "404")
    server = own_server(server={"max_connections": 1}, decoding={"max_rounds": 1})
    first, second = pages.open(server.url), pages.open(server.url)
    press(first, "Start")
    expect_status(first, "Listening")
    press(second, "Start")
    expect_alert(second, "as many speakers as it can", "Try again when somebody has finished")


def test_a_language_that_is_not_installed(pages: Watched, fake: Server) -> None:
    offer = {"property": "chinese_16k_common", "language": "chinese", "sample_rate": 16000}
    body = json.dumps({"properties": [offer | {"hot_words": False}]})

    def lie(page: Page) -> None:
        page.route("**/properties", lambda route: route.fulfill(body=body))

    page = pages.open(fake.url, prepare=lie)
    press(page, "Start")
    expect_alert(page, "does not have that language", "install it: rasr setup")


def test_a_server_that_is_gone(pages: Watched, own_server: Callable[..., ThreadServer]) -> None:
    pages.expect("WebSocket connection to", "ERR_CONNECTION_REFUSED")
    server = own_server()
    page = pages.open(server.url)
    expect_count(page, "#choice-property option", 1)
    server.end()
    press(page, "Start")
    expect_alert(page, "No server answers.", "Start it with: rasr serve")


def test_a_channel_that_somebody_else_publishes_to(pages: Watched, fake: Server) -> None:
    first, second = pages.open(fake.url), pages.open(fake.url)
    for page in (first, second):
        press(page, "Settings")
        page.get_by_label("Live captions").check()
        press(page, "Close")
        press(page, "Start")
        if page is first:
            expect_status(first, "Listening")
    expect_alert(
        second,
        "Somebody else speaks to the channel 'stage'.",
        "Choose another name in Settings.",
    )
