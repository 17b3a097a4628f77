"""The pages in Firefox: its microphone, its audio, its policy; Chromium's tests have the rest."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator

import pysubs2
import pytest
from anyio.from_thread import start_blocking_portal

from bench import recordings
from tests.browser.conftest import PICTURES, WATCH_POLICY, words_of
from tests.browser.firefox import Firefox, firefox
from tests.browser.server import Server, ThreadServer, speaking
from tests.browser.test_media_recorder import RECORD
from tests.browser.test_recordings import DROP
from tests.browser.waiting import PLAYING, told
from tests.server.audio import quiet, voiced
from tests.server.auth.conftest import PASSWORD, accounts
from tests.server.broken_network import Break, BrokenNetwork

_SPEAK = """
() => {{
  const ask = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
  if (!ask) return;
  navigator.mediaDevices.getUserMedia = async (wish) => {{
    (await ask(wish)).getTracks().forEach((track) => track.stop());
    const context = new AudioContext();
    const content = Uint8Array.from(atob("{content}"), (one) => one.charCodeAt(0));
    const buffer = await context.decodeAudioData(content.buffer);
    const source = new AudioBufferSourceNode(context, {{buffer}});
    const microphone = context.createMediaStreamDestination();
    source.connect(microphone);
    source.start();
    return microphone.stream;
  }};
}}
"""
"""Firefox's own microphone for tests has a tone, which is no speech: ours has a recording."""

_SAID = "() => document.querySelector('#recording-finals .playing data.said') !== null"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with firefox(tmp_path_factory.mktemp("firefox")) as browser:
        browser.prepare(f"() => {{ {WATCH_POLICY} }}")
        content = base64.b64encode(recordings.load_demo().path.read_bytes()).decode()
        browser.prepare(_SPEAK.format(content=content))
        yield browser


@pytest.fixture
def browser(running: Firefox) -> Iterator[Firefox]:
    yield running
    assert running.complaints == []


def test_what_the_microphone_hears_is_written_and_can_be_heard_again(
    browser: Firefox, fake: Server
) -> None:
    browser.open(fake.url)
    browser.expect_text("#status", "Press and speak, or drop a recording.")
    browser.picture(PICTURES / "firefox-blank.png")
    browser.click("#talk")
    browser.expect_text("#status", "Listening")
    browser.wait("() => document.querySelector('#level').value > 0.2")
    browser.wait("() => document.querySelector('#heard').dataset.heard === 'speech'")
    browser.wait("() => document.querySelector('#partial').textContent.length > 20")
    browser.picture(PICTURES / "firefox-speaking.png")
    browser.click("#talk")
    browser.expect_text("#status", "Done. Press to speak again.")
    browser.wait("() => /^Text \\d/.test(document.querySelector('#latency').textContent)")
    assert browser.texts(".sentence")
    with browser.glimpse(PLAYING):
        browser.click(".sentence")
    browser.wait("() => !document.querySelector('.sentence').classList.contains('playing')")


def test_a_connection_that_breaks_goes_on_in_the_middle_of_a_sentence(
    browser: Firefox, fake: Server
) -> None:
    with start_blocking_portal() as portal:
        network = BrokenNetwork(fake.port)
        portal.call(network.listen)
        browser.open(network.url.replace("ws:", "http:"))
        browser.click("#talk")
        browser.wait("() => document.querySelector('#partial').textContent.length > 20")
        with browser.glimpse(told("#status", "Connected again. Nothing is lost.")):
            portal.call(network.lose, Break.RESET)
        browser.click("#talk")
        browser.expect_text("#status", "Done. Press to speak again.")
        # The second sentence may have come by now; none is there twice, and none in two pieces.
        times = browser.texts(".sentence time")
        assert 0 < len(times) == len(set(times)) <= len(recordings.load_demo().sentences)
        browser.open("about:blank")
        portal.call(network.lose, Break.RESET)
        network.close()


def _read_demo(browser: Firefox) -> None:
    path = recordings.load_demo().path
    content = base64.b64encode(path.read_bytes()).decode()
    browser.run(f"(name, content) => ({DROP})([[name, content]])", path.name, content)
    browser.expect_text("#status", "Done. Press to speak again.")


def _saved(browser: Firefox, kind: str) -> str:
    browser.click("#save")
    return browser.saved(f"[data-save={kind}]")


@pytest.mark.long
@pytest.mark.engine
def test_a_dropped_recording_is_read_and_saved(browser: Firefox, english: Server) -> None:
    demo = recordings.load_demo()
    browser.open(english.url)
    _read_demo(browser)
    assert words_of(browser.texts(".sentence span")) == demo.text.split()
    browser.picture(PICTURES / "firefox-text.png")
    with browser.glimpse(told("#copy", "Copied")):
        browser.click("#copy")
    (recording,) = json.loads(_saved(browser, "json"))["recordings"]
    assert words_of(one["text"] for one in recording["segments"]) == demo.text.split()
    cues = pysubs2.SSAFile.from_string(_saved(browser, "srt"))
    assert words_of(cue.plaintext for cue in cues) == demo.text.split()
    browser.click("#settings")
    browser.wait("() => document.querySelector('#panel').open")
    browser.picture(PICTURES / "firefox-settings.png")


def test_the_text_is_corrected_searched_and_kept(browser: Firefox, fake: Server) -> None:
    browser.open(fake.url)
    _read_demo(browser)
    browser.click(".sentence .edit")
    browser.wait("() => document.activeElement.tagName === 'TEXTAREA'")
    browser.run(
        """() => {
          document.activeElement.value = "=A text of my own";
          const enter = {key: "Enter", bubbles: true, cancelable: true};
          document.activeElement.dispatchEvent(new KeyboardEvent("keydown", enter));
        }"""
    )
    assert browser.texts(".sentence .words")[0] == "=A text of my own"
    assert '"\'=A text of my own"' in _saved(browser, "csv")
    browser.click("#find-open")
    browser.run(
        """() => {
          const field = document.querySelector("#find-text");
          field.value = "OWN";
          field.dispatchEvent(new InputEvent("input"));
        }"""
    )
    browser.expect_text("mark.current", "own")
    browser.click("#past")
    browser.wait("() => document.querySelector('#kept').open")
    browser.click("#keep-text")
    browser.wait("() => document.querySelectorAll('#kept-sessions li').length === 1")
    browser.picture(PICTURES / "firefox-kept.png")


@pytest.mark.long
def test_a_text_is_heard_and_its_words_are_marked(browser: Firefox, fake: Server) -> None:
    browser.open(f"{fake.url}/#voice")
    browser.wait("() => document.querySelector('[value=espeak-male]') !== null")
    browser.run(
        """() => {
          const field = document.querySelector("#say-text");
          field.value = "Good morning. The train leaves at noon.";
          field.dispatchEvent(new InputEvent("input"));
          window.marked = new Set();
          new MutationObserver(() => {
            window.marked.add(document.querySelector("#say-reading .said")?.textContent);
          }).observe(document, {subtree: true, attributes: true, attributeFilter: ["class"]});
        }"""
    )
    browser.click("#say-button")
    browser.wait("() => document.querySelector('#say-status').textContent.startsWith('Done: ')")
    (status,) = browser.texts("#say-status")
    assert float(status.split()[1]) > 1.5
    assert browser.run("() => window.marked.has('train')")
    browser.picture(PICTURES / "firefox-voice.png")


@pytest.mark.long
def test_a_recording_becomes_a_job_and_is_heard_again(
    browser: Firefox, jobs_server: Server
) -> None:
    path = recordings.load("question").path
    content = base64.b64encode(path.read_bytes()).decode()
    browser.open(f"{jobs_server.url}/#recordings")
    # The newest one stands first.
    first = "#recording-rows li:first-child"
    browser.wait("() => document.querySelector('#recording-list').checkVisibility()")
    browser.run(f"(name, content) => ({DROP})([[name, content]])", path.name, content)
    browser.wait(f"() => document.querySelector('{first}[data-state=finished]') !== null")
    browser.expect_text(f"{first} strong", path.name)
    browser.click(f"{first} button")
    browser.wait("() => document.querySelector('#recording-finals data') !== null")
    with browser.glimpse(_SAID):
        browser.click("#recording-finals data")
    # To its end, which nobody has to wait for with a hand on a button.
    browser.wait("() => document.querySelector('#recording-finals .playing') === null")
    # What is corrected is there when the page is opened again.
    browser.run(
        """() => document.querySelector('#recording-finals .sentence')
          .dispatchEvent(new MouseEvent("dblclick", {bubbles: true}))"""
    )
    browser.run(
        """() => {
          const field = document.querySelector("#recording-finals textarea");
          field.value = "What is it?";
          field.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}));
        }"""
    )
    browser.expect_text("#recording-finals .words", "What is it?")
    browser.open("about:blank")
    browser.open(f"{jobs_server.url}/#recordings")
    browser.wait(f"() => document.querySelector('{first}[data-state=finished]') !== null")
    browser.click(f"{first} button")
    browser.expect_text("#recording-finals .words", "What is it?")
    with browser.glimpse(_SAID):
        browser.click("#recording-play")
    browser.picture(PICTURES / "firefox-recording.png")


def test_who_signs_in_is_recognised(
    browser: Firefox, own_server: Callable[..., ThreadServer]
) -> None:
    browser.open(own_server(accounts()).url)
    browser.wait("() => document.querySelector('#who').checkVisibility()")
    browser.click("#sign-in-open")
    browser.run(
        """(password) => {
          document.querySelector("#sign-in-user").value = "alice";
          document.querySelector("#sign-in-password").value = password;
          document.querySelector("#sign-in-domain").value = "acme";
        }""",
        PASSWORD,
    )
    browser.picture(PICTURES / "firefox-sign-in.png")
    browser.click("#sign-in-send")
    browser.expect_text("#who-name", "alice, project cn-north-4")
    _read_demo(browser)
    assert len(browser.texts(".sentence")) > 0
    assert "-->" in _saved(browser, "srt")
    browser.click("#sign-out")
    browser.wait("() => document.querySelector('#sign-in-open').checkVisibility()")


@pytest.mark.parametrize(
    ("format", "type"),
    [("ogg-opus", "audio/ogg;codecs=opus"), ("webm-opus", "audio/webm;codecs=opus")],
)
def test_a_stream_of_media_recorder_is_taken(
    browser: Firefox, fake: Server, format: str, type: str
) -> None:
    browser.open(fake.url)
    wish = json.dumps([format, type, False])
    messages = json.loads(browser.run(f"() => ({RECORD})({wish})"))
    assert messages[-1]["reason"] == "NORMAL"
    finals = [one for message in messages for one in message.get("segments", [])][-1:]
    assert [one["is_final"] for one in finals] == [True]
    assert finals[0]["result"]["text"]


def test_the_captions_page_follows_a_speaker(browser: Firefox, fake: Server) -> None:
    browser.open(f"{fake.url}/captions/firefox?background=000")
    browser.expect_text("#status", "Waiting for somebody to speak on “firefox” …")
    with speaking(fake, "firefox") as speaker:
        speaker.say(quiet(300) + voiced(1500))
        browser.wait("() => document.querySelector('p[data-final=false] span') !== null")
        speaker.say(quiet(900))
        (said,) = speaker.finals(1)
        browser.wait("() => document.querySelectorAll('#finals p').length > 0")
        browser.picture(PICTURES / "firefox-captions.png")
        assert said.startswith(browser.texts("#finals p")[0][:20])
    browser.expect_text("#status", "The speaker has stopped.")


def test_captions_are_shared_with_the_style_that_was_chosen(browser: Firefox, fake: Server) -> None:
    browser.open(f"{fake.url}/captions/firefox/share")
    browser.click("[data-preset=projector]")
    link = browser.run("() => document.querySelector('#link').value")
    assert link.startswith(f"{fake.url}/captions/firefox?size=9&lines=3&")
    frame = "document.querySelector('#preview').contentDocument"
    browser.wait(f"() => {frame}?.body?.dataset.size === '9'")
    browser.wait(f"() => {frame}.querySelectorAll('#rows span').length > 0")
    browser.picture(PICTURES / "firefox-share.png")
