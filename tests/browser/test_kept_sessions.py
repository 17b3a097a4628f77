"""Sessions that a browser keeps: written as they are said, there after a crash, forgotten."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error, Locator, Page, expect

from bench import recordings
from tests.browser.conftest import Watched, picture, serious
from tests.browser.script import Said, Script
from tests.browser.server import Server
from tests.browser.test_recordings import drop
from tests.browser.test_speaking import press
from tests.browser.test_transcript import correct, heard, questions, texts
from tests.browser.waiting import PATIENCE_MS, PLAYING, expect_count, expect_status, glimpse, soon
from tests.longer import mostly_long

FIRST = Said("Good morning everybody.", 200)
SECOND = Said("Doctor Kaelith will speak.", 3500)
DONE = "Done. Press to speak again."

_KEPT = """
(names) => new Promise((resolve, reject) => {
  const request = indexedDB.open("rasr-sessions");
  request.onerror = reject;
  request.onsuccess = () => {
    const transaction = request.result.transaction(names);
    const counts = {};
    for (const name of names) {
      transaction.objectStore(name).count().onsuccess = ({target}) => counts[name] = target.result;
    }
    transaction.oncomplete = () => { request.result.close(); resolve(counts); };
  };
})
"""
"""How many entries of each kind the browser has."""
_UNTIL_KEPT = f"""
async ([kind, count, milliseconds]) => {{
  const until = performance.now() + milliseconds;
  while ((await ({_KEPT})([kind]))[kind] !== count && performance.now() < until) {{
    await new Promise((resolve) => setTimeout(resolve, 20));
  }}
}}
"""
_NO_STORAGE = """
IDBFactory.prototype.open = () => { throw new DOMException("no", "InvalidStateError"); };
"""
_FULL = """
(store) => {
  window.isFull = true;
  const add = IDBObjectStore.prototype.add, put = IDBObjectStore.prototype.put;
  const full = (original) => function (...values) {
    if (this.name === store && window.isFull) throw new DOMException("full", "QuotaExceededError");
    return original.apply(this, values);
  };
  IDBObjectStore.prototype.add = full(add);
  IDBObjectStore.prototype.put = full(put);
}
"""

_ASKS = """
() => {
  const leave = new Event("beforeunload", {cancelable: true});
  window.dispatchEvent(leave);
  return leave.defaultPrevented;
}
"""
"""Whether a person is asked before the page is left."""
_DELETE = """
() => new Promise((resolve) => {
  const request = indexedDB.deleteDatabase("rasr-sessions");
  request.onsuccess = () => resolve("deleted");
  request.onblocked = () => resolve("blocked");
})
"""


def keep(page: Page, *, sound: bool = False) -> None:
    press(page, "Past sessions")
    page.get_by_label("Keep sessions in this browser").check()
    expect(page.get_by_label("Keep the sound too")).to_be_enabled()
    if sound:
        page.get_by_label("Keep the sound too").check()
    press(page, "Close")


def read(page: Page, path: Path) -> None:
    drop(page, path)
    expect_status(page, DONE)


def speaking(pages: Watched, server: Server, script: Script, *, sound: bool = False) -> Page:
    """Somebody whose sessions are kept has said the first sentence, and goes on."""
    page = pages.open(server.url, prepare=script.attach)
    keep(page, sound=sound)
    press(page, "Start")
    expect_count(page, ".sentence", 1)
    expect_kept(page, "segments", 1)
    return page


def kept(page: Page) -> dict[str, int]:
    counts: dict[str, int] = page.evaluate(_KEPT, ["sessions", "takes", "segments", "sound"])
    return counts


def expect_kept(page: Page, kind: str, count: int) -> None:
    page.evaluate(_UNTIL_KEPT, [kind, count, PATIENCE_MS])
    assert kept(page)[kind] == count


def expect_safe(page: Page) -> None:
    """Wait until all of the text is written: then nobody is asked before the page is left."""
    soon(page, f"() => !({_ASKS})()")


def another(page: Page, server: Server) -> Page:
    """A page of the same browser."""
    opened = page.context.new_page()
    opened.goto(server.url)
    return opened


def listed(page: Page, number: int = 0) -> Locator:
    """A session in the list, the newest one first."""
    press(page, "Past sessions")
    return page.locator("#kept-sessions li").nth(number)


def forget_all(page: Page) -> None:
    """In the open list."""
    press(page, "Forget all")
    press(page, "Forget")
    expect(page.get_by_text("There are none.")).to_be_visible()


def test_nothing_is_kept_unless_a_person_chooses_so(pages: Watched, fake: Server) -> None:
    page = heard(pages, fake, Script(FIRST))
    press(page, "Past sessions")
    expect(page.get_by_text("There are none.")).to_be_visible()
    expect(page.get_by_label("Keep sessions in this browser")).not_to_be_checked()
    expect(page.get_by_label("Keep the sound too")).to_be_disabled()
    assert serious(page) == []
    picture(page, "kept-none")
    # Nor does to have looked leave anything behind.
    assert page.evaluate("indexedDB.databases()") == []
    assert page.evaluate("Object.keys(localStorage)") == []


def crash(page: Page) -> None:
    """End the process of a page, as the kernel does where memory ends."""
    with page.expect_event("crash"):
        with suppress(Error):
            page.goto("chrome://crash")


def test_a_crash_loses_nothing_that_was_final(pages: Watched, fake: Server) -> None:
    script = Script(FIRST)
    page = speaking(pages, fake, script)
    script.say(SECOND)
    expect_count(page, ".sentence", 2)
    expect_kept(page, "segments", 2)
    crash(page)
    later = another(page, fake)
    row = listed(later)
    expect(row).to_contain_text("Good morning everybody.")
    expect(row).to_contain_text("Sentences: 2")
    row.get_by_role("button", name="Show").click()
    expect_count(later, ".sentence", 2)
    assert texts(later) == [FIRST.text, SECOND.text]
    expect(later.locator("#finals h2")).to_contain_text("Microphone")
    later.locator(".sentence .play").first.click()
    expect(later.locator("#done-text")).to_have_text("There is no sound with this text.")


def test_what_is_kept_is_left_unasked_and_heard_again_with_its_corrections(
    pages: Watched, fake: Server
) -> None:
    page = heard(pages, fake, Script(FIRST, SECOND))
    # What is there already is kept from the moment of the choice.
    keep(page, sound=True)
    correct(page, 1, "Doctor Keller will speak.")
    expect_kept(page, "segments", 2)
    read(page, recordings.load("question").path)
    expect_kept(page, "takes", 2)
    expect_safe(page)
    asked = questions(page)
    page.reload()
    assert asked == []
    row = listed(page)
    row.get_by_role("button", name="Show").click()
    expect_count(page, ".sentence", 4)
    assert texts(page)[:2] == [FIRST.text, "Doctor Keller will speak."]
    expect(page.locator(".sentence").first).to_be_focused()
    with glimpse(page, PLAYING):
        page.keyboard.press("Space")
    # It goes on where it was: a correction is kept in the same session.
    correct(page, 1, SECOND.text)
    read(page, recordings.load("question").path)
    expect_kept(page, "takes", 3)
    assert kept(page)["sessions"] == 1
    expect_safe(page)
    page.reload()
    assert asked == []
    listed(page).get_by_role("button", name="Show").click()
    expect_count(page, ".sentence", 6)
    assert texts(page)[1] == SECOND.text


def test_past_sessions_are_renamed_saved_and_forgotten(
    pages: Watched, fake: Server, tmp_path: Path
) -> None:
    page = heard(pages, fake, Script(FIRST, SECOND))
    keep(page, sound=True)
    expect_kept(page, "segments", 2)
    press(page, "Clear")
    expect(page.locator("#done-text")).to_contain_text("still among the past sessions")
    read(page, recordings.load("question").path)
    expect_kept(page, "sessions", 2)
    press(page, "Past sessions")
    rows = page.locator("#kept-sessions li")
    expect(rows.first).to_contain_text("on the page now")
    old = rows.nth(1)
    old.get_by_role("button", name="Rename").click()
    page.get_by_label("Name of the session").fill("Monday")
    page.keyboard.press("Enter")
    expect(rows.nth(1).locator("strong")).to_have_text("Monday")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert serious(page) == []
    picture(page, "kept-sessions")
    rows.nth(1).get_by_role("button", name="Save").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="JSON").click()
    path = tmp_path / "kept.json"
    download.value.save_as(path)
    (recording,) = json.loads(path.read_text("utf-8"))["recordings"]
    assert [one["text"] for one in recording["segments"]] == [FIRST.text, SECOND.text]
    rows.nth(1).get_by_role("button", name="Forget: Monday").click()
    expect(page.get_by_role("button", name="Keep", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    assert kept(page)["sessions"] == 2
    rows.nth(1).get_by_role("button", name="Forget: Monday").click()
    picture(page, "kept-forget")
    press(page, "Forget")
    expect(rows).to_have_count(1)
    assert kept(page)["segments"] == 2
    forget_all(page)
    assert kept(page) == {"sessions": 0, "takes": 0, "segments": 0, "sound": 0}
    expect(page.locator("#kept-size")).to_be_hidden()


@pytest.mark.long
def test_a_session_that_another_tab_forgets_is_written_no_more(
    pages: Watched, fake: Server
) -> None:
    script = Script(FIRST)
    page = speaking(pages, fake, script)
    other = another(page, fake)
    press(other, "Past sessions")
    forget_all(other)
    script.say(SECOND)
    expect(page.locator("#done-text")).to_contain_text("This session was forgotten")
    assert kept(page) == {"sessions": 0, "takes": 0, "segments": 0, "sound": 0}
    assert texts(page) == [FIRST.text, SECOND.text]
    dialogs = questions(page)
    page.reload()
    assert dialogs == ["beforeunload"]


@pytest.mark.long
def test_a_text_that_was_on_the_page_comes_back_when_another_one_was_shown(
    pages: Watched, fake: Server
) -> None:
    page = heard(pages, fake, Script(FIRST))
    keep(page)
    expect_kept(page, "sessions", 1)
    press(page, "Clear")
    read(page, recordings.load("question").path)
    expect_kept(page, "sessions", 2)
    correct(page, 0, "Another text.")
    listed(page, 1).get_by_role("button", name="Show").click()
    expect(page.locator("#done-text")).to_have_text("The text is cleared.")
    assert texts(page) == [FIRST.text]
    press(page, "Undo")
    assert texts(page) == ["Another text."]
    press(page, "Undo")
    assert texts(page) == [FIRST.text]
    assert kept(page)["sessions"] == 2


@pytest.mark.long
def test_a_session_is_shown_while_the_search_has_found_something(
    pages: Watched, fake: Server
) -> None:
    page = heard(pages, fake, Script(FIRST))
    keep(page)
    correct(page, 0, "Good evening.")
    expect_kept(page, "segments", 1)
    press(page, "Search")
    page.get_by_role("searchbox", name="Search in the text").fill("good")
    expect(page.locator("#find-count")).to_have_text("1 of 1")
    listed(page).get_by_role("button", name="Show").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert texts(page) == ["Good evening."]
    expect(page.locator("#done-text")).to_have_text("The text is cleared.")


@pytest.mark.parametrize(
    "still", mostly_long([False, True], False), ids=["keeping is off", "only text is kept"]
)
def test_a_session_that_was_shown_after_clearing_stays_kept_when_that_is_undone(
    pages: Watched, fake: Server, still: bool
) -> None:
    page = heard(pages, fake, Script(FIRST, SECOND))
    keep(page, sound=True)
    expect_kept(page, "segments", 2)
    # 14 s in pieces of 5 s.
    expect_kept(page, "sound", 3)
    page.reload()
    press(page, "Past sessions")
    page.get_by_label("Keep the sound too").uncheck()
    if not still:
        page.get_by_label("Keep sessions in this browser").uncheck()
    press(page, "Close")
    read(page, recordings.load("question").path)
    said = texts(page)
    if still:
        expect_kept(page, "sessions", 2)
        expect_safe(page)
    before = kept(page)
    press(page, "Clear")
    listed(page, int(still)).get_by_role("button", name="Show").click()
    expect_count(page, ".sentence", 2)
    assert texts(page) == [FIRST.text, SECOND.text]
    page.locator("#past").focus()
    page.keyboard.press("Control+z")
    assert texts(page) == said
    # All that is to be written is, once something else was.
    correct(page, 0, "Another text.")
    if still:
        expect_safe(page)
    page.locator("#past").click()
    expect(page.locator("#kept-sessions li")).to_have_count(before["sessions"])
    expect(page.locator("#kept-sessions li").last).to_contain_text("Sentences: 2")
    assert kept(page) == before
    press(page, "Close")
    for there in (said, [FIRST.text, SECOND.text]):
        page.locator("#past").focus()
        page.keyboard.press("Control+z")
        assert texts(page) == there


@pytest.mark.long
def test_what_is_said_while_a_past_session_is_shown_comes_along_when_that_is_undone(
    pages: Watched, fake: Server
) -> None:
    script = Script(FIRST)
    page = pages.open(fake.url, prepare=script.attach)
    keep(page)
    read(page, recordings.load_demo().path)
    expect_kept(page, "segments", 1)
    page.reload()
    press(page, "Start")
    expect_count(page, ".sentence", 1)
    expect_kept(page, "sessions", 2)
    listed(page, 1).get_by_role("button", name="Show").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    script.say(SECOND)
    expect_count(page, ".sentence", 2)
    expect_kept(page, "segments", 3)
    press(page, "Undo")
    assert texts(page) == [FIRST.text, SECOND.text]
    script.say(Said("Once more.", 6000))
    expect_count(page, ".sentence", 3)
    press(page, "Stop")
    expect_status(page, DONE)
    # They are in one session, and the other one is as it was.
    expect_kept(page, "takes", 2)
    expect_kept(page, "segments", 4)
    row = listed(page, 1)
    expect(row).to_contain_text("Sentences: 1")
    row.get_by_role("button", name="Show").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert texts(page) == [FIRST.text]


@pytest.mark.long
def test_a_browser_that_keeps_nothing_is_told(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, prepare=lambda page: page.add_init_script(_NO_STORAGE))
    press(page, "Past sessions")
    page.get_by_label("Keep sessions in this browser").click()
    expect(page.get_by_role("alert")).to_contain_text("A private window may be the reason")
    expect(page.get_by_label("Keep sessions in this browser")).not_to_be_checked()
    assert serious(page) == []
    picture(page, "kept-unavailable")


def test_a_disk_that_is_full_is_told_and_the_text_is_not_left_unasked(
    pages: Watched, fake: Server
) -> None:
    script = Script(FIRST)
    page = speaking(pages, fake, script, sound=True)
    page.evaluate(_FULL, "sound")
    script.say(SECOND)
    expect(page.locator("#done-text")).to_contain_text("no more room for sound")
    expect_kept(page, "segments", 2)
    page.evaluate(_FULL, "segments")
    script.say(Said("Once more.", 6000))
    expect(page.locator("#done-text")).to_contain_text("Save it as a file")
    dialogs = questions(page)
    page.reload()
    assert dialogs == ["beforeunload"]


@pytest.mark.long
def test_what_a_full_disk_had_no_room_for_is_kept_once_there_is_room(
    pages: Watched, fake: Server
) -> None:
    script = Script(FIRST)
    page = speaking(pages, fake, script)
    page.evaluate(_FULL, "segments")
    script.say(SECOND)
    expect(page.locator("#done-text")).to_contain_text("Save it as a file")
    page.evaluate("isFull = false")
    script.say(Said("Once more.", 6000))
    expect_kept(page, "segments", 3)
    expect_safe(page)
    said = texts(page)
    asked = questions(page)
    page.reload()
    assert asked == []
    listed(page).get_by_role("button", name="Show").click()
    expect_count(page, ".sentence", 3)
    assert texts(page) == said


@pytest.mark.long
def test_a_text_whose_session_is_forgotten_here_is_not_left_unasked_and_can_be_kept_anew(
    pages: Watched, fake: Server
) -> None:
    page = heard(pages, fake, Script(FIRST, SECOND))
    keep(page)
    expect_kept(page, "segments", 2)
    press(page, "Past sessions")
    forget_all(page)
    expect(page.locator("#done-text")).to_contain_text("This session was forgotten")
    assert page.evaluate(_ASKS)
    page.get_by_label("Keep sessions in this browser").uncheck()
    page.get_by_label("Keep sessions in this browser").check()
    expect(page.locator("#kept-sessions li")).to_have_count(1)
    expect_kept(page, "segments", 2)
    expect_safe(page)
    # Also one that is forgotten while its text is cleared.
    press(page, "Close")
    press(page, "Clear")
    press(page, "Past sessions")
    forget_all(page)
    press(page, "Close")
    page.locator("#past").focus()
    page.keyboard.press("Control+z")
    assert texts(page) == [FIRST.text, SECOND.text]
    expect(page.locator("#done-text")).to_contain_text("This session was forgotten")
    assert page.evaluate(_ASKS)


@pytest.mark.long
def test_what_is_said_after_all_data_was_deleted_elsewhere_is_kept(
    pages: Watched, fake: Server
) -> None:
    page = heard(pages, fake, Script(FIRST))
    keep(page)
    expect_kept(page, "segments", 1)
    assert another(page, fake).evaluate(_DELETE) == "deleted"
    expect(page.locator("#done-text")).to_contain_text("This session was forgotten")
    assert page.evaluate(_ASKS)
    press(page, "Clear")
    read(page, recordings.load_demo().path)
    expect_kept(page, "segments", 1)
    expect_safe(page)


def test_the_oldest_sound_is_given_up_first_and_no_text(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    left = page.evaluate(
        """async () => {
          const {SessionStore} = await import("/page/session_store.js");
          const store = await SessionStore.open();
          const segment = {start_time: 0, end_time: 1, is_final: true, result: {text: "a"}};
          for (const id of ["old", "new"]) {
            const traits = {name: "", opening: "", startedAt: 0, updatedAt: 0, sentences: 0};
            await store.begin({id, ...traits});
            await store.putTake(id, {id: "t", name: "n", rate: 16000, startedAt: 0});
            await store.putSegments(id, "t", new Map([[0, segment]]));
            for (const first of [0, 100, 200]) {
              await store.putSound(id, "t", first, new Int16Array(100).fill(first), 800);
            }
          }
          const left = async (id) => (await store.load(id)).takes.map(({segments, sound}) =>
            [segments.length, sound.map(({firstSample}) => firstSample)]);
          const told = [await left("old"), await left("new"), await store.soundBytes()];
          await store.forget("new");
          return [...told, await store.soundBytes(), await left("old")];
        }"""
    )
    assert left == [[[1, [200]]], [[1, [0, 100, 200]]], 800, 200, [[1, [200]]]]
