"""The settings as programs, which run as they stand, and the messages that go over the wire."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from bench import recordings
from rasr.wire.sis.fields import START_FIELDS
from tests.browser.conftest import Watched, picture, serious
from tests.browser.looks import looks
from tests.browser.script import Sent
from tests.browser.server import Server
from tests.browser.test_controls import listed
from tests.browser.test_module import expect_to_work, website
from tests.browser.test_speaking import press
from tests.browser.waiting import expect_at_least, expect_status, glimpse, told

PROGRAMS = ["Python", "JavaScript", "SIS SDK", "websocat", "curl"]


def code(page: Page, program: str) -> str:
    page.get_by_role("radio", name=program).check()
    expect(page.locator("#code")).not_to_be_empty()
    return page.locator("#code").inner_text()


def choose_odd_settings(page: Page) -> None:
    """Settings that differ from the defaults."""
    page.get_by_label("Mode", exact=True).select_option("short")
    press(page, "Settings")
    page.get_by_label("Punctuation").uncheck()
    page.get_by_label("Live captions").check()
    page.get_by_label("Channel").fill("hall")
    page.get_by_label("Channel").blur()
    press(page, "Close")


def test_python_that_is_shown_runs_as_it_stands(
    pages: Watched, fake: Server, tmp_path: Path
) -> None:
    page = pages.open(fake.url)
    press(page, "Show code")
    program, recording = tmp_path / "speak.py", tmp_path / "recording.wav"
    program.write_text(code(page, "Python"), "utf-8")
    with wave.open(str(recording), "wb") as wav:
        wav.setparams((1, 2, 16000, 0, "NONE", ""))
        wav.writeframes(recordings.load_human_demo().samples[:48000].tobytes())
    run = subprocess.run(
        [sys.executable, str(program), str(recording)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    *results, end = run.stdout.splitlines()
    assert "'NORMAL'" in end
    assert {line.split()[0] for line in results} == {"partial", "final"}
    run = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stderr) == (1, "usage: python speak.py recording.wav\n")


@pytest.mark.long
def test_no_program_is_shown_before_the_server_has_said_what_it_serves(
    pages: Watched, fake: Server
) -> None:
    asked: list[Route] = []

    def hold(page: Page) -> None:
        page.route("**/properties", lambda route: asked.append(route))

    page = pages.open(fake.url, prepare=hold)
    press(page, "Show code")
    expect(page.get_by_role("radio", name="Python")).to_be_visible()
    expect(page.locator("#code")).to_be_empty()
    asked[0].continue_()
    assert '"property": "english_16k_common"' in code(page, "Python")


def test_javascript_that_is_shown_runs_as_it_stands(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    press(page, "Show code")
    with website(code(page, "JavaScript")) as url:
        other = pages.open(url)
        expect_to_work(other)


def test_every_program_has_the_settings_of_the_page(pages: Watched, fake: Server) -> None:
    sent = Sent()
    page = pages.open(fake.url, prepare=sent.attach)
    choose_odd_settings(page)
    # What the page asks for itself is what its programs ask for.
    press(page, "Start")
    expect_status(page, "Listening")
    press(page, "Stop")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    config = sent.messages[0]["config"]
    # That is for clients that do what docs/protocol.md asks of them then; these are simple ones.
    assert config.pop("resume") == "yes"
    assert (config["add_punc"], config["caption_channel"]) == ("no", "hall")
    press(page, "Show code")
    socket = fake.url.replace("http", "ws")
    python = code(page, "Python")
    assert f'URL = "{socket}/v1/any/rasr/short-stream"' in python
    assert json.loads(python.partition("CONFIG = ")[2].partition("\n\n")[0]) == config
    script = code(page, "JavaScript")
    assert f'from "{fake.url}/client/rasr.js"' in script
    options = json.loads(script.partition("OPTIONS = ")[2].partition(";")[0])
    assert options["mode"] == "short"
    assert (options["add_punc"], options["caption_channel"]) == (False, "hall")
    websocat = code(page, "websocat")
    (start,) = re.findall(r"echo '(.*START.*)'", websocat)
    assert json.loads(start) == {"command": "START", "config": config}
    assert f"'{socket}/v1/any/rasr/short-stream'" in websocat
    curl = code(page, "curl")
    asked = "audio_format=auto&property=english_16k_common&add_punc=no&digit_norm=yes"
    assert f"octet-stream' '{fake.url}/v1/any/asr/flash?{asked}'" in curl
    assert f"curl '{fake.url}/properties'" in curl
    assert f"'{fake.url}/captions/hall.srt'" in curl
    sdk = code(page, "SIS SDK")
    compile(sdk, "sdk.py", "exec")
    assert f'service_endpoint="{socket}"' in sdk
    assert 'RasrRequest("pcm16k16bit", "english_16k_common")' in sdk
    assert "client.short_stream_connect(request)" in sdk
    setters = dict(re.findall(r"request\.set_(\w+)\((.*)\)", sdk))
    ours = {name for name, field in START_FIELDS.items() if field.extension}
    known = set(config) - {"property", "audio_format"} - ours
    assert {name: json.loads(value) for name, value in setters.items()} == {
        name: config[name] for name in known
    }
    assert re.search(r"cannot ask for it: .*\bcaption_channel\b", sdk)


@pytest.mark.long
def test_hot_words_with_quotes_in_them_stay_what_they_are(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, prepare=listed(("english_16k_common", "m"), hot_words=True))
    press(page, "Settings")
    page.get_by_label("Hot words").fill('O\'Neill\n"Ada"')
    page.get_by_label("Hot words").blur()
    press(page, "Close")
    press(page, "Show code")
    words = ["O'Neill", '"Ada"']
    compile(code(page, "Python"), "speak.py", "exec")
    (start,) = re.findall(r"echo '(.*START.*)'", code(page, "websocat"))
    assert json.loads(start.replace(r"'\''", "'"))["config"]["user_words"] == words


def test_the_program_is_copied(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    press(page, "Show code")
    shown = code(page, "Python")
    with glimpse(page, told("#code-copy button", "Copied")):
        page.locator("#code-copy button").click()
    assert page.evaluate("navigator.clipboard.readText()") == shown
    page.keyboard.press("Escape")
    expect(page.locator("#code-open")).to_be_focused()


@looks
def test_code_and_messages_keep_nobody_out(
    pages: Watched, fake: Server, phone: bool, dark: bool
) -> None:
    page = pages.open(fake.url, phone=phone, dark=dark)
    name = f"{'night' if dark else 'day'}-{'phone' if phone else 'desk'}"
    press(page, "Show code")
    for program in PROGRAMS:
        assert code(page, program)
    code(page, "SIS SDK")
    picture(page, f"code-{name}")
    assert serious(page) == []
    press(page, "Close")
    press(page, "Start")
    expect_at_least(page, ".sentence", 1)
    press(page, "Messages")
    expect(page.locator("#message-list li").first).to_be_visible()
    picture(page, f"messages-{name}")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#messages").press("Escape")
    expect(page.locator("#messages")).to_be_hidden()
    expect(page.locator("#messages-open")).to_be_focused()
    press(page, "Stop")


def test_messages_are_shown_as_they_go_over_the_wire(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    lines = page.locator("#message-list li")
    press(page, "Start")
    expect_at_least(page, ".sentence", 1)
    # What was said before the pane was opened is there too, and speech goes on.
    press(page, "Messages")
    assert '"command":"START"' in lines.first.inner_text()
    assert re.match(r"\d\d:\d\d:\d\d\.\d\d\d → \{", lines.first.inner_text())
    press(page, "Pause")
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    before = lines.count()
    press(page, "Stop")
    expect_status(page, "Done. Press to speak again.")
    assert lines.count() == before
    press(page, "Go on")
    listed_lines = lines.all_inner_texts()
    assert "→" in listed_lines[-2] or "←" in listed_lines[-2]
    *_, end, acknowledged = listed_lines
    assert re.search(r'← \{"resp_type":"END","reason":"NORMAL"', end)
    assert re.search(r'→ \{"command":"ACK","seq":\d+\}$', acknowledged)
    assert any('→ {"command":"END","cancel":false}' in line for line in listed_lines)
    assert any(re.search(r"→ \d+ × sound, \d+ bytes$", line) for line in listed_lines)
    assert any('← {"resp_type":"RESULT"' in line for line in listed_lines)
    with glimpse(page, told("#messages-copy button", "Copied")):
        page.locator("#messages-copy button").click()
    assert page.evaluate("navigator.clipboard.readText()").splitlines() == listed_lines
    press(page, "Empty")
    expect(lines).to_have_count(0)


@pytest.mark.long
def test_the_newest_messages_are_kept(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    press(page, "Messages")
    counts = page.evaluate(
        """async () => {
          const {Messages} = await import("/page/messages.js");
          const messages = new Messages(document, {say: (key) => key});
          for (let i = 0; i < 700; i += 1) messages.keep({sent: false, text: `message ${i}`});
          const lines = document.querySelectorAll("#message-list li");
          return [messages.kept.length, lines.length, lines[499].textContent];
        }"""
    )
    assert counts[:2] == [500, 500]
    assert counts[2].endswith("← message 699")
