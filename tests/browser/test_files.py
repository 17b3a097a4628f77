"""Several files, silent ones and ones that cannot be read: each is named, and none is forgotten."""

from __future__ import annotations

import io
import re
import wave
from functools import partial
from threading import Event

import pytest
from playwright.sync_api import WebSocketRoute, expect

from bench import recordings
from rasr.audio import SAMPLE_RATE
from tests.browser.conftest import Watched, picture, serious
from tests.browser.script import Said, Script
from tests.browser.server import Server
from tests.browser.test_recordings import drop_files
from tests.browser.test_speaking import keep_sights, press
from tests.browser.waiting import expect_at_least, expect_count, expect_status
from tests.longer import mostly_long
from tests.server.audio import quiet


def silence(ms: int) -> bytes:
    """A WAV file in which nobody speaks."""
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        wav.writeframes(quiet(ms))
    return file.getvalue()


QUESTION = recordings.load("question").path.read_bytes()


def test_files_are_read_one_after_the_other(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, prepare=keep_sights)
    drop_files(
        page,
        ("first.flac", QUESTION),
        ("letter.pdf", b"no sound at all"),
        ("silent.wav", silence(6000)),
        ("last.flac", QUESTION),
    )
    expect_status(page, "Done. Files with text: 2 of 4. Press to speak again.")
    expect_count(page, ".sentence", 2)
    statuses = [one["status"] for one in page.evaluate("sights")]
    read = [one for one in dict.fromkeys(statuses) if one.startswith("Reading")]
    assert read == [
        "Reading 1 of 4: first.flac",
        "Reading 3 of 4: silent.wav",
        "Reading 4 of 4: last.flac",
    ]
    notices = page.locator(".notice strong").all_text_contents()
    assert notices == ["letter.pdf cannot be read as sound.", "No speech found in silent.wav."]
    picture(page, "files")
    press(page, "Clear")
    expect_status(page, "Press and speak, or drop a recording.")
    expect(page.locator("#latency")).to_have_text("")


@pytest.mark.long
def test_files_of_one_sentence_each_are_all_read(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    page.get_by_label("Mode", exact=True).select_option("One sentence")
    drop_files(
        page, ("first.flac", QUESTION), ("silent.wav", silence(12_000)), ("last.flac", QUESTION)
    )
    expect_status(page, "Done. Files with text: 2 of 3. Press to speak again.")
    expect_count(page, ".sentence", 2)
    notices = page.locator(".notice strong").all_text_contents()
    assert notices == ["No speech found in silent.wav."]


@pytest.mark.long
def test_files_of_which_the_same_is_to_be_said_have_one_notice(
    pages: Watched, fake: Server
) -> None:
    page = pages.open(fake.url, phone=True)
    names = [f"minutes of the {day} day.pdf" for day in range(40)]
    drop_files(page, *[(name, b"no sound at all") for name in names], ("silent.wav", silence(6000)))
    expect_status(page, "Done. Files with text: 0 of 41. Press to speak again.")
    expect_count(page, ".notice", 2)
    told = page.locator(".notice[data-name=unreadable] strong").inner_text()
    assert all(name in told for name in names)
    # The newest one is seen, and all of them leave room for the rest.
    expect(page.locator(".notice[data-name=no_speech]")).to_be_in_viewport()
    box, screen = page.locator("#notices").bounding_box(), page.viewport_size
    assert box is not None
    assert screen is not None
    assert box["height"] <= 0.4 * screen["height"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious(page) == []
    picture(page, "many-notices")
    press(page, "中文")
    expect(page.locator(".notice[data-name=unreadable] strong")).to_contain_text(
        "minutes of the 38 day.pdf和minutes of the 39 day.pdf"
    )


@pytest.mark.parametrize(
    "said", mostly_long([[], [Said("", 0)]], []), ids=["no sentence", "no words in it"]
)
def test_sound_without_words_is_not_called_silence(
    pages: Watched, fake: Server, said: list[Said]
) -> None:
    page = pages.open(fake.url, prepare=Script(*said).attach)
    drop_files(page, ("song.flac", QUESTION))
    expect_status(page, "Sound was heard, but no words. Press to speak again.")
    notice = page.locator(".notice")
    expect(notice).to_have_count(1)
    expect(notice).to_contain_text(
        "Sound was heard in song.flac, but no words in the chosen language."
    )
    expect(notice).to_contain_text("rasr setup LANGUAGE")


@pytest.mark.long
def test_a_file_that_no_browser_has_room_for_is_refused_unread(
    pages: Watched, fake: Server
) -> None:
    page = pages.open(fake.url)
    page.evaluate(
        """() => {
          Blob.prototype.arrayBuffer = () => { throw new Error("it is read"); };
          const part = new Blob([new Uint8Array(50_000_000)]);
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([...Array(10).fill(part), "x"], "day.wav"));
          document.body.dispatchEvent(new DragEvent("drop",
            {dataTransfer, bubbles: true, cancelable: true}));
        }"""
    )
    notice = page.locator(".notice")
    expect(notice).to_contain_text("day.wav: too large for the browser.")
    expect(notice).to_contain_text("rasr transcribe FILE")
    expect(notice).to_have_count(1)
    expect_status(page, "Press and speak, or drop a recording.")


def test_stop_ends_this_file_and_those_that_wait(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    # The first one never ends: its messages go nowhere.
    page.route_web_socket("**/rasr/*", lambda socket: None)
    page.reload()
    drop_files(page, ("first.flac", QUESTION), ("last.flac", QUESTION))
    expect(page.locator("#status")).to_have_text("Opening 1 of 2: first.flac …")
    press(page, "Stop")
    expect_status(page, "Done. Press to speak again.")
    expect_count(page, ".sentence", 0)


def test_files_wait_until_somebody_has_spoken(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    press(page, "Start")
    expect_at_least(page, ".sentence", 1)
    drop_files(page, ("question.flac", QUESTION))
    expect(page.locator(".notice")).to_contain_text("Recordings that wait: 1.They are read when")
    before = page.locator(".sentence").count()
    press(page, "Stop")
    expect_status(page, "Done. Press to speak again.")
    expect(page.locator("#latency")).to_contain_text("times as fast as speech")
    assert page.locator(".sentence").count() > before
    expect(page.locator(".notice")).to_have_count(0)


@pytest.mark.long
def test_a_silent_file_has_words_of_its_own(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    drop_files(page, ("silent.wav", silence(6000)))
    expect_status(page, "No speech was heard. Press to speak again.")
    expect(page.locator(".notice")).to_have_count(1)
    expect(page.locator(".notice")).to_contain_text(
        "No speech found in silent.wav.The sound is silent"
    )
    expect(page.locator(".notice")).not_to_contain_text("microphone")
    picture(page, "silent-file")


def test_a_file_goes_on_when_the_server_is_back(pages: Watched, fake: Server) -> None:
    met: list[WebSocketRoute] = []
    is_gone, is_back = Event(), False

    def pass_on(socket: WebSocketRoute, server: WebSocketRoute, data: str | bytes) -> None:
        if is_gone.is_set():
            return
        if isinstance(data, str):
            server.send(data)
        else:
            is_gone.set()
            socket.close(code=1012)

    def meet(socket: WebSocketRoute) -> None:
        met.append(socket)
        if len(met) > 1 and not is_back:
            socket.close(code=1012)
            return
        server = socket.connect_to_server()
        if len(met) == 1:
            # It goes away with the first sound that it gets, and gets nothing that is behind it.
            socket.on_message(partial(pass_on, socket, server))

    page = pages.open(fake.url, prepare=lambda page: page.route_web_socket("**/rasr/*", meet))
    drop_files(page, ("demo.flac", recordings.load_demo().path.read_bytes()))
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The server is gone. demo.flac goes on when it is back.")
    expect(alert).to_contain_text(
        re.compile(r"\d+ s of sound wait\. Try \d+; the page tries for 60 s\.")
    )
    is_back = True
    expect_status(page, "Done. Press to speak again.")
    expect(alert).to_have_count(0)
    expect_count(page, ".sentence", 4)


def test_what_is_dropped_is_seen_through_nothing(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    drop_files(page, ("question.flac", QUESTION))
    expect_count(page, ".sentence", 1)
    page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["x"], "a.wav"));
          document.body.dispatchEvent(new DragEvent("dragover",
            {dataTransfer, bubbles: true, cancelable: true}));
        }"""
    )
    veil = page.locator("#drop")
    expect(veil).to_be_visible()
    assert veil.evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(250, 249, 247)"
    picture(page, "drop")
