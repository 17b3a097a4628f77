"""The captions page: what viewers see while others speak, and when something goes wrong."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any, Literal

import av
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from bench import recordings
from rasr.captions.cues import Cue
from rasr.captions.event_stream import ChannelState, cue_event, state_event
from tests.browser.conftest import Watched, picture, serious
from tests.browser.server import Server, ThreadServer, speaking
from tests.browser.test_speaking import press
from tests.browser.waiting import expect_at_least, expect_count, expect_status, nothing_passes
from tests.browser.wire import wire_to
from tests.longer import mostly_long
from tests.server.audio import quiet, voiced

SENTENCE = voiced(1200) + quiet(900)
LOST = "The connection to the server was lost. Trying again …"

_KEEP_EVERY_SIGHT = """
window.sights = [];
document.addEventListener("DOMContentLoaded", () => {
  const captions = document.querySelector("#captions");
  const shown = document.querySelector("#window");
  new MutationObserver(() => {
    const bottom = shown.getBoundingClientRect().bottom;
    window.sights.push([...captions.querySelectorAll("#rows span")].map((one) => {
      const place = one.getBoundingClientRect();
      const cue = one.closest("p");
      return {
        word: `${cue.dataset.cue}:${[...cue.children].indexOf(one)}`, text: one.textContent,
        final: cue.dataset.final === "true", open: one.classList.contains("open"),
        left: place.left, rows: Math.round((bottom - place.top) / place.height),
      };
    }));
  }).observe(captions, {subtree: true, childList: true, attributes: true, characterData: true});
});
"""

_SHOWN_LINES = """
() => {
  const frame = document.querySelector("#window").getBoundingClientRect();
  const lines = new Map();
  for (const word of document.querySelectorAll("#captions:not(.quiet) #rows span")) {
    const { top, bottom } = word.getBoundingClientRect();
    if (bottom < frame.top + 1 || top > frame.bottom - 1) continue;
    const row = Math.round(top);
    lines.set(row, (lines.get(row) ?? "") + word.textContent);
  }
  return [...lines].sort(([a], [b]) => a - b).map(([, text]) => text.trim());
}
"""
"""What a viewer reads, line by line."""


def spoken(page: Page) -> list[str]:
    """What a screen reader has said."""
    return page.locator("#finals p").all_text_contents()


def shown(page: Page) -> list[str]:
    """The lines that a viewer reads."""
    return list(page.evaluate(_SHOWN_LINES))


def without_pauses() -> list[bytes]:
    """A long sentence in pieces of half a second."""
    demo = recordings.load_demo()
    parts = [demo.samples[16 * one.start_ms : 16 * one.end_ms] for one in demo.sentences]
    audio = np.concatenate(parts)
    return [audio[at : at + 8000].tobytes() for at in range(0, len(audio) - 8000, 8000)]


@pytest.mark.parametrize("phone", mostly_long([False, True], True), ids=["desk", "phone"])
def test_lines_roll_up_and_nothing_that_was_read_jumps(
    pages: Watched, fake: Server, phone: bool
) -> None:
    name = f"rolling-{phone}"
    page = pages.open(
        f"{fake.url}/captions/{name}?lines=3",
        phone=phone,
        prepare=lambda page: page.add_init_script(_KEEP_EVERY_SIGHT),
    )
    expect(page.locator("body")).to_have_attribute("data-state", "waiting")
    with speaking(fake, name) as speaker:
        for sentence in range(1, 3):
            speaker.say(quiet(300))
            for piece in without_pauses():
                speaker.grow(piece)
            speaker.say(quiet(900))
            speaker.finals(sentence)
    expect(page.locator("body")).to_have_attribute("data-state", "ended")
    sights: list[list[dict[str, Any]]] = page.evaluate("sights")
    assert sum(not word["final"] for sight in sights for word in sight) > 20
    assert any(word["open"] for sight in sights for word in sight)
    assert not any(word["open"] for sight in sights for word in sight if word["final"])
    settled: dict[str, dict[str, Any]] = {}
    for sight in sights:
        for word in sight:
            before = settled.get(word["word"])
            if before is not None:
                assert word["text"] == before["text"]
                assert abs(word["left"] - before["left"]) < 0.1, (before, word)
                assert word["rows"] >= before["rows"], (before, word)
        settled |= {word["word"]: word for word in sight if not word["open"]}
    assert len({word["rows"] for word in settled.values()}) > 3


def test_of_a_sentence_that_is_spoken_only_what_may_change_is_lighter(
    pages: Watched, fake: Server
) -> None:
    cue = Cue(
        0, 900, ("two words on one line", "and two below"), stable=len("two words on one line and")
    )
    told = state_event(ChannelState.LIVE, "abc") + cue_event(1, 1, cue, None)

    def prepare(page: Page) -> None:
        page.route(
            "**/captions/told/events",
            lambda route: route.fulfill(content_type="text/event-stream", body=told),
        )

    page = pages.open(f"{fake.url}/captions/told", prepare=prepare)
    expect(page.locator(".open")).to_have_text([" two", " below"])
    assert shown(page) == list(cue.lines)


_SHOW = """
async (texts) => {
  const { Rows } = await import("/captions/static/rows.js");
  const rows = new Rows(document.body);
  const words = () => [...document.querySelectorAll("p[data-cue='9'] span")];
  return texts.map(([text, stable]) => {
    const before = words();
    rows.show({ id: 9, text, stable, final: false });
    return words().filter((one) => !before.includes(one)).map((one) => one.textContent);
  });
}
"""


@pytest.mark.parametrize("motion", mostly_long(["no-preference", "reduce"], "no-preference"))
def test_new_words_alone_fade_in_and_not_for_who_wants_no_motion(
    pages: Watched, fake: Server, motion: Literal["no-preference", "reduce"]
) -> None:
    page = pages.open(f"{fake.url}/captions/fade/preview")
    page.emulate_media(reduced_motion=motion)
    texts = [("good", 0), ("good morning", 4), ("good evening all", 4), ("今天", 0), ("今天好", 2)]
    assert page.evaluate(_SHOW, texts) == [
        ["good"],
        [" morning"],
        [" evening", " all"],
        ["今", "天"],
        ["好"],
    ]
    name = {"no-preference": "appear", "reduce": "none"}[motion]
    assert style(page, "#rows span", "animationName") == name


@pytest.mark.parametrize("lines", mostly_long([2, 4], 2))
def test_lines_stand_in_one_box_that_is_nowhere_darker(
    pages: Watched, fake: Server, lines: int
) -> None:
    page = pages.open(f"{fake.url}/captions/box/preview?lines={lines}&box=000000c0")
    assert len(shown(page)) == lines
    box = page.locator("#box").bounding_box()
    assert box is not None
    alpha = pixels(page.screenshot(omit_background=True))[..., 3]
    # Left of the letters, below the round corner and above the other one.
    corner = 12
    left = round(box["x"]) + corner // 2
    top, bottom = round(box["y"]), round(box["y"] + box["height"])
    assert set(alpha[top + corner : bottom - corner, left].tolist()) == {0xC0}


_OBS = "window.obsstudio = { pluginVersion: '2.24.4' };"
"""What OBS gives to the pages of its browser sources."""


@pytest.mark.parametrize("phone", mostly_long([False, True], True), ids=["desk", "phone"])
def test_who_speaks_sees_that_others_can_read_along(
    pages: Watched, fake: Server, phone: bool
) -> None:
    page = pages.open(fake.url, phone=phone)
    sign, promise = page.locator("#channel"), page.locator("#promise")
    expect(sign).to_be_hidden()
    expect(promise).to_contain_text("stays in this page")
    press(page, "Settings")
    switch, channel = page.get_by_label("Live captions"), page.get_by_label("Channel")
    switch.check()
    channel.fill("sign")
    channel.blur()
    press(page, "Close")
    expect(sign).to_have_text("Live captions: channel sign Others can read along.")
    expect(promise).to_have_text(
        "Sound goes to this server only. Text goes to everybody who opens the channel of captions."
    )
    assert serious(page) == []
    picture(page, f"channel-{'phone' if phone else 'desk'}")
    press(page, "中文")
    expect(sign).to_have_text("实时字幕：频道 sign 别人可以同步阅读。")
    press(page, "English")
    press(page, "Start")
    expect_at_least(page, ".sentence", 1)
    picture(page, f"channel-speaking-{'phone' if phone else 'desk'}")
    with page.expect_popup() as popup:
        sign.get_by_role("link").click()
    expect(popup.value).to_have_url(f"{fake.url}/captions/sign")
    popup.value.close()
    # What is chosen now holds from the next start, and others read along until then.
    press(page, "Settings")
    switch.uncheck()
    press(page, "Close")
    expect(sign).to_be_visible()
    press(page, "Stop")
    expect(sign).to_be_hidden()


def nothing_is_seen(page: Page) -> bool:
    return not pixels(page.screenshot(omit_background=True))[..., 3].any()


def test_in_obs_nothing_but_captions_is_on_air(pages: Watched, fake: Server) -> None:
    pages.expect("Failed to load resource")

    def prepare(page: Page) -> None:
        page.add_init_script(_OBS)
        page.clock.install()

    with wire_to(fake) as wire:
        page = pages.open(f"{wire.url}/captions/air", prepare=prepare)
        expect(page.locator("body")).to_have_attribute("data-state", "waiting")
        page.mouse.move(300, 300)
        page.keyboard.press("Tab")
        assert nothing_is_seen(page)
        with speaking(fake, "air") as speaker:
            speaker.say(SENTENCE)
            (said,) = speaker.finals(1)
            expect_count(page, "#finals p", 1)
            assert shown(page) == [said]
            assert not nothing_is_seen(page)
        expect(page.locator("body")).to_have_attribute("data-state", "ended")
        page.clock.run_for(11_000)
        assert nothing_is_seen(page)
        wire.cut()
        expect(page.locator("body")).to_have_attribute("data-state", "lost")
        assert nothing_is_seen(page)
        wire.mend()


@pytest.mark.long
def test_who_wants_to_be_told_in_obs_is_told(pages: Watched, fake: Server) -> None:
    page = pages.open(
        f"{fake.url}/captions/told-on-air?status=yes",
        prepare=lambda page: page.add_init_script(_OBS),
    )
    expect_status(page, "Waiting for somebody to speak on “told-on-air” …")
    expect(page.locator("#status")).to_be_visible()
    expect(page.locator("#share")).to_be_hidden()


@pytest.mark.long
def test_in_a_frame_of_somebody_s_page_there_is_nothing_to_press_either(
    pages: Watched, fake: Server
) -> None:
    page = pages.open(f"{fake.url}/captions/framed/share")
    frame = page.frame_locator("#preview")
    expect(frame.locator("#rows p").first).to_be_attached()
    page.evaluate("document.querySelector('#preview').contentWindow.location = '../framed'")
    expect(frame.locator("body")).to_have_attribute("data-state", "waiting")
    expect(frame.locator("#status")).to_be_hidden()
    expect(frame.locator("#share")).to_be_hidden()


def test_who_was_cut_off_is_told_every_final_since_and_none_twice(
    pages: Watched, fake: Server
) -> None:
    pages.expect("Failed to load resource")
    with wire_to(fake) as wire:
        page = pages.open(f"{wire.url}/captions/cut?lines=8")
        with speaking(fake, "cut") as speaker:
            speaker.say(2 * SENTENCE)
            said = speaker.finals(2)
            expect_count(page, "#finals p", 2)
            wire.cut()
            expect_status(page, LOST)
            picture(page, "captions-lost")
            speaker.say(3 * SENTENCE)
            said = speaker.finals(5)
            assert spoken(page) == said[:2]
            wire.mend()
            expect_count(page, "#finals p", 5)
            expect_status(page, "")
            assert spoken(page) == said
            assert shown(page) == said
    assert re.findall(rb"Last-Event-ID: [0-9a-f]+-(\d+)", wire.sent) == [b"2"]


def test_who_was_away_for_longer_than_is_kept_is_told_how_much_he_missed(
    pages: Watched, own_server: Callable[..., ThreadServer]
) -> None:
    pages.expect("Failed to load resource")
    server = own_server(captions={"history_cues": 10})
    with wire_to(server) as wire, speaking(server, "away") as speaker:
        page = pages.open(f"{wire.url}/captions/away?lines=8", prepare=nothing_passes)
        speaker.say(SENTENCE)
        speaker.finals(1)
        expect_count(page, "#finals p", 1)
        wire.cut()
        expect_status(page, LOST)
        speaker.say(13 * SENTENCE)
        said = speaker.finals(14)
        wire.mend()
        expect_status(page, "3 captions came while this page was away and are no longer kept.")
        expect_count(page, "#finals p", 11)
        assert spoken(page) == [said[0], *said[4:]]


def test_a_server_that_stops_is_told_and_the_next_one_is_followed(
    pages: Watched, own_server: Callable[..., ThreadServer]
) -> None:
    pages.expect("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING")
    server = own_server()
    page = pages.open(f"{server.url}/captions/stage")
    with speaking(server, "stage") as speaker:
        speaker.say(SENTENCE)
        (before,) = speaker.finals(1)
        expect_count(page, "#finals p", 1)
    server.end()
    expect_status(page, LOST)
    server.start()
    expect_status(page, "Waiting for somebody to speak on “stage” …")
    # The history was the other server's: lines of it do not stand above the new ones.
    assert shown(page) == []
    with speaking(server, "stage") as speaker:
        speaker.say(voiced(700, seed=7) + quiet(900))
        (after,) = speaker.finals(1)
        expect_count(page, "#finals p", 2)
        assert shown(page) == [after]
        assert spoken(page) == [before, after]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("size=100", "size is '100'; allowed: height of the letters, 2 to 20, in hundredths"),
        ("colour=red", "There is no parameter 'colour'; allowed: size, lines, position"),
        ("color=red&lines=0", "000000c0. lines is '0'; allowed: how many lines are shown, 1 to 8."),
        ("lang=de", "lang is 'de'; allowed: en, zh or auto"),
    ],
)
def test_an_address_that_asks_for_what_there_is_not_is_told_what_there_is(
    pages: Watched, fake: Server, query: str, told: str
) -> None:
    pages.expect("status of 400")
    page = pages.open(f"{fake.url}/captions/stage?{query}")
    expect(page.locator("#status")).to_contain_text(told)
    assert serious(page) == []
    picture(page, f"captions-refused-{query.partition('=')[0]}")


@pytest.mark.long
def test_a_projector_and_a_corner_of_obs_look_as_they_were_asked_to(
    pages: Watched, fake: Server
) -> None:
    looks = {
        "projector": "size=10&lines=3&position=middle&background=000&color=ffe066&box=000",
        "corner": "size=3&lines=1&position=top&align=left&color=fff&box=00000080",
        "plain": "",
    }
    # What is told for a while is looked at, page after page.
    viewers = {
        name: pages.open(f"{fake.url}/captions/looks?{query}", prepare=nothing_passes)
        for name, query in looks.items()
    }
    with speaking(fake, "looks") as speaker:
        speaker.say(voiced(4500) + quiet(900))
        speaker.finals(1)
        for name, page in viewers.items():
            expect(page.locator("#finals p").first).to_be_attached()
            assert serious(page) == []
            picture(page, f"captions-{name}")
        places = [page.locator("#captions").bounding_box() for page in viewers.values()]
    for page in viewers.values():
        expect_status(page, "The speaker has stopped.")
    # What is told stands elsewhere, and does not push the captions.
    assert [page.locator("#captions").bounding_box() for page in viewers.values()] == places
    projector, corner, plain = viewers.values()
    assert [len(shown(page)) for page in viewers.values()] == [3, 1, 2]
    assert style(projector, "#rows span", "color") == "rgb(255, 224, 102)"
    assert style(projector, "html", "backgroundColor") == "rgb(0, 0, 0)"
    assert style(projector, "body", "fontSize") == "80px"
    assert style(corner, "body", "fontSize") == "24px"
    middle, top, bottom = places
    assert middle
    assert top
    assert bottom
    assert abs(middle["y"] + middle["height"] / 2 - 400) < 2
    assert top["y"] < 50
    assert bottom["y"] + bottom["height"] > 750
    # At the left of the page; in the middle of it.
    assert abs(top["x"] - 0.04 * 1280) < 1
    assert abs(bottom["x"] + bottom["width"] / 2 - 640) < 1
    for page in (corner, plain):
        alpha = pixels(page.screenshot(omit_background=True))[..., 3]
        # Nothing but the letters and the box behind them.
        assert 0.6 < np.mean(alpha == 0) < 1


def style(page: Page, selector: str, name: str) -> str:
    script = "(one, name) => getComputedStyle(one)[name]"
    return str(page.locator(selector).first.evaluate(script, name))


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    with av.open(io.BytesIO(png), "r") as container:
        return next(container.decode(video=0)).to_ndarray(format="rgba")


@pytest.mark.long
def test_a_text_goes_after_a_silence_and_does_not_come_back_above_the_next(
    pages: Watched, fake: Server
) -> None:
    page = pages.open(
        f"{fake.url}/captions/hold?hold=600", prepare=lambda page: page.clock.install()
    )
    with speaking(fake, "hold") as speaker:
        speaker.say(SENTENCE)
        (first,) = speaker.finals(1)
        expect_count(page, "#finals p", 1)
        assert shown(page) == [first]
        # Its own time goes on meanwhile, too.
        page.clock.run_for(500_000)
        expect(page.locator("#captions")).not_to_have_class(re.compile("quiet"))
        page.clock.run_for(110_000)
        expect(page.locator("#captions")).to_have_class(re.compile("quiet"))
        speaker.say(SENTENCE)
        second = speaker.finals(2)[1]
        expect_count(page, "#finals p", 2)
        assert shown(page) == [second]


@pytest.mark.long
def test_who_wants_no_partials_sees_none(pages: Watched, fake: Server) -> None:
    page = pages.open(
        f"{fake.url}/captions/calm?partials=no",
        prepare=lambda page: page.add_init_script(_KEEP_EVERY_SIGHT),
    )
    with speaking(fake, "calm") as speaker:
        speaker.grow(voiced(1500))
        speaker.say(quiet(900))
        speaker.finals(1)
        expect_count(page, "#finals p", 1)
    assert all(word["final"] for sight in page.evaluate("sights") for word in sight)


def test_one_viewer_too_many_is_told_and_comes_in_when_another_has_left(
    pages: Watched, own_server: Callable[..., ThreadServer]
) -> None:
    pages.expect("status of 503")
    server = own_server(captions={"max_viewers": 1})
    first = pages.open(f"{server.url}/captions/full")
    expect_status(first, "Waiting for somebody to speak on “full” …")
    second = pages.open(
        f"{server.url}/captions/full?lang=zh", prepare=lambda page: page.clock.install()
    )
    expect_status(second, "服务器暂时无法接受更多观众，正在重试……")
    picture(second, "captions-full")
    first.close()
    waiting = "正在等待“full”频道开始讲话……"
    # The server may notice a little later than the page tries again.
    for _ in range(100):
        if second.locator("#status").text_content() != waiting:
            second.clock.run_for(5000)
    expect_status(second, waiting)


@pytest.mark.long
@pytest.mark.engine
def test_chinese_is_read_in_lines_of_twenty(pages: Watched, chinese: Server) -> None:
    demo = recordings.load_demo("zh")
    page = pages.open(f"{chinese.url}/captions/stage?lang=zh&background=222&lines=4")
    expect_status(page, "正在等待“stage”频道开始讲话……")
    with speaking(chinese, "stage", "chinese_16k_common") as speaker:
        speaker.say(demo.samples.tobytes() + quiet(900))
        speaker.finals(len(demo.sentences))
        expect_count(page, "#finals p", len(demo.sentences))
        picture(page, "captions-chinese")
        assert serious(page) == []
    assert "欢迎" in spoken(page)[0]
    assert all(len(line) <= 20 for line in shown(page))
