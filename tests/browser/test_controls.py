"""What stands around the button: what is chosen, what is advised, samples, microphones, colours."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, ViewportSize, WebSocketRoute, expect

from bench import recordings
from tests.browser.conftest import Watched, picture, serious
from tests.browser.script import Sent
from tests.browser.server import Server, ThreadServer
from tests.browser.test_speaking import press
from tests.browser.waiting import (
    PATIENCE_MS,
    PIXELS,
    expect_at_least,
    expect_count,
    expect_shown,
    expect_status,
    glimpse,
    soon,
    told,
)
from tests.longer import mostly_long

CHINESE = {
    "language": "chinese",
    "served": False,
    "model": "x-asr-480ms",
    "download_mb": 134,
    "memory_mb": 700,
    "command": "rasr setup chinese",
}
ENGLISH = {
    "language": "english",
    "served": True,
    "model": "pocketsphinx",
    "recommended": "moonshine-tiny-en",
    "download_mb": 52,
    "memory_mb": 300,
    "command": "rasr setup english",
}

_KEEP_WISHES = """
window.wishes = [];
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wish) => {
  window.wishes.push(wish.audio);
  return ask(wish);
};
"""
_KEEP_PLAYED = """
window.played = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (...rest) {
  window.played.push(this.buffer.duration);
  return start.apply(this, rest);
};
"""
_PLUG = """
() => {
  const list = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
  const fresh = {kind: "audioinput", deviceId: "fresh", groupId: "g", label: "Headset"};
  navigator.mediaDevices.enumerateDevices = async () => [...(await list()), fresh];
  navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
}
"""
_REFUSE = """
(message) => {
  navigator.mediaDevices.getUserMedia =
    () => Promise.reject(new DOMException(message, "NotAllowedError"));
}
"""
_INKED = (
    "() => {"
    f"  const read = {PIXELS};"
    """
  const canvas = document.querySelector("#waveform");
  if (canvas.width === 0) return false;
  const { data } = read(canvas);
  return data.filter((one, i) => i % 4 === 3 && one > 0).length > 50;
}
"""
)

_HOUR_OF_BARS = """
async () => {
  const { Waveform } = await import("/page/waveform.js");
  const canvas = document.querySelector("#waveform");
  const waveform = new Waveform(canvas);
  waveform.draw();
  for (let second = 0; second < 3600; second += 1) waveform.hear(new Int16Array(16000), 16000);
  return [waveform.bars.length, canvas.width];
}
"""


def advice(page: Page, name: str) -> str:
    return f".notice[data-name={name}]"


def listed(*properties: tuple[str, str], hot_words: bool = False) -> Callable[[Page], None]:
    """The server says that it serves these properties, each by a model."""
    body = json.dumps(
        {
            "properties": [
                {
                    "property": name,
                    "language": name.partition("_")[0],
                    "sample_rate": 16000,
                    "model": model,
                    "hot_words": hot_words,
                }
                for name, model in properties
            ]
        }
    )

    def answer(route: Route) -> None:
        route.fulfill(body=body)

    def prepare(page: Page) -> None:
        page.route("**/properties", answer)

    return prepare


def test_language_model_and_mode_stand_beside_the_button(
    pages: Watched, own_server: Callable[..., ThreadServer]
) -> None:
    sent = Sent()
    server = own_server(
        engines={"telephone": {"kind": "fake"}},
        properties={"english": "fake", "english_8k": "telephone", "german": "fake"},
    )
    page = pages.open(server.url, prepare=sent.attach)
    model = page.get_by_role("combobox", name="Model", exact=True)
    language = page.get_by_role("combobox", name="Language", exact=True)
    expect(model).to_be_visible()
    assert language.locator("option").all_text_contents() == ["English", "German"]
    assert model.locator("option").all_text_contents() == ["fake (16 kHz)", "telephone (8 kHz)"]
    # Where there is nothing to choose, the model is only named.
    language.select_option("German")
    expect(model).to_be_hidden()
    expect(page.locator("#model")).to_have_text("fake")
    language.select_option("English")
    model.select_option("telephone (8 kHz)")
    picture(page, "choices")
    press(page, "Start")
    expect_status(page, "Listening")
    expect(model).to_be_disabled()
    press(page, "Stop")
    expect(model).to_be_enabled()
    config = sent.messages[0]["config"]
    assert (config["property"], config["audio_format"]) == ("english_8k_common", "pcm8k16bit")
    page.reload()
    expect(model).to_have_value("english_8k_common")


@pytest.mark.long
def test_what_is_written_before_the_server_has_said_what_it_serves_stays(
    pages: Watched, fake: Server
) -> None:
    asked: list[Route] = []
    page = pages.open(
        fake.url, prepare=lambda page: page.route("**/properties", lambda one: asked.append(one))
    )
    press(page, "Settings")
    words = page.get_by_label("Hot words")
    words.fill("Kaelith")
    page.get_by_label("Live captions").check()
    channel = page.get_by_label("Channel")
    channel.fill("hall")
    asked[0].continue_()
    expect(page.locator("#model")).to_have_text("fake")
    expect(channel).to_have_value("hall")
    expect(channel).to_be_focused()
    # The engine of tests knows no hot words.
    expect(words).to_be_disabled()
    expect(words).to_have_value("Kaelith")


@pytest.mark.long
def test_a_reader_whose_language_is_not_served_is_told_the_cure(
    pages: Watched, fake: Server
) -> None:
    page = pages.open(fake.url, locale="zh-CN", languages=[CHINESE, ENGLISH])
    notice = page.locator(advice(page, "unserved"))
    expect(notice).to_contain_text("这台服务器不能识别中文。")
    expect(notice).to_contain_text("x-asr-480ms (134 MB)")
    expect(notice.locator("code")).to_have_text("rasr setup chinese")
    picture(page, "advice-chinese")
    assert serious(page) == []
    with glimpse(page, told(f"{advice(page, 'unserved')} .copy", "已复制")):
        notice.get_by_role("button", name="复制", exact=True).click()
    assert page.evaluate("navigator.clipboard.readText()") == "rasr setup chinese"
    # It is still true while one speaks, and once read it is not said again.
    press(page, "开始")
    expect_status(page, "正在聆听")
    expect(notice).to_be_visible()
    press(page, "停止")
    press(page, "关闭提示")
    expect(notice).to_have_count(0)
    press(page, "English")
    press(page, "中文")
    expect(notice).to_have_count(0)


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("dark", mostly_long([False, True], True), ids=["day", "night"])
def test_a_makeshift_model_says_so_and_names_a_better_one(
    pages: Watched, fake: Server, phone: bool, dark: bool
) -> None:
    served = listed(("english_16k_common", "pocketsphinx"))
    page = pages.open(
        fake.url, languages=[ENGLISH, CHINESE], prepare=served, phone=phone, dark=dark
    )
    notice = page.locator(advice(page, "makeshift"))
    expect(notice).to_contain_text("English by pocketsphinx: about every third word is wrong.")
    expect(notice).to_contain_text("moonshine-tiny-en (52 MB)")
    expect(notice.locator("code")).to_have_text("rasr setup english")
    expect(page.locator("#model")).to_have_text("pocketsphinx")
    picture(page, f"advice-{'night' if dark else 'day'}-{'phone' if phone else 'desk'}")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("served", mostly_long([True, False], False))
def test_who_speaks_another_language_than_the_chosen_one_is_told(
    pages: Watched, fake: Server, served: bool
) -> None:
    def hear_chinese(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def tell(text: str | bytes) -> None:
            message = json.loads(text)
            for segment in message.get("segments", []):
                segment["result"]["language"] = "chinese"
            route.send(json.dumps(message))

        server.on_message(tell)

    def prepare(page: Page) -> None:
        page.route_web_socket("**/rasr/*", hear_chinese)
        if served:
            listed(("english_16k_common", "m"), ("chinese_16k_common", "m"))(page)

    page = pages.open(fake.url, languages=[CHINESE, ENGLISH], prepare=prepare)
    press(page, "Start")
    expect_count(page, ".notice", 1)
    notice = page.locator(".notice")
    if served:
        expect(notice).to_contain_text("This sounds like Chinese, but English is chosen.Stop, and")
    else:
        expect(notice).to_contain_text("This server does not recognise Chinese.")
        expect(notice.locator("code")).to_have_text("rasr setup chinese")
    press(page, "Stop")
    expect_status(page, "Done. Press to speak again.")


def test_a_sample_is_heard_and_read_at_the_speed_of_speech(pages: Watched, fake: Server) -> None:
    def prepare(page: Page) -> None:
        page.add_init_script(_KEEP_PLAYED)
        page.clock.install(time=0)

    # No microphone is asked for.
    page = pages.open(fake.url, microphone=False, prepare=prepare)
    # For a page that waits for an answer then, its patience would be over.
    expect(page.get_by_role("button", name="English", exact=True)).to_be_visible()
    # Far behind what the page has taken to come.
    page.clock.pause_at(1000 * PATIENCE_MS)
    press(page, "Messages")
    press(page, "English")
    expect(page.locator("#status")).to_have_text("Playing the sample")

    def sent_bytes() -> int:
        lines = page.locator("#message-list .sent").all_inner_texts()
        return sum(int(size) for line in lines for size in re.findall(r"sound, (\d+) bytes", line))

    def pass_tenths(count: int) -> None:
        # One at a time: each chunk asks for the next one when it has been sent.
        for _ in range(count):
            page.clock.run_for(100)

    # Away from the moments at which chunks are due.
    page.clock.run_for(50)
    pass_tenths(10)
    expect(page.locator("#timer")).to_have_text("0:01")
    assert sent_bytes() == 32_000
    pass_tenths(10)
    expect(page.locator("#timer")).to_have_text("0:02")
    assert sent_bytes() == 64_000
    (seconds,) = page.evaluate("played")
    assert seconds > 2
    pass_tenths(round(10 * seconds))
    expect(page.locator("#status")).to_have_text("Done. Press to speak again.")
    assert page.locator(".sentence").count() >= 1
    expect(page.locator(".notice")).to_have_count(0)


@pytest.mark.long
@pytest.mark.engine
def test_the_words_of_the_mandarin_sample_are_read(pages: Watched, chinese: Server) -> None:
    page = pages.open(chinese.url, microphone=False)
    press(page, "Settings")
    page.get_by_label("Numbers as digits").uncheck()
    press(page, "Close")
    press(page, "Chinese")
    expect_status(page, "Playing the sample")
    # English is chosen, and holds again when the sample is over.
    expect(page.locator("#model")).to_have_text("tiny-zh-en")
    picture(page, "sample")
    expect_status(page, "Done. Press to speak again.")
    said = "".join(page.locator(".sentence span").all_text_contents())
    expect(page.locator("#model")).to_have_text("pocketsphinx")
    assert re.sub(r"\W", "", said) == re.sub(r"\W", "", recordings.load_demo("zh").text)


@pytest.mark.long
def test_a_sample_that_is_not_served_says_how_to_have_it(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, languages=[ENGLISH, CHINESE])
    press(page, "Chinese")
    notice = page.locator(advice(page, "sample_unserved"))
    expect(notice).to_contain_text("This server does not recognise Chinese yet.")
    expect(notice.locator("code")).to_have_text("rasr setup chinese")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()


@pytest.mark.long
def test_a_server_that_lists_no_languages_offers_the_samples_that_it_serves(
    pages: Watched, fake: Server
) -> None:
    page = pages.open(
        fake.url, prepare=lambda page: page.route("**/languages", lambda route: route.abort())
    )
    pages.expect("ERR_FAILED")
    expect_count(page, "[data-sample]", 1)
    expect(page.locator("[data-sample]")).to_have_text("English")
    expect(page.locator(".notice")).to_have_count(0)


def test_a_microphone_is_chosen_by_its_name_and_remembered(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, prepare=lambda page: page.add_init_script(_KEEP_WISHES))
    choice = page.get_by_label("Microphone", exact=True)
    name = "Fake Audio Input 1"
    choice.select_option(name)
    chosen = choice.input_value()
    press(page, "Start")
    expect_status(page, "Listening")
    press(page, "Stop")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    assert page.evaluate("wishes")[0]["deviceId"] == chosen
    page.reload()
    expect(choice.locator("option:checked")).to_have_text(name)
    # One that is plugged in is told, and can be chosen; the choice stays.
    page.evaluate(_PLUG)
    expect_status(page, "Connected: Headset")
    expect(choice.locator("option").last).to_have_text("Headset")
    expect(choice.locator("option:checked")).to_have_text(name)
    choice.select_option("Default")
    press(page, "Start")
    expect_status(page, "Listening")
    assert "deviceId" not in page.evaluate("wishes")[0]
    press(page, "Stop")


def test_the_microphone_is_heard_as_it_is_unless_its_sound_is_to_be_cleaned_up(
    pages: Watched, fake: Server
) -> None:
    page = pages.open(fake.url, prepare=lambda page: page.add_init_script(_KEEP_WISHES))
    names = ("echoCancellation", "noiseSuppression", "autoGainControl")
    for clean_up in (False, True):
        press(page, "Settings")
        page.locator("#panel details").evaluate("one => one.open = true")
        switch = page.get_by_label("Clean up the microphone in the browser")
        expect(switch).to_be_checked(checked=False)
        switch.set_checked(clean_up)
        press(page, "Close")
        press(page, "Start")
        expect_status(page, "Listening")
        press(page, "Stop")
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
        wish = page.evaluate("wishes.at(-1)")
        assert [wish[name] for name in names] == [clean_up] * 3
        press(page, "Show code")
        page.get_by_role("radio", name="JavaScript").check()
        code = page.locator("#code").inner_text()
        options = json.loads(code.partition("OPTIONS = ")[2].partition(";")[0])
        assert options.get("cleanUp", False) is clean_up
        press(page, "Close")


@pytest.mark.long
def test_a_microphone_whose_name_is_not_known_is_not_offered(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, microphone=False)
    expect(page.locator("#model")).to_have_text("fake")
    expect(page.locator("#microphones")).to_be_hidden()


@pytest.mark.parametrize(
    ("message", "what", "do"),
    [
        ("Permission dismissed", "has not been allowed yet.", "choose Allow when the browser asks"),
        ("Permission denied by system", "The system does not let", "settings, under privacy"),
        ("Permission denied", "The microphone is not allowed.", "the sign beside the address"),
    ],
)
def test_who_has_refused_the_microphone_decides_the_cure(
    pages: Watched, fake: Server, message: str, what: str, do: str
) -> None:
    page = pages.open(fake.url)
    page.evaluate(_REFUSE, message)
    press(page, "Start")
    expect(page.get_by_role("alert")).to_contain_text(what)
    expect(page.get_by_role("alert")).to_contain_text(do)


def test_the_sound_is_drawn_and_its_time_runs(pages: Watched, fake: Server) -> None:
    # The test looks at the picture, again and again.
    pages.expect("Canvas2D: Multiple readback")
    page = pages.open(fake.url, moving=True)
    expect(page.locator("#timer")).to_be_hidden()
    press(page, "Start")
    soon(page, _INKED)
    assert page.evaluate(_INKED)
    expect(page.locator("#waveform")).to_be_visible()
    expect(page.locator("#waveform")).to_have_attribute("aria-hidden", "true")
    expect(page.locator("#timer")).to_have_text(re.compile(r"^0:\d[1-9]$"))
    picture(page, "waveform")
    expect_at_least(page, ".sentence", 1)
    picture(page, "waveform-text")
    press(page, "Stop")
    expect_status(page, "Done. Press to speak again.")
    expect(page.locator("#timer")).to_be_hidden()


@pytest.mark.long
def test_who_wants_no_motion_has_the_level_instead_of_the_waveform(
    pages: Watched, fake: Server
) -> None:
    page = pages.open(fake.url)
    press(page, "Start")
    expect_shown(page, "#level")
    expect(page.locator("#waveform")).to_be_hidden()
    expect(page.locator("#status")).to_have_text("Listening")
    press(page, "Stop")


@pytest.mark.long
def test_a_waveform_that_is_not_shown_keeps_no_bars(pages: Watched, fake: Server) -> None:
    for moving in (False, True):
        page = pages.open(fake.url, moving=moving)
        page.evaluate("document.querySelector('#sound').hidden = false")
        kept, room = page.evaluate(_HOUR_OF_BARS)
        assert kept <= room
        assert (room > 0) is moving


def test_day_and_night_are_switched_and_remembered(pages: Watched, fake: Server) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    day, night = "rgb(250, 249, 247)", "rgb(21, 23, 27)"
    page = pages.open(fake.url, dark=True)
    theme = page.locator("#theme")
    expect(theme).to_have_attribute("aria-label", "Colours: as in the system")
    assert page.evaluate(ground) == night
    theme.click()
    expect(theme).to_have_attribute("aria-label", "Colours: day")
    assert page.evaluate(ground) == day
    assert serious(page) == []
    page.reload()
    expect(theme).to_have_attribute("aria-label", "Colours: day")
    assert page.evaluate(ground) == day
    expect(page.locator("meta[name=theme-color]")).to_have_attribute("content", day)
    theme.click()
    expect(theme).to_have_attribute("aria-label", "Colours: night")
    page.emulate_media(color_scheme="light")
    assert page.evaluate(ground) == night
    theme.click()
    assert page.evaluate(ground) == day


@pytest.mark.long
def test_the_mark_of_the_focus_is_seen_beside_the_button(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url)
    expect(page.locator("#talk")).to_be_focused()
    page.keyboard.press("Enter")
    expect_status(page, "Listening")
    colours = page.evaluate(
        """() => {
          const style = getComputedStyle(document.querySelector("#talk"));
          return [style.outlineColor, style.backgroundColor, style.outlineOffset];
        }"""
    )
    assert colours[0] != colours[1]
    assert colours[2] == "5px"
    page.keyboard.press("Enter")


@pytest.mark.long
def test_a_small_screen_begins_at_the_top_of_the_page(pages: Watched, fake: Server) -> None:
    small: ViewportSize = {"width": 360, "height": 400}
    page = pages.open(fake.url, phone=True, prepare=lambda page: page.set_viewport_size(small))
    expect(page.locator("#talk")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollHeight > innerHeight")
    assert page.evaluate("scrollY") == 0


@pytest.mark.long
def test_a_finger_is_told_to_open_a_file(pages: Watched, fake: Server) -> None:
    page = pages.open(fake.url, phone=True)
    expect_status(page, "Press and speak, or open a file.")
