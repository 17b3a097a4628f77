"""The tab for recordings: files become jobs of the server; their text is read, heard, corrected."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import openpyxl
import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from bench import recordings
from rasr.audio import SAMPLE_RATE
from rasr.audio.files import read_audio
from tests.browser.conftest import Watched, picture, serious
from tests.browser.jobs import Job, PlayedJobs, finished
from tests.browser.script import Said
from tests.browser.server import Server, ThreadServer
from tests.browser.test_access import SMALL
from tests.browser.test_recordings import drop, drop_files, saved
from tests.browser.test_sign_in import UNAUTHORISED, fill, send, sign_in
from tests.browser.test_speaking import press
from tests.browser.waiting import PIXELS, expect_count, expect_shown, glimpse, soon
from tests.identity.signing import PROJECT
from tests.longer import mostly_long
from tests.media.files import encoded
from tests.processes import LONG_S
from tests.server.auth.conftest import accounts

DEMO = recordings.load_demo().path
QUESTION = recordings.load("question").path
FINISHED = "#recording-rows li[data-state=finished]"
SENTENCES = 5000
"""Of ten words and 3.6 s each: 50,000 words in five hours."""
SENTENCE_MS = 3600
MOST_ELEMENTS = 3000
BARS = (
    "() => {"
    f"  const read = {PIXELS};"
    """
  const { data, width, height } = read(document.querySelector("#recording-waveform"));
  const heights = new Set();
  for (let x = 0; x < width; x += 1) {
    let tall = 0;
    for (let y = 0; y < height; y += 1) tall += data[4 * (y * width + x) + 3] > 0;
    heights.add(tall);
  }
  return heights.size > 8;
}
"""
)
"""Whether the bar is a waveform, whose bars are not all as tall as each other."""
_THE_THIRD_IS_HEARD = """
() => document.querySelectorAll("#recording-finals .sentence")[2].matches(".playing")
  && document.querySelectorAll("#recording-finals data.said").length === 1
  && /^0:0[67] \\/ 0:14$/.test(document.querySelector("#recording-clock").textContent)
"""
_HEARD = "() => document.querySelector('#recording-finals .playing') !== null"
_JOBS = "/v1/any/asr/transcriber/jobs"


@pytest.fixture
def url(jobs_server: Server) -> str:
    """Of the tab at a server without jobs."""
    with httpx.Client(base_url=jobs_server.url, trust_env=False, timeout=LONG_S) as web:
        for one in web.get(_JOBS).json()["jobs"]:
            web.delete(f"{_JOBS}/{one['job_id']}")
    return f"{jobs_server.url}/#recordings"


def show(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Show: {name}").click()
    expect(page.get_by_role("button", name="All recordings")).to_be_focused()


def opened(pages: Watched, fake: Server, played: PlayedJobs, **how: bool | str) -> Page:
    """The tab at a server whose jobs are played."""
    assert not {"prepare"} & how.keys()
    return pages.open(f"{fake.url}/#recordings", prepare=played.attach, **how)  # type: ignore[arg-type]


def sentences(page: Page) -> list[str]:
    return page.locator("#recording-finals .words").all_text_contents()


def test_files_become_jobs_and_their_text_is_heard_searched_corrected_and_saved(
    pages: Watched, url: str, tmp_path: Path
) -> None:
    page = pages.open(url)
    expect(page.get_by_text("No recordings yet.")).to_be_visible()
    drop_files(page, (DEMO.name, DEMO.read_bytes()), (QUESTION.name, QUESTION.read_bytes()))
    expect_count(page, FINISHED, 2)
    expect(page.locator("#recording-rows strong")).to_have_text(["question.flac", "demo.flac"])
    expect(page.locator("#recording-rows p").last).to_contain_text("Length 0:14 · sent")
    expect(page.locator("#recording-news")).to_contain_text("Over: ")
    show(page, "demo.flac")
    texts = sentences(page)
    assert len(texts) == 4
    soon(page, BARS)
    # A word is heard, and marked while it is; the sound goes on until somebody stops it.
    with glimpse(page, _THE_THIRD_IS_HEARD):
        page.locator("#recording-finals .sentence").nth(1).locator("data").nth(2).click()
    press(page, "Pause")
    expect(page.locator(".playing")).to_have_count(0)
    page.keyboard.press("Control+f")
    page.get_by_role("searchbox", name="Search in the text").fill(texts[3].split()[0])
    expect(page.locator("#recording-find-count")).to_have_text("1 of 1")
    expect(page.locator("#find")).to_be_hidden()
    page.keyboard.press("Escape")
    page.locator("#recording-finals .words").first.dblclick()
    page.keyboard.press("Control+a")
    page.keyboard.type("Corrected by hand.")
    page.keyboard.press("Enter")
    lines = saved(page, "Text", tmp_path).read_text("utf-8").splitlines()
    assert lines == ["Corrected by hand.", *texts[1:]]
    document = json.loads(saved(page, "JSON", tmp_path).read_text("utf-8"))
    (recording,) = document["recordings"]
    assert recording["name"] == "demo.flac"
    assert recording["segments"][0]["original"]["text"] == texts[0]
    assert "Corrected by hand." in saved(page, "SRT", tmp_path).read_text("utf-8")
    assert saved(page, "Excel", tmp_path).read_bytes()[:2] == b"PK"


def test_recordings_and_their_corrections_are_there_after_the_page_was_closed(
    pages: Watched, url: str
) -> None:
    page = pages.open(url)
    drop(page, QUESTION)
    expect_count(page, FINISHED, 1)
    show(page, "question.flac")
    page.locator("#recording-finals .words").first.dblclick()
    page.keyboard.press("Control+a")
    page.keyboard.type("What is it?")
    page.keyboard.press("Enter")
    expect(page.locator("#recording-done-text")).to_have_text("The sentence is corrected.")
    kept = """async () => {
      const request = indexedDB.open("rasr-recordings");
      const database = await new Promise((done) => request.onsuccess = () => done(request.result));
      const asked = database.transaction("corrections").objectStore("corrections").getAll();
      const texts = await new Promise((done) => asked.onsuccess = () => done(asked.result));
      database.close();
      return texts.length === 1;
    }"""
    soon(page, f"await ({kept})() ? () => true : () => false")
    page.reload()
    expect_count(page, FINISHED, 1)
    show(page, "question.flac")
    assert sentences(page)[0] == "What is it?"
    with glimpse(page, _HEARD):
        press(page, "Play")
    # Somebody else's browser has the text alone.
    other = pages.open(url)
    expect_count(other, FINISHED, 1)
    other.get_by_role("button", name="Show: Recording of ").click()
    expect(other.locator("#recording-sound-note")).to_contain_text("cannot be heard here")
    expect(other.get_by_role("button", name="Play", exact=True)).to_be_hidden()
    other.locator("#recording-finals data").first.click()
    expect(other.locator("#recording-done-text")).to_contain_text("cannot be heard here")
    assert "What is it?" not in sentences(other)


def test_what_is_forgotten_is_gone_here_and_there(pages: Watched, url: str) -> None:
    page = pages.open(url)
    drop(page, QUESTION)
    expect_count(page, FINISHED, 1)
    press(page, "Forget: question.flac")
    expect(page.get_by_role("button", name="Keep", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Forget: question.flac")).to_be_focused()
    page.keyboard.press("Enter")
    press(page, "Forget")
    expect_count(page, "#recording-rows li", 0)
    expect(page.get_by_text("No recordings yet.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("No recordings yet.")).to_be_visible()
    left = """async () => {
      const request = indexedDB.open("rasr-recordings");
      const database = await new Promise((done) => request.onsuccess = () => done(request.result));
      const stores = ["recordings", "sound", "corrections"];
      const counts = await Promise.all(stores.map((name) => new Promise((done) => {
        const asked = database.transaction(name).objectStore(name).count();
        asked.onsuccess = () => done(asked.result);
      })));
      database.close();
      return counts;
    }"""
    assert page.evaluate(left) == [0, 0, 0]


WAITING = {"status": "WAITING", "create_time": "2026-03-04T08:30:00.000Z", "progress": 0}
STATES: list[Job] = [
    WAITING | {"job_id": "c", "queue_position": 2},
    WAITING
    | {
        "job_id": "b",
        "progress": 40,
        "audio_duration": 3_600_000,
        "expected_end_time": "2026-03-04T09:15:00.000Z",
    },
    {
        "job_id": "a",
        "status": "ERROR",
        "create_time": "2026-03-04T08:00:00.000Z",
        "error_code": "SIS.30006",
        "error_msg": "there is no audio in it",
    },
    finished("d", Said("One.", 0), length_ms=3_723_000),
]


@pytest.mark.parametrize(
    ("dark", "phone"),
    mostly_long([(False, False), (True, True)], (True, True)),
    ids=["day-desk", "night-phone"],
)
def test_the_list_says_how_far_each_is(
    pages: Watched, fake: Server, dark: bool, phone: bool
) -> None:
    pages.expect("400 (Bad Request)")
    page = opened(pages, fake, PlayedJobs(list(STATES)), dark=dark, phone=phone)
    expect_count(page, "#recording-rows li", 4)
    about = page.locator("#recording-rows p")
    expect(about.nth(0)).to_have_text("Waits. Recordings before it: 2")
    expect(about.nth(1)).to_have_text(re.compile(r"In work: 40 %\. Expected end: 4 Mar 2026, .*15"))
    expect(about.nth(2)).to_have_text("there is no audio in it")
    expect(about.nth(3)).to_have_text(re.compile(r"Length 1:02:03 · sent 4 Mar 2026, .* · kept"))
    bar = page.get_by_role("progressbar", name=re.compile("Done so far: Recording of 4 Mar"))
    expect(bar).to_have_count(1)
    assert bar.evaluate("bar => bar.value") == pytest.approx(0.4)
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not phone or page.evaluate(SMALL) == []
    picture(page, f"recordings-{'night' if dark else 'day'}-{'phone' if phone else 'desk'}")


def call() -> PlayedJobs:
    """A call, its speakers and a place that a review looks for."""
    told = finished(
        "call",
        Said("Good morning, how can I help?", 0),
        Said("I want a refund, please.", 3000),
        Said("A refund is no problem.", 6000),
    )
    roles = ("AGENT", "USER", "AGENT")
    for one, role in zip(told["segments"], roles, strict=True):
        one["result"]["analysis_info"] = {"role": role}
    mark = {"name": "complaints", "text": "refund", "start_time": 3900, "end_time": 4200}
    told["segments"][1]["result"]["marks"] = [mark]
    return PlayedJobs([told])


@pytest.mark.parametrize(
    ("dark", "phone"),
    mostly_long([(False, False), (True, True)], (False, False)),
    ids=["day-desk", "night-phone"],
)
def test_speakers_have_names_and_colours_and_what_a_review_marks_is_underlined(
    pages: Watched, fake: Server, dark: bool, phone: bool
) -> None:
    page = opened(pages, fake, call(), dark=dark, phone=phone)
    page.get_by_role("button", name=re.compile("Show: ")).click()
    names = page.locator("#recording-finals .speaker")
    expect(names).to_have_text(["Agent", "Customer", "Agent"])
    colours = names.evaluate_all("all => all.map((one) => getComputedStyle(one).color)")
    assert colours[0] == colours[2] != colours[1]
    expect(page.locator("#recording-speakers li")).to_have_text(["Agent", "Customer"])
    customer = page.get_by_role("article", name="Customer I want a refund, please.")
    expect(customer).to_have_attribute("aria-description", "Marked: refund (complaints).")
    expect(page.locator(".reviewed")).to_have_text(["refund"])
    expect(page.locator("#recording-marked")).to_contain_text("(complaints). Places: 1")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not phone or page.evaluate(SMALL) == []
    picture(page, f"recording-{'night' if dark else 'day'}-{'phone' if phone else 'desk'}")


def test_the_server_tells_who_speaks_on_which_channel(pages: Watched, url: str) -> None:
    samples = np.concatenate(list(read_audio(QUESTION, SAMPLE_RATE)))
    pause = np.zeros_like(samples)
    left, right = np.concatenate([samples, pause]), np.concatenate([pause, samples])
    page = pages.open(url)
    speakers = page.get_by_role("combobox", name="Speakers", exact=True)
    speakers.select_option("Agent on the right channel")
    both = encoded(np.stack([left, right], axis=1), "wav", layout="stereo")
    drop_files(page, ("call.wav", both))
    expect_count(page, FINISHED, 1)
    show(page, "call.wav")
    names = page.locator("#recording-finals .speaker")
    assert names.first.text_content() == "Customer"
    assert names.last.text_content() == "Agent"


@pytest.mark.long
def test_who_says_what_is_in_what_is_saved(pages: Watched, fake: Server, tmp_path: Path) -> None:
    page = opened(pages, fake, call())
    page.get_by_role("button", name=re.compile("Show: ")).click()
    assert saved(page, "Text", tmp_path).read_text("utf-8").splitlines() == [
        "Agent: Good morning, how can I help?",
        "Customer: I want a refund, please.",
        "Agent: A refund is no problem.",
    ]
    sheet = openpyxl.load_workbook(saved(page, "Excel", tmp_path)).worksheets[0]
    assert [cell.value for cell in sheet["D"]] == ["Speaker", "Agent", "Customer", "Agent"]
    assert [cell.value for cell in sheet[1]][-2:] == ["Text", "Score"]


@pytest.mark.long
def test_voices_are_numbered_in_chinese_too(pages: Watched, fake: Server) -> None:
    told = finished("meeting", Said("你好。", 0), Said("再见。", 2000))
    for number, one in enumerate(told["segments"]):
        one["result"]["analysis_info"] = {"speaker": number}
    page = opened(pages, fake, PlayedJobs([told]), locale="zh-CN")
    page.get_by_role("button", name=re.compile("查看：|查看")).click()
    expect(page.locator("#recording-finals .speaker")).to_have_text(["说话人 1", "说话人 2"])
    press(page, "English")
    expect(page.locator("#recording-finals .speaker")).to_have_text(["Speaker 1", "Speaker 2"])
    press(page, "中文")
    picture(page, "recording-chinese")


def with_voices(page: Page) -> None:
    """Its server can tell voices apart, as far as the page knows."""

    def tell(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"diarization": True})

    page.route("**/properties", tell)


def test_what_is_chosen_is_asked_for_and_a_refusal_is_told_as_it_is(
    pages: Watched, fake: Server
) -> None:
    pages.expect("400 (Bad Request)")
    said = "'diarization' is not supported: its model is gone"
    played = PlayedJobs(refusal=(400, {"error_code": "SIS.0031", "error_msg": said}))

    def prepare(page: Page) -> None:
        played.attach(page)
        with_voices(page)

    page = pages.open(f"{fake.url}/#recordings", prepare=prepare)
    speakers = page.get_by_role("combobox", name="Speakers", exact=True)
    speakers.select_option("By their voices")
    press(page, "Settings")
    page.get_by_label("Numbers as digits").uncheck()
    press(page, "Close")
    drop(page, QUESTION)
    expect(page.locator("#recording-rows p")).to_have_text(said)
    analysis = {"diarization": True, "channel": "MONO", "emotion": False, "speed": False}
    config = {
        "property": "english_16k_common",
        "add_punc": "yes",
        "digit_norm": "no",
        "vad_tail": 500,
        "max_seconds": 30,
        "need_word_info": "yes",
        "word_confidence": "yes",
        "need_analysis_info": analysis,
    }
    assert played.submitted == [{"config": config, "data_url": "upload:u1"}]
    played.refusal = None
    press(page, "Try again: question.flac")
    expect(page.locator("#recording-rows li")).to_have_attribute("data-state", "working")
    assert played.dropped == ["u1"]
    # The choice is kept, and holds where the server can do so.
    page.reload()
    expect(speakers).to_have_value("voices")
    page.unroute("**/properties")
    page.reload()
    expect(speakers).to_have_value("none")
    expect(speakers.locator("option")).to_have_text(
        ["Not told apart", "Agent on the left channel", "Agent on the right channel"]
    )


def test_what_cannot_be_heard_or_seen_of_the_sound_is_said(pages: Watched, fake: Server) -> None:
    played = PlayedJobs()
    page = opened(pages, fake, played)
    drop_files(page, ("call.amr", b"no browser plays it"), (QUESTION.name, QUESTION.read_bytes()))
    expect_count(page, "#recording-rows li[data-state=working]", 2)
    quarter = 15 * 60_000
    played.jobs = [
        finished("job-2", Said("A long one.", 0), length_ms=quarter + 1),
        finished("job-1", Said("A call.", 0)),
    ]
    show(page, "call.amr")
    note = page.locator("#recording-sound-note")
    expect(note).to_have_text(
        "This browser cannot play recordings of this format. The text is whole."
    )
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_hidden()
    press(page, "All recordings")
    expect(page.get_by_role("button", name="Show: call.amr")).to_be_focused()
    show(page, "question.flac")
    expect(note).to_contain_text("waveform for recordings of up to 15 minutes")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert not page.evaluate(f"({BARS})()")


@pytest.mark.long
def test_more_recordings_are_shown_when_asked_for(pages: Watched, fake: Server) -> None:
    played = PlayedJobs([finished(f"job {number}", Said("One.", 0)) for number in range(60)])
    page = opened(pages, fake, played)
    expect_count(page, FINISHED, 50)
    press(page, "Show more")
    expect_count(page, FINISHED, 60)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()


def test_a_job_that_waits_is_taken_back(pages: Watched, fake: Server) -> None:
    played = PlayedJobs(list(STATES[:1]))
    page = opened(pages, fake, played)
    page.get_by_role("button", name=re.compile("Cancel: ")).click()
    expect(page.get_by_role("group", name=re.compile("Stop, and delete"))).to_be_visible()
    press(page, "Cancel")
    expect_count(page, "#recording-rows li", 0)
    assert played.forgotten == ["c"]


@pytest.mark.long
def test_who_gives_up_while_a_file_is_sent_begins_no_job(pages: Watched, fake: Server) -> None:
    played = PlayedJobs(held="u1")
    page = opened(pages, fake, played)
    drop_files(page, ("first.flac", QUESTION.read_bytes()), ("next.flac", QUESTION.read_bytes()))
    expect(page.locator("#recording-rows p")).to_have_text(["Waits to be sent.", "Being sent: 0 %"])
    soon(
        page,
        "() => document.querySelectorAll('#recording-rows progress:not([hidden])').length === 1",
    )
    press(page, "Cancel: first.flac")
    expect(page.locator("#recording-rows li[data-state=working] strong")).to_have_text("next.flac")
    assert [one["data_url"] for one in played.submitted] == ["upload:u2"]


def test_where_a_browser_keeps_nothing_the_sound_lasts_as_long_as_the_page(
    pages: Watched, url: str
) -> None:
    block = """
    IDBFactory.prototype.open = () => { throw new DOMException("blocked", "SecurityError"); };
    """
    page = pages.open(url, prepare=lambda page: page.add_init_script(block))
    drop(page, QUESTION)
    expect_count(page, FINISHED, 1)
    expect(page.locator("#recording-notices .notice")).to_contain_text(
        "question.flac can be heard until this page is closed."
    )
    show(page, "question.flac")
    with glimpse(page, _HEARD):
        page.locator("#recording-finals data").first.click()
    page.locator("#recording-finals .words").first.dblclick()
    page.keyboard.press("Control+a")
    page.keyboard.type("What is it?")
    page.keyboard.press("Enter")
    # What nobody keeps is asked for before it is lost.
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.reload()
    assert asked == ["beforeunload"]
    expect_count(page, FINISHED, 1)
    page.get_by_role("button", name="Show: Recording of ").click()
    expect(page.locator("#recording-sound-note")).to_contain_text("cannot be heard here")


@pytest.mark.long
def test_a_server_without_a_store_says_so(
    pages: Watched, own_server: Callable[..., ThreadServer]
) -> None:
    pages.expect("400 (Bad Request)")
    page = pages.open(f"{own_server().url}/#recordings")
    expect(page.locator("#recording-notices .notice")).to_contain_text(
        "jobs on recordings need a store, and this server has none"
    )


@pytest.mark.long
def test_who_has_not_signed_in_is_asked_when_he_sends_something(
    pages: Watched, own_server: Callable[..., ThreadServer]
) -> None:
    pages.expect(UNAUTHORISED)
    played = PlayedJobs()
    server = own_server(accounts())
    page = pages.open(f"{server.url}/#recordings", prepare=played.attach)
    expect(page.get_by_text("Sign in to see your recordings")).to_be_visible()
    expect(page.get_by_role("dialog", name="Sign in")).to_be_hidden()
    with page.expect_request("**/asr/transcriber/jobs") as asked:
        drop(page, QUESTION)
        fill(page)
        send(page)
    assert f"/v1/{PROJECT}/" in asked.value.url
    assert asked.value.headers["x-auth-token"]
    expect_count(page, "#recording-rows li", 1)
    # Whoever comes next on this machine does not see it.
    press(page, "Sign out")
    expect_count(page, "#recording-rows li", 0)
    sign_in(page)
    expect_count(page, "#recording-rows li", 1)


@pytest.mark.long
def test_a_server_that_is_gone_is_told_and_asked_again(pages: Watched, fake: Server) -> None:
    pages.expect("ERR_CONNECTION_REFUSED", "ERR_FAILED")
    played = PlayedJobs(list(STATES[:1]))

    def prepare(page: Page) -> None:
        played.attach(page)
        page.clock.install()

    page = pages.open(f"{fake.url}/#recordings", prepare=prepare)
    expect_count(page, "#recording-rows li", 1)
    page.route("**/asr/transcriber/**", lambda route: route.abort())
    page.clock.run_for(2000)
    notice = page.locator("#recording-notices .notice")
    expect(notice).to_contain_text("No server answers.")
    expect_count(page, "#recording-rows li", 1)
    page.unroute("**/asr/transcriber/**")
    played.jobs = [finished("c", Said("Here again.", 0))]
    played.attach(page)
    page.clock.run_for(10_000)
    expect_count(page, FINISHED, 1)
    expect(notice).to_have_count(0)


def test_five_hours_cost_a_page_no_more_than_five_minutes(
    pages: Watched, fake: Server, tmp_path: Path
) -> None:
    words = "and some more words than that"
    said = [Said(f"This is sentence {n} {words}", n * SENTENCE_MS) for n in range(SENTENCES)]
    told = finished("long", *said, length_ms=SENTENCES * SENTENCE_MS)
    for number, one in enumerate(told["segments"]):
        one["result"]["analysis_info"] = {"speaker": number % 7}
    assert sum(len(one.text.split()) for one in said) == 50_000
    page = opened(pages, fake, PlayedJobs([told]))
    page.get_by_role("button", name=re.compile("Show: ")).click()
    expect_shown(page, "#recording-finals .sentence")

    def elements() -> int:
        return int(page.evaluate("document.querySelectorAll('#recording-finals *').length"))

    assert elements() < MOST_ELEMENTS
    expect(page.locator("#recording-clock")).to_have_text("0:00 / 5:00:00")
    expect(page.locator("#recording-speakers li")).to_have_count(7)
    # The place is chosen by keyboard too: five seconds, an end, or by the mouse.
    place = page.get_by_role("slider", name="Place in the recording")
    place.focus()
    page.keyboard.press("ArrowRight")
    expect(place).to_have_attribute("aria-valuetext", "0:05")
    page.keyboard.press("End")
    expect(page.locator("#recording-clock")).to_have_text("5:00:00 / 5:00:00")
    expect(page.get_by_text(f"This is sentence {SENTENCES - 1} ")).to_be_in_viewport()
    box = place.bounding_box()
    assert box is not None
    place.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    shown = page.locator("#recording-finals .sentence[tabindex='0']")
    expect(shown).to_be_in_viewport()
    number = int(re.findall(r"sentence (\d+)", shown.inner_text())[0])
    assert number == pytest.approx(SENTENCES / 2, abs=SENTENCES / 50)
    soon(page, f"() => document.querySelectorAll('#recording-finals *').length < {MOST_ELEMENTS}")
    press(page, "Search")
    page.keyboard.type("sentence 4999 ")
    expect(page.locator("#recording-find-count")).to_have_text("1 of 1")
    expect(page.locator("mark.current").first).to_be_in_viewport()
    soon(page, f"() => document.querySelectorAll('#recording-finals *').length < {MOST_ELEMENTS}")
    picture(page, "recording-long")
    lines = saved(page, "Text", tmp_path).read_text("utf-8").splitlines()
    assert (len(lines), lines[-1]) == (SENTENCES, f"Speaker 2: {said[-1].text}")
