"""A recording is dropped on the page: read with a progress bar, heard again, saved in each form."""

from __future__ import annotations

import base64
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pysubs2
import pytest
import webvtt
from playwright.sync_api import Page, expect

from bench import recordings
from tests.browser.conftest import Watched, picture
from tests.browser.server import Server, ThreadServer
from tests.browser.test_speaking import keep_sights, press, times, words
from tests.browser.waiting import PLAYING, expect_count, expect_shown, expect_status, glimpse, told

DROP = """
(files) => {
  const transfer = new DataTransfer();
  for (const [name, content] of files) {
    const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  for (const type of ["dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(type, {dataTransfer: transfer, bubbles: true,
      cancelable: true}));
  }
}
"""


def drop(page: Page, path: Path, content: bytes | None = None) -> None:
    drop_files(page, (path.name, path.read_bytes() if content is None else content))


def drop_files(page: Page, *files: tuple[str, bytes]) -> None:
    page.evaluate(DROP, [[name, base64.b64encode(data).decode()] for name, data in files])


def saved(page: Page, kind: str, folder: Path, button: str = "Save") -> Path:
    """The file that the menu gives."""
    press(page, button)
    with page.expect_download() as download:
        page.get_by_role("menuitem", name=kind).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


@pytest.fixture
def read_page(pages: Watched, fake: Server) -> Page:
    """The page with the demonstration read from its file."""
    page = pages.open(fake.url, prepare=keep_sights)
    drop(page, recordings.load_demo().path)
    expect_status(page, "Done. Press to speak again.")
    return page


@pytest.mark.engine
def test_a_dropped_recording_is_read_faster_than_it_was_spoken(
    pages: Watched, english: Server
) -> None:
    page = pages.open(english.url, prepare=keep_sights)
    drop(page, recordings.load_demo().path)
    expect_shown(page, ".sentence")
    picture(page, "reading")
    expect_status(page, "Done. Press to speak again.")
    assert words(page) == recordings.load_demo().text.split()
    sights = page.evaluate("sights")
    assert "Reading demo.flac" in {one["status"] for one in sights}
    bar = [one["progress"] for one in sights if one["progress"] is not None]
    assert bar == sorted(bar)
    assert 0.9 < bar[-1] < 1
    assert len(set(bar)) > 4
    expect(page.locator("#latency")).to_contain_text("times as fast as speech")


def test_a_file_that_is_chosen_is_read_too(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    with page.expect_file_chooser() as chooser:
        press(page, "Open a file")
    assert chooser.value.is_multiple()
    chooser.value.set_files(recordings.load("question").path)
    expect_status(page, "Done. Press to speak again.")
    expect_count(page, ".sentence", 1)


@pytest.mark.long
def test_the_text_is_saved_a_sentence_a_line(read_page: Page, tmp_path: Path) -> None:
    lines = saved(read_page, "Text one", tmp_path).read_text("utf-8").splitlines()
    assert lines == read_page.locator(".sentence span").all_text_contents()
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("button", "read"),
    [
        (
            "SRT",
            lambda path: [(c.start, c.end, c.plaintext) for c in pysubs2.load(str(path))],
        ),
        (
            "WebVTT",
            lambda path: [
                (c.start_time.in_milliseconds(), c.end_time.in_milliseconds(), c.text)
                for c in webvtt.read(str(path)).captions
            ],
        ),
    ],
)
def test_subtitles_are_what_other_programs_read(
    read_page: Page,
    tmp_path: Path,
    button: str,
    read: Callable[[Path], list[tuple[int, int, str]]],
) -> None:
    cues = read(saved(read_page, button, tmp_path))
    said = " ".join(read_page.locator(".sentence span").all_text_contents())
    assert " ".join(text.replace("\n", " ") for _, _, text in cues) == said
    lines = [text.split("\n") for _, _, text in cues]
    assert all(len(one) <= 2 and max(map(len, one)) <= 42 for one in lines)
    assert all(end - start >= 1000 for start, end, _ in cues)
    starts = [start / 1000 for start, _, _ in cues]
    for shown in times(read_page):
        assert min(abs(start - shown) for start in starts) <= 0.1


@pytest.mark.long
def test_subtitles_that_the_server_does_not_make_are_told_and_the_text_is_still_there(
    pages: Watched, own_server: Callable[..., ThreadServer], tmp_path: Path
) -> None:
    pages.expect("ERR_CONNECTION_REFUSED")
    server = own_server()
    page = pages.open(server.url)
    drop(page, recordings.load("question").path)
    expect_status(page, "Done. Press to speak again.")
    server.end()
    press(page, "Save")
    page.get_by_role("menuitem", name="SRT").click()
    expect(page.locator(".notice")).to_contain_text("see that it runs, then save again")
    assert saved(page, "Text one", tmp_path).read_text("utf-8").strip()
    server.start()
    assert "-->" in saved(page, "SRT", tmp_path).read_text("utf-8")
    expect(page.locator(".notice")).to_have_count(0)


def test_json_has_the_segments_with_their_words(read_page: Page, tmp_path: Path) -> None:
    document = json.loads(saved(read_page, "JSON", tmp_path).read_text("utf-8"))
    (recording,) = document["recordings"]
    assert recording["name"] == "demo.flac"
    for segment in recording["segments"]:
        assert segment["start_time"] < segment["end_time"]
        assert 0 <= segment["score"] <= 1
        assert [word["word"] for word in segment["word_info"]]
        assert segment["word_info"][0]["start_time"] == segment["start_time"]


@pytest.mark.long
def test_each_recording_has_its_name_and_a_clock_of_its_own(
    read_page: Page, tmp_path: Path
) -> None:
    drop(read_page, recordings.load("question").path)
    expect_count(read_page, ".sentence", 5)
    expect_status(read_page, "Done. Press to speak again.")
    headings = read_page.locator("#finals h2")
    expect(headings).to_have_text(
        [re.compile(r"^demo\.flac \d"), re.compile(r"^question\.flac \d")]
    )
    shown = times(read_page)
    assert shown[:4] == sorted(shown[:4])
    assert shown[4] < 1
    # Subtitles belong to one recording each.
    path = saved(read_page, "WebVTT", tmp_path)
    assert re.fullmatch(r"rasr-[-\dT]+-vtt\.zip", path.name)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["demo.vtt", "question.vtt"]
        cues = webvtt.from_string(archive.read("question.vtt").decode()).captions
    assert cues[0].start_time.in_milliseconds() < 1000
    text = saved(read_page, "Text one", tmp_path).read_text("utf-8")
    assert re.findall(r"^(.*\.flac)\n\n", text, re.M) == ["demo.flac", "question.flac"]


@pytest.mark.long
def test_the_text_is_copied(read_page: Page) -> None:
    with glimpse(read_page, told("#copy", "Copied")):
        press(read_page, "Copy")
    copied = read_page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines() == read_page.locator(".sentence span").all_text_contents()


def test_a_sentence_is_heard_again_when_it_is_chosen(read_page: Page) -> None:
    sentence = read_page.locator(".sentence").first
    with glimpse(read_page, PLAYING):
        sentence.click()
    expect(sentence).to_have_class("sentence")
    with glimpse(read_page, PLAYING):
        sentence.click()
    sentence.click()
    expect(sentence).to_have_class("sentence")


def test_what_is_no_sound_is_told(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    drop(page, Path("letter.pdf"), b"no sound at all")
    expect(page.get_by_role("alert")).to_contain_text(
        "letter.pdf cannot be read as sound.Browsers read WAV, MP3, FLAC"
    )
