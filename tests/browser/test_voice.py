"""The tab for voices: a text is typed, heard while it is made, and saved; and the bar of tabs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import wave
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Watched, picture, serious
from tests.browser.script import Sent
from tests.browser.server import Server, ThreadServer
from tests.browser.test_access import SMALL
from tests.browser.test_code import code
from tests.browser.test_module import website
from tests.browser.test_sign_in import fill, send
from tests.browser.test_speaking import press
from tests.browser.waiting import expect_at_least, expect_status, glimpse, soon
from tests.longer import mostly_long
from tests.server.auth.conftest import accounts

TEXT = "Good morning. The train leaves at noon."
PROGRAMS = ["Python", "JavaScript", "SIS SDK", "curl"]

_KEEP_STARTS = """
window.starts = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (at) {
  window.starts.push([Math.round(at * this.context.sampleRate), this.buffer.length]);
  return start.call(this, at);
};
"""
_NO_SOCKET = """
const Socket = WebSocket;
window.WebSocket = function (address, protocols) {
  return new Socket(address.replace(/\\/\\/[^/]+/, "//localhost:9"), protocols);
};
"""
"""Nobody is at that port, as behind a proxy that knows no websockets."""
_ALL_AT_ONCE = """
window.WebSocket = class extends WebSocket {
  set onmessage(hear) {
    const kept = [];
    super.onmessage = (event) => {
      kept.push(event);
      if (typeof event.data === "string" && JSON.parse(event.data).resp_type === "END") {
        kept.forEach((one) => hear(one));
      }
    };
  }
};
"""
"""What a server says comes once it has said all, as if each piece of it had been in time."""
_MARKED = """
window.marked = [];
new MutationObserver(() => {
  const word = document.querySelector("#say-reading .said")?.textContent;
  if (word !== undefined && word !== window.marked.at(-1)) window.marked.push(word);
}).observe(document, {subtree: true, attributes: true, attributeFilter: ["class"]});
"""


def opened(pages: Watched, server: Server | ThreadServer, **options: Any) -> Page:
    """The tab, with the voices of the server in it."""
    page = pages.open(f"{server.url}/#voice", **options)
    expect(page.locator("#say-property option[value=espeak-male]")).to_have_count(1)
    return page


def said(page: Page) -> str:
    """What is told once the text has been heard."""
    shown = "document.querySelector('#say-status').textContent"
    soon(page, f"() => {shown}.startsWith('Done: ')")
    expect(page.locator("#say-status")).to_contain_text("Done: ")
    return page.locator("#say-status").inner_text()


def seconds_of(status: str) -> float:
    found = re.search(r"Done: ([\d.]+) s", status)
    assert found is not None, status
    return float(found[1])


def notice(page: Page, name: str) -> Any:
    return page.locator(f"#say-notices .notice[data-name={name}]")


def listed(change: Callable[[dict[str, Any]], None]) -> Callable[[Page], None]:
    """The server's list of voices, with something else in it."""

    def answer(route: Route) -> None:
        document = route.fetch().json()
        change(document)
        route.fulfill(json=document)

    def prepare(page: Page) -> None:
        page.route("**/tts/voices", answer)

    return prepare


def all_slow(document: dict[str, Any]) -> None:
    for one in document["voices"]:
        one.update(real_time=False, cost=1.5, real_time_fault="the voice takes 1.5 s")


# Tabs


def test_each_tab_has_an_address_a_title_and_its_own_tools(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    expect(page).to_have_title("rasr – speak, and read it")
    expect(page.locator("#tab-voice")).to_be_hidden()
    expect(page.get_by_role("link", name="Speak")).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="Voice").click()
    expect(page).to_have_title("Voice – rasr")
    expect(page).to_have_url(f"{fake.url}/#voice")
    expect(page.get_by_role("link", name="Voice")).to_have_attribute("aria-current", "page")
    expect(page.locator("#tab-speak")).to_be_hidden()
    for name in ("Open a file", "Settings"):
        expect(page.get_by_role("button", name=name)).to_be_hidden()
    page.go_back()
    expect(page.locator("#talk")).to_be_visible()
    expect(page).to_have_title("rasr – speak, and read it")
    press(page, "Past sessions")
    page.go_forward()
    page.get_by_label("Text to be spoken").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_who_speaks_is_recognised_while_another_tab_is_shown(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    press(page, "Start")
    expect_status(page, "Listening")
    page.get_by_role("link", name="Voice").click()
    page.keyboard.press("Control+f")
    expect_at_least(page, ".sentence", 2)
    expect(page.locator("#find")).to_be_hidden()
    page.get_by_role("link", name="Speak").click()
    press(page, "Stop")
    expect_status(page, "Done. Press to speak again.")


@pytest.mark.long
def test_a_tab_that_cannot_be_fetched_says_so(
    pages: Watched, own_server: Callable[..., ThreadServer]
) -> None:
    pages.expect("ERR_CONNECTION_REFUSED")
    server = own_server()
    page = pages.open(server.url)
    expect(page.locator("#model")).to_have_text("fake")
    server.end()
    page.get_by_role("link", name="Voice").click()
    expect(page.locator("#notices")).to_contain_text("No server answers.")
    expect(page.locator("#talk")).to_be_visible()
    server.start()
    page.get_by_role("link", name="Voice").click()
    expect(page.locator("#say-property option[value=espeak-male]")).to_have_count(1)


# Listening


def test_a_text_is_heard_without_a_gap_while_its_words_are_marked(
    pages: Watched, fake: Server
) -> None:
    sent = Sent()

    def prepare(page: Page) -> None:
        sent.attach(page)
        page.add_init_script(_KEEP_STARTS + _MARKED + _ALL_AT_ONCE)

    page = opened(pages, fake, prepare=prepare)
    press(page, "Messages")
    page.get_by_label("Text to be spoken").fill(TEXT)
    expect(page.locator("#say-count")).to_have_text(f"Characters: {len(TEXT)}")
    page.get_by_label("Voice", exact=True).select_option("espeak-male")
    page.locator("#say-button").click()
    expect(page.locator("#say-reading")).to_have_text(TEXT)
    seconds = seconds_of(said(page))
    expect(page.get_by_label("Text to be spoken")).to_have_value(TEXT)
    (start,) = sent.messages
    config = start["config"]
    assert (start["text"], config["property"], config["subtitle"]) == (
        TEXT,
        "espeak-male",
        "word_level",
    )
    starts = page.evaluate("starts")
    assert len(starts) > 5
    samples = sum(length for _, length in starts)
    assert samples / 16000 == pytest.approx(seconds, abs=0.06)
    # Each chunk begins where the one before it ends: the machine had all of them in time.
    assert all(a + n == b for (a, n), (b, _) in pairwise(starts))
    marked = page.evaluate("marked")
    assert marked == [word for word in re.findall(r"\w+", TEXT) if word in marked]
    assert len(marked) >= 3
    lines = page.locator("#message-list li").all_inner_texts()
    assert any('"command":"START"' in line for line in lines)
    assert any(re.search(r"← \d+ × sound, \d+ bytes", line) for line in lines)


@pytest.mark.long
def test_what_is_chosen_is_kept_and_goes_back_to_the_defaults(pages: Watched, fake: Server) -> None:
    sent = Sent()
    page = opened(pages, fake, prepare=sent.attach)
    page.get_by_label("Text to be spoken").fill("One.")
    page.get_by_label("Voice", exact=True).select_option("chinese_xiaoyu_common")
    expect(page.locator("#say-facts")).to_contain_text("espeak-male: man, English, Chinese")
    for name, key in (("Speed", "End"), ("Pitch", "Home"), ("Volume", "ArrowRight")):
        page.get_by_role("slider", name=name).press(key)
    expect(page.locator("#say-sliders output")).to_have_text(["500", "-500", "55"])
    page.reload()
    expect(page.locator("#say-sliders output")).to_have_text(["500", "-500", "55"])
    page.get_by_label("Text to be spoken").fill("One.")
    page.get_by_label("Text to be spoken").press("Control+Enter")
    fast = seconds_of(said(page))
    config = sent.messages[-1]["config"]
    assert (config["speed"], config["pitch"], config["volume"]) == (500, -500, 55)
    assert config["property"] == "chinese_xiaoyu_common"
    press(page, "Back to the defaults")
    expect(page.locator("#say-sliders output")).to_have_text(["0", "0", "50"])
    expect(page.get_by_label("Voice", exact=True)).to_have_value("chinese_xiaoyu_common")
    with glimpse(page, "() => document.querySelector('#say-button').dataset.state !== 'idle'"):
        page.get_by_label("Text to be spoken").press("Control+Enter")
    assert seconds_of(said(page)) > 1.3 * fast
    assert "speed" not in sent.messages[-1]["config"]


def test_who_has_heard_enough_stops_it_by_the_keyboard(pages: Watched, fake: Server) -> None:
    page = opened(pages, fake)
    page.get_by_label("Text to be spoken").fill(TEXT * 50)
    page.get_by_label("Text to be spoken").press("Control+Enter")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_focused()
    expect(page.locator("#say-reading .said")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#say-text")).to_be_visible()
    expect(page.get_by_role("button", name="Speak", exact=True)).to_be_focused()


def test_nothing_to_say_and_what_cannot_be_said_are_told(pages: Watched, fake: Server) -> None:
    page = opened(pages, fake)
    for button in ("Save MP3", "Speak"):
        page.get_by_label("Volume", exact=True).focus()
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.locator("#say-status")).to_have_text("There is no text yet: type one.")
        expect(page.get_by_label("Text to be spoken")).to_be_focused()
    for text, sentence in (("…!?", "nothing to say"), ("<speak>a", "SSML")):
        page.get_by_label("Text to be spoken").fill(text)
        page.locator("#say-button").click()
        expect(notice(page, "say_refused")).to_contain_text(sentence)
        expect(page.locator("#say-text")).to_be_visible()
    page.get_by_label("Text to be spoken").fill(
        "<speak>Good <break time='1s'/>time &amp; more.</speak>"
    )
    page.locator("#say-button").click()
    expect(page.locator("#say-reading")).to_have_text("Good time & more.")
    said(page)
    expect(notice(page, "say_refused")).to_have_count(0)


def test_a_voice_that_is_too_slow_is_heard_as_a_whole_and_says_why(
    pages: Watched, fake: Server
) -> None:
    sent = Sent()

    def prepare(page: Page) -> None:
        page.add_init_script(_KEEP_STARTS)
        listed(all_slow)(page)
        sent.attach(page)

    page = opened(pages, fake, prepare=prepare)
    expect(page.locator("#say-facts")).to_contain_text("Too slow here to be heard while it is made")
    expect(page.locator("option[value=espeak-male]")).to_contain_text("slow here")
    page.get_by_label("Text to be spoken").fill(TEXT)
    page.locator("#say-button").click()
    expect(notice(page, "say_whole")).to_contain_text("takes 1.5 s of processor")
    seconds = seconds_of(said(page))
    ((_, length),) = page.evaluate("starts")
    assert length / 16000 == pytest.approx(seconds, abs=0.06)
    assert sent.messages == []


def test_where_no_websocket_comes_through_the_whole_is_heard(pages: Watched, fake: Server) -> None:
    # The page asks the server whether it wants credentials, and that it does not.
    pages.expect("localhost:9", "404 (Not Found)")
    page = opened(pages, fake, prepare=lambda page: page.add_init_script(_NO_SOCKET))
    page.get_by_label("Text to be spoken").fill(TEXT)
    page.locator("#say-button").click()
    expect(notice(page, "say_no_socket")).to_be_visible()
    assert seconds_of(said(page)) > 1


@pytest.mark.long
def test_who_hears_a_machine_is_told_what_sounds_like_a_person(
    pages: Watched, fake: Server
) -> None:
    page = opened(pages, fake)
    expect(notice(page, "robotic")).to_contain_text("rasr models pull piper-en-joe")
    page.get_by_label("Text to be spoken").fill("早上好")
    expect(notice(page, "robotic")).to_contain_text("rasr models pull kokoro-zh-en")
    notice(page, "robotic").get_by_role("button", name="Dismiss").click()
    page.get_by_label("Text to be spoken").fill("Good morning")
    expect(notice(page, "robotic")).to_have_count(0)


@pytest.mark.long
def test_what_an_official_name_promises_and_nobody_here_is_said_in_the_pages_language(
    pages: Watched, fake: Server
) -> None:
    def lack(document: dict[str, Any]) -> None:
        for one in document["official"]:
            if one["name"] == "english_amy_common":
                one["lacks"] = ["female", "english"]

    page = opened(pages, fake, prepare=listed(lack))
    facts = page.locator("#say-facts")
    page.get_by_label("Voice", exact=True).select_option("english_amy_common")
    expect(facts).to_contain_text("The name is a woman's, and no woman's voice is here. Who has")
    page.get_by_label("Voice", exact=True).select_option("espeak-male")
    expect(facts).not_to_contain_text("The name is")
    page.get_by_label("Voice", exact=True).select_option("english_amy_common")
    press(page, "中文")
    expect(facts).to_contain_text("此名称是女声，而这里没有女声。此名称也讲英语")


@pytest.mark.long
def test_a_server_that_is_gone_is_told(
    pages: Watched, own_server: Callable[..., ThreadServer]
) -> None:
    pages.expect("ERR_CONNECTION_REFUSED")
    server = own_server()
    page = opened(pages, server)
    page.get_by_label("Text to be spoken").fill(TEXT)
    server.end()
    page.locator("#say-button").click()
    expect(notice(page, "gone")).to_be_visible()
    expect(page.locator("#say-status")).to_have_text("Press to hear the text.")


@pytest.mark.long
def test_who_signs_in_hears_and_sees_the_voices(
    pages: Watched, own_server: Callable[..., ThreadServer], tmp_path: Path
) -> None:
    page = pages.open(f"{own_server(accounts()).url}/#voice")
    expect(page.locator("#who")).to_be_visible()
    expect(page.locator("#say-property option")).to_have_count(1)
    page.get_by_label("Text to be spoken").fill("One.")
    page.locator("#say-button").click()
    fill(page)
    send(page)
    assert seconds_of(said(page)) > 0.2
    expect(page.locator("#say-property option[value=espeak-male]")).to_have_count(1)
    assert _duration(saved(page, "MP3", tmp_path)) > 0.2
    press(page, "Show code")
    python = code(page, "Python")
    assert "YOUR_TOKEN" in python
    assert "/v1/any/" not in python


# Saving


def saved(page: Page, kind: str, folder: Path) -> Path:
    with page.expect_download() as download:
        press(page, f"Save {kind}")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def _duration(path: Path) -> float:
    with av.open(str(path)) as file:
        return sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0))


def test_the_sound_is_saved_as_a_file(pages: Watched, fake: Server, tmp_path: Path) -> None:
    pages.expect("400 (Bad Request)")
    page = opened(pages, fake)
    # Longer than a text that is answered in JSON.
    page.get_by_label("Text to be spoken").fill(TEXT * 15)
    path = saved(page, "WAV", tmp_path)
    with wave.open(str(path)) as file:
        assert file.getparams()[:3] == (1, 2, 16000)
        assert len(file.readframes(file.getnframes())) == 2 * file.getnframes()
        seconds = file.getnframes() / 16000
    assert seconds > 20
    assert _duration(saved(page, "MP3", tmp_path)) == pytest.approx(seconds, abs=0.3)
    page.get_by_label("Text to be spoken").fill("…")
    press(page, "Save WAV")
    expect(notice(page, "say_refused")).to_contain_text("nothing to say")


# Code


def test_programs_that_are_shown_run_as_they_stand(
    pages: Watched, fake: Server, tmp_path: Path
) -> None:
    page = opened(pages, fake)
    page.get_by_label("Text to be spoken").fill('It\'s "one" </script>.')
    page.get_by_label("Voice", exact=True).select_option("espeak-male")
    press(page, "Show code")
    assert page.locator("#code-tabs label").all_inner_texts() == PROGRAMS
    for name in ("Python", "SIS SDK"):
        program, file = tmp_path / "speak.py", tmp_path / f"{name}.wav"
        program.write_text(code(page, name), "utf-8")
        assert '"espeak-male"' in program.read_text("utf-8")
        command = [sys.executable, str(program), str(file)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert run.returncode == 0, run.stderr
        assert _duration(file) > 0.3
    asked = subprocess.run(
        ["sh", "-e", "-c", code(page, "curl")],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert _duration(tmp_path / "speech.mp3") > 0.3
    answer, listed_voices = json.JSONDecoder().raw_decode(asked.stdout.decode())
    assert answer["result"]["data"]
    assert listed_voices
    # The other website ends before its icon has been asked for.
    pages.expect("net::ERR")
    with website(code(page, "JavaScript")) as url:
        other = pages.open(url)
        other.get_by_role("button", name="Speak").click()
        expect(other.locator("p")).to_contain_text("one")


# Looks


@pytest.mark.parametrize(
    ("phone", "dark", "language"),
    mostly_long(
        [
            (False, False, "en-GB"),
            (False, True, "zh-CN"),
            (True, False, "zh-CN"),
            (True, True, "en-GB"),
        ],
        (False, True, "zh-CN"),
        (True, False, "zh-CN"),
    ),
    ids=["desk-day-english", "desk-night-chinese", "phone-day-chinese", "phone-night-english"],
)
def test_it_keeps_nobody_out(
    pages: Watched, fake: Server, phone: bool, dark: bool, language: str
) -> None:
    page = opened(pages, fake, phone=phone, dark=dark, locale=language)
    look = f"{'night' if dark else 'day'}-{'phone' if phone else 'desk'}-{language[:2]}"
    assert serious(page) == []
    picture(page, f"voice-{look}")
    page.locator("#say-sample").click()
    page.locator("#say-button").click()
    expect(page.locator("#say-reading .said")).to_be_visible()
    picture(page, f"voice-{look}-speaking")
    assert serious(page) == []
    page.locator("#say-button").click()
    expect(page.locator("#say-text")).to_be_visible()
    if phone:
        assert page.evaluate(SMALL) == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
