"""What a person does with the text: save, clear and undo, correct, search, hear again, leave."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Dialog, Page, expect

from bench import recordings
from tests.browser.conftest import Watched, picture, serious
from tests.browser.script import WORD_MS, Said, Script
from tests.browser.server import Server
from tests.browser.test_access import SMALL
from tests.browser.test_recordings import drop, saved
from tests.browser.test_speaking import press
from tests.browser.waiting import (
    PATIENCE_MS,
    PLAYING,
    expect_count,
    expect_status,
    glimpse,
    soon,
    told,
)
from tests.longer import mostly_long

FIRST = Said("Good morning everybody, and welcome.", 200, frozenset({3}))
SECOND = Said("Doctor Kaelith from uzbek will speak.", 3500, frozenset({1, 3}))
THIRD = Said("=SUM(A1) is no formula, 谢谢。", 8000, score=0.25)
_HELD_SOUND = """
() => {
  window.heardS = 0;
  Object.defineProperty(BaseAudioContext.prototype, "currentTime", {get: () => window.heardS});
  Object.defineProperty(AudioContext.prototype, "outputLatency", {get: () => 0});
  AudioBufferSourceNode.prototype.start = function () { window.source = this; };
}
"""
"""Sound goes on as the test says, and ends when it says so."""
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture
def script() -> Script:
    return Script(FIRST, SECOND, THIRD)


@pytest.fixture
def page(pages: Watched, fake: Server, script: Script) -> Page:
    """Three sentences of a recording of 14 s."""
    return heard(pages, fake, script)


def heard(pages: Watched, fake: Server, script: Script) -> Page:
    return dropped(pages.open(fake.url, prepare=script.attach))


def dropped(page: Page) -> Page:
    """`page`, once it has read a recording of 14 s."""
    drop(page, recordings.load_demo().path)
    expect_status(page, done(page))
    return page


def done(page: Page) -> str:
    is_english = page.locator("html").get_attribute("lang") == "en"
    return "Done. Press to speak again." if is_english else "完成。按下按钮可再次说话。"


def texts(page: Page) -> list[str]:
    return page.locator(".sentence .words").all_text_contents()


def sentence(page: Page, number: int) -> str:
    return f".sentence >> nth={number}"


def test_the_menu_is_there_with_the_first_final_and_used_by_keyboard_alone(
    pages: Watched, fake: Server, script: Script
) -> None:
    page = pages.open(fake.url)
    expect(page.locator("#save")).to_be_hidden()
    page = heard(pages, fake, script)
    button = page.get_by_role("button", name="Save", exact=True)
    button.focus()
    page.keyboard.press("ArrowDown")
    items = page.get_by_role("menuitem")
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(items.first).to_be_focused()
    assert serious(page) == []
    picture(page, "save-menu")
    page.keyboard.press("ArrowUp")
    expect(items.last).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(items.first).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("s")
    expect(items.nth(1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(items).to_have_count(0)
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(items).to_have_count(0)
    expect(page.locator("#copy")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".txt")
    expect(button).to_be_focused()


@pytest.mark.long
def test_the_buttons_stay_in_sight(pages: Watched, fake: Server) -> None:
    said = [Said(f"This is sentence number {n}.", 400 * n) for n in range(40)]
    page = heard(pages, fake, Script(*said))
    # A page follows its text with the next frame.
    soon(page, "() => scrollY > 500")
    expect(page.locator("#save")).to_be_in_viewport(ratio=1)
    expect(page.locator("#clear")).to_be_in_viewport(ratio=1)


@pytest.mark.long
def test_a_table_has_each_sentence_with_its_times_and_no_formula(
    page: Page, tmp_path: Path
) -> None:
    content = saved(page, "CSV", tmp_path).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert head == ["Start", "End", "Recording", "Text", "Score"]
    assert rows[0] == ["0:00:00.200", "0:00:01.700", "demo.flac", FIRST.text, "0.9"]
    assert rows[2][3:] == [f"'{THIRD.text}", "0.25"]


def test_a_workbook_has_each_sentence_as_text_and_its_times_as_times(
    page: Page, tmp_path: Path
) -> None:
    with zipfile.ZipFile(saved(page, "Excel", tmp_path)) as archive:
        assert archive.testzip() is None
        parts = {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert not list(sheet.iter(f"{SHEET}f"))
    rows = [
        ["".join(cell.itertext()) for cell in row.iter(f"{SHEET}c")]
        for row in sheet.iter(f"{SHEET}row")
    ]
    assert rows[0] == ["Start", "End", "Recording", "Text", "Score"]
    assert [row[3] for row in rows[1:]] == [FIRST.text, SECOND.text, THIRD.text]
    assert float(rows[2][0]) * 86_400_000 == pytest.approx(SECOND.start_ms)
    assert rows[3][4] == "0.25"


def test_what_is_cleared_comes_back(page: Page) -> None:
    # With Caps Lock on the key is a capital letter.
    for way in ("button", "Control+z", "Control+Z"):
        press(page, "Clear")
        expect(page.locator("body")).to_have_class("blank")
        expect_count(page, ".sentence", 0)
        expect(page.get_by_role("button", name="Undo")).to_be_focused()
        expect(page.locator("#done-text")).to_have_text("The text is cleared.")
        assert serious(page) == []
        picture(page, "cleared")
        if way == "button":
            press(page, "Undo")
        else:
            page.keyboard.press(way)
        assert texts(page) == [FIRST.text, SECOND.text, THIRD.text]
    with glimpse(page, PLAYING):
        page.locator(sentence(page, 0)).get_by_role("button", name="Play").click()


def test_what_was_cleared_is_gone_after_two_minutes(
    pages: Watched, fake: Server, script: Script
) -> None:
    def prepare(page: Page) -> None:
        page.clock.install(time=0)
        script.attach(page)

    page = pages.open(fake.url, prepare=prepare)
    drop(page, recordings.load_demo().path)
    expect_status(page, done(page))
    # Far behind what all that has taken; from now on it is as late as the test says.
    page.clock.pause_at(1000 * PATIENCE_MS)
    press(page, "Clear")
    page.locator("#talk").focus()
    page.clock.run_for(119_000)
    expect(page.locator("#done")).to_be_visible()
    page.clock.run_for(2_000)
    expect(page.locator("#done")).to_be_hidden()
    page.keyboard.press("Control+z")
    expect(page.locator(".sentence")).to_have_count(0)


@pytest.mark.long
def test_what_is_said_after_clearing_is_a_text_of_its_own_until_undo(
    pages: Watched, fake: Server, script: Script, tmp_path: Path
) -> None:
    page = pages.open(fake.url, prepare=script.attach)
    press(page, "Start")
    expect_count(page, ".sentence", 3)
    press(page, "Clear")
    script.say(Said("Once more.", 12_000))
    expect_count(page, ".sentence", 1)
    assert saved(page, "Text", tmp_path).read_text("utf-8") == "Once more.\n"
    press(page, "Undo")
    assert texts(page) == [FIRST.text, SECOND.text, THIRD.text, "Once more."]
    press(page, "Stop")
    expect_status(page, done(page))
    assert len(saved(page, "Text", tmp_path).read_text("utf-8").splitlines()) == 4


@pytest.mark.parametrize("by_key", mostly_long([False, True], True), ids=["button", "keyboard"])
def test_what_is_cleared_while_the_search_has_found_something_comes_back(
    page: Page, by_key: bool
) -> None:
    page.keyboard.press("Control+f")
    page.get_by_role("searchbox", name="Search in the text").fill("doctor")
    expect(page.locator("#find-count")).to_have_text("1 of 1")
    press(page, "Clear")
    expect_count(page, ".sentence", 0)
    expect(page.locator("#find")).to_be_hidden()
    if by_key:
        page.locator("#past").focus()
        page.keyboard.press("Control+z")
    else:
        press(page, "Undo")
    assert texts(page) == [FIRST.text, SECOND.text, THIRD.text]
    expect(page.locator("mark")).to_have_count(0)


def questions(page: Page) -> list[str]:
    """What the page asks from now on; each is answered with yes."""
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    return asked


def test_a_page_with_unsaved_text_is_not_left_unasked(page: Page, tmp_path: Path) -> None:
    asked = questions(page)
    page.reload()
    assert asked == ["beforeunload"]
    page.reload()
    assert asked == ["beforeunload"], "nothing is there to be lost"
    drop(page, recordings.load_demo().path)
    expect_status(page, done(page))
    saved(page, "JSON", tmp_path)
    page.reload()
    assert asked == ["beforeunload"], "a file has it"
    drop(page, recordings.load_demo().path)
    expect_status(page, done(page))
    saved(page, "JSON", tmp_path)
    correct(page, 0, "Changed.")
    page.reload()
    assert asked == 2 * ["beforeunload"], "the file has an older text"


def correct(page: Page, number: int, text: str, end: str = "Enter") -> None:
    page.locator(".sentence").nth(number).focus()
    page.keyboard.press("Enter")
    field = page.get_by_label("Correct the sentence")
    expect(field).to_be_focused()
    field.fill(text)
    page.keyboard.press(end)


def test_a_sentence_is_corrected_in_its_place_and_every_file_has_it(
    page: Page, tmp_path: Path
) -> None:
    row = page.locator(".sentence").nth(1)
    row.locator("data").nth(1).dblclick()
    field = page.get_by_label("Correct the sentence")
    expect(field).to_have_value(SECOND.text)
    assert serious(page) == []
    picture(page, "correcting")
    field.fill("nothing of this")
    page.keyboard.press("Escape")
    assert texts(page)[1] == SECOND.text
    expect(row).to_be_focused()
    page.keyboard.press("F2")
    field.fill("Doctor Keller from\nthe Uzbek institute will speak.")
    page.keyboard.press("Enter")
    fixed = "Doctor Keller from the Uzbek institute will speak."
    assert texts(page)[1] == fixed
    expect(row).to_be_focused()
    expect(row).to_have_attribute("aria-description", "Corrected.")
    picture(page, "corrected")
    for kind in ("Text", "CSV", "JSON"):
        assert fixed in saved(page, kind, tmp_path).read_text("utf-8")
    content = json.loads(saved(page, "JSON", tmp_path).read_text("utf-8"))
    segment = content["recordings"][0]["segments"][1]
    assert segment["original"]["text"] == SECOND.text
    times = {one["word"]: (one["start_time"], one["end_time"]) for one in segment["word_info"]}
    assert times["Keller"] == (3500 + WORD_MS, 3500 + 2 * WORD_MS)
    assert times["speak."] == (3500 + 5 * WORD_MS, 3500 + 6 * WORD_MS)
    # What is put in has a share of the word before it.
    assert (times["from"][0], times["the"][1]) == (3500 + 2 * WORD_MS, 3500 + 3 * WORD_MS)
    assert (times["Uzbek"][0], times["institute"][1]) == (3500 + 3 * WORD_MS, 3500 + 4 * WORD_MS)
    subtitles = saved(page, "SRT", tmp_path).read_text("utf-8")
    assert fixed in " ".join(subtitles.split())
    # Also when it was cleared meanwhile: what was done last is undone first.
    press(page, "Clear")
    for there in (fixed, SECOND.text):
        page.locator("#past").focus()
        page.keyboard.press("Control+z")
        assert texts(page)[1] == there


def test_a_final_that_comes_while_a_sentence_is_corrected_disturbs_nothing(
    pages: Watched, fake: Server, script: Script
) -> None:
    page = pages.open(fake.url, prepare=script.attach)
    press(page, "Start")
    expect_count(page, ".sentence", 3)
    page.locator(".sentence").first.focus()
    page.keyboard.press("F2")
    page.keyboard.type(" And")
    script.say(Said("Once more.", 12_000))
    expect_count(page, ".sentence", 4)
    expect(page.get_by_label("Correct the sentence")).to_be_focused()
    page.keyboard.type(" hello.")
    # What an input method takes for a character ends nothing.
    page.keyboard.press("Enter")
    assert texts(page)[0] == f"{FIRST.text} And hello."
    expect(page.get_by_role("log")).to_have_text("Once more.")


@pytest.mark.long
def test_enter_of_an_input_method_does_not_end_a_correction(page: Page) -> None:
    page.locator(".sentence").first.focus()
    page.keyboard.press("F2")
    field = page.get_by_label("Correct the sentence")
    composing = {"key": "Enter", "isComposing": True, "bubbles": True, "cancelable": True}
    field.dispatch_event("keydown", composing)
    expect(field).to_be_focused()


@pytest.mark.long
def test_unsure_words_are_told_to_everybody(page: Page) -> None:
    unsure = page.locator(".unsure")
    expect(unsure).to_have_text(["and", "Kaelith", "uzbek"])
    assert unsure.first.evaluate("one => getComputedStyle(one).textDecorationStyle") == "dotted"
    expect(page.locator("#legend")).to_contain_text("below 0.6")
    second = page.locator(".sentence").nth(1)
    expect(second).to_have_attribute("aria-description", "Not sure: Kaelith, uzbek.")
    assert page.locator(".sentence").nth(2).get_attribute("aria-description") is None


@pytest.mark.long
def test_a_legend_is_there_only_where_there_is_something_to_explain(
    pages: Watched, fake: Server
) -> None:
    page = heard(pages, fake, Script(THIRD))
    expect(page.locator("#legend")).to_be_hidden()


def test_a_word_is_heard_from_its_place_and_marked_while_it_is(page: Page) -> None:
    # Nobody looks at each word in time while the sound goes on by itself.
    page.evaluate(_HELD_SOUND)
    row = page.locator(".sentence").nth(1)
    row.locator("data", has_text="uzbek").click()
    expect(row).to_have_class("sentence playing")
    # What is played has a margin of 150 ms before the word and behind the sentence.
    assert page.evaluate("source.buffer.duration") == pytest.approx(3 * WORD_MS / 1000 + 0.3)
    for heard_s, word in ((0, "uzbek"), (0.5, "will"), (0.8, "speak.")):
        page.evaluate("seconds => { window.heardS = seconds; }", heard_s)
        expect(page.locator("data.said")).to_have_text(word)
    page.evaluate("source.onended()")
    expect(row).to_have_class("sentence")
    expect(page.locator("data.said")).to_have_count(0)


@pytest.mark.long
def test_words_are_chosen_and_heard_with_the_keyboard(page: Page) -> None:
    page.locator(".sentence").first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator("data.chosen")).to_have_text("everybody,")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("data.chosen")).to_have_text("morning")
    with glimpse(page, told("data.said", "morning")):
        page.keyboard.press("Space")
    page.keyboard.press("Space")
    expect(page.locator(".sentence").first).to_have_class("sentence")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".sentence").nth(1)).to_be_focused()
    expect(page.locator("data.chosen")).to_have_count(0)


@pytest.mark.long
def test_sound_that_is_not_kept_is_told(pages: Watched, fake: Server) -> None:
    # The page's sound is 14 s long: that of a later sentence it does not have.
    page = heard(pages, fake, Script(FIRST, Said("Much later.", 60_000)))
    page.locator(".sentence .play").nth(1).click()
    expect(page.locator("#done-text")).to_contain_text("the last hour")
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()
    expect(page.locator(".playing")).to_have_count(0)


def test_a_search_counts_jumps_and_plays(pages: Watched, fake: Server) -> None:
    said = [Said(f"Sentence {n} of the long talk.", 300 * n) for n in range(60)]
    page = heard(pages, fake, Script(FIRST, *said, Said("The ＴＡＬＫ is over.", 11_000)))
    page.keyboard.press("Control+f")
    field = page.get_by_role("searchbox", name="Search in the text")
    expect(field).to_be_focused()
    field.fill("talk")
    expect(page.locator("#find-count")).to_have_text("1 of 61")
    expect(page.locator("mark.current")).to_be_in_viewport()
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#find-count")).to_have_text("61 of 61")
    expect(page.locator("mark.current")).to_have_text("ＴＡＬＫ")
    expect(page.locator("mark.current")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#find-count")).to_have_text("2 of 61")
    assert serious(page) == []
    picture(page, "search")
    with glimpse(page, told(".playing mark.current", "talk")):
        press(page, "Play the sound there")
    field.fill("nowhere")
    expect(page.locator("#find-count")).to_have_text("Not found")
    expect(page.locator("mark")).to_have_count(0)
    field.fill("number")
    field.press("Escape")
    expect(page.locator("#find")).to_be_hidden()
    # With Caps Lock on the key is a capital letter.
    page.keyboard.press("Control+F")
    expect(field).to_be_focused()


@pytest.mark.long
def test_a_very_long_sentence_is_written_and_searched(page: Page) -> None:
    page.locator(".sentence").first.focus()
    page.keyboard.press("F2")
    field = page.get_by_label("Correct the sentence")
    field.fill("")
    page.keyboard.insert_text("ab " * 10_000)
    assert len(field.input_value()) == 20_000, "a page can show no book as one sentence"
    page.keyboard.press("Enter")
    press(page, "Search")
    page.get_by_role("searchbox", name="Search in the text").fill("b")
    # One more is in another sentence.
    expect(page.locator("#find-count")).to_have_text("1 of 6668")
    expect(page.locator(".sentence").first.locator("mark")).to_have_count(6667)


@pytest.mark.long
def test_a_search_marks_parts_of_words_and_what_stands_over_several(page: Page) -> None:
    press(page, "Search")
    field = page.get_by_role("searchbox", name="Search in the text")
    marks = page.locator(".sentence").first.locator("mark")
    for query, marked in (
        ("oo", ["oo"]),
        ("d", ["d", "d", "d"]),
        ("ing every", ["ing", " ", "every"]),
        ("y, and w", ["y,", " ", "and", " ", "w"]),
    ):
        field.fill(query)
        expect(marks.first).to_be_attached()
        assert marks.all_text_contents() == marked
    assert texts(page)[0] == FIRST.text


@pytest.mark.long
def test_a_search_knows_what_is_new_and_what_was_corrected(
    pages: Watched, fake: Server, script: Script
) -> None:
    page = pages.open(fake.url, prepare=script.attach)
    press(page, "Start")
    expect_count(page, ".sentence", 3)
    press(page, "Search")
    page.get_by_role("searchbox", name="Search in the text").fill("doctor")
    expect(page.locator("#find-count")).to_have_text("1 of 1")
    script.say(Said("The doctor speaks.", 12_000))
    expect(page.locator("#find-count")).to_have_text("1 of 2")
    correct(page, 0, "A doctor.")
    expect(page.locator("#find-count")).to_have_text("1 of 3")
    expect(page.locator(".sentence").first.locator("mark")).to_have_text("doctor")


@pytest.mark.long
def test_the_newest_text_is_followed_only_by_who_reads_its_end(
    pages: Watched, fake: Server
) -> None:
    script = Script(*[Said(f"This is sentence number {n}.", 400 * n) for n in range(40)])
    page = pages.open(fake.url, prepare=script.attach)
    press(page, "Start")
    expect_count(page, "#finals .sentence", 40)
    end = "() => scrollY + innerHeight > document.documentElement.scrollHeight - 5"
    soon(page, end)
    assert page.evaluate(end)
    script.say(Said("One more.", 17_000))
    expect(page.locator(".sentence").last).to_have_text(re.compile("One more"))
    soon(page, end)
    assert page.evaluate(end)
    # A page hears of a scroll with the next frame.
    frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    page.evaluate(f"async () => {{ scrollTo(0, 100); await {frames}; }}")
    script.say(Said("And one more.", 18_000))
    expect(page.get_by_role("log")).to_have_text("And one more.")
    assert page.evaluate("scrollY") == 100


@pytest.mark.parametrize("dark", mostly_long([False, True], True), ids=["light", "dark"])
def test_chinese_on_a_phone_is_heard_and_corrected_character_by_character(
    pages: Watched, fake: Server, dark: bool, tmp_path: Path
) -> None:
    said = "今天天汽很好。"
    script = Script(Said(said, 200, frozenset({3})))
    prepare = script.attach
    page = dropped(pages.open(fake.url, prepare=prepare, phone=True, dark=dark, locale="zh-CN"))
    row = page.locator(".sentence")
    expect(row.locator("data")).to_have_text(list(said[:-1]))
    expect(row).to_have_attribute("aria-description", "没有把握：汽。")
    picture(page, f"chinese-{'dark' if dark else 'light'}-phone-text")
    with glimpse(page, PLAYING):
        row.locator("data").nth(2).tap()
    row.get_by_role("button", name="更正").tap()
    page.get_by_label("更正这一句").fill("今天天气很好。")
    page.keyboard.press("Enter")
    content = json.loads(saved(page, "JSON", tmp_path, button="保存").read_text("utf-8"))
    (segment,) = content["recordings"][0]["segments"]
    times = {one["word"]: one["start_time"] for one in segment["word_info"]}
    assert times["气"] == 200 + 3 * WORD_MS
    page.get_by_role("button", name="查找").tap()
    page.get_by_role("searchbox", name="在文字中查找").fill("天气")
    expect(page.locator("#find-count")).to_have_text("1 / 1")
    # Nothing is too small for a finger, and nothing sticks out.
    assert page.evaluate(SMALL) == []
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture(page, f"chinese-{'dark' if dark else 'light'}-phone-search")
    press(page, "保存")
    assert page.evaluate(SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    press(page, "历史会话")
    page.get_by_label("在本浏览器中保存会话").check()
    expect(page.locator("#kept-sessions li")).to_have_count(1)
    assert page.evaluate(SMALL) == []
    assert serious(page) == []
    picture(page, f"chinese-{'dark' if dark else 'light'}-phone-kept")
