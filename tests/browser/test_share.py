"""The page that shares captions: what it writes into the link is what viewers see."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from rasr.server.http.captions_page import PARAMETERS
from tests.browser.conftest import Watched, picture, serious
from tests.browser.looks import looks
from tests.browser.server import Server, ThreadServer
from tests.browser.waiting import PATIENCE_MS, soon


def link(page: Page) -> str:
    return page.locator("#link").input_value()


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(link(page)).query).items()}


def look(page: Page) -> dict[str, str]:
    """What a captions page was told to look like."""
    data: dict[str, str] = page.evaluate("({ ...document.body.dataset })")
    return {name: data[name] for name in PARAMETERS}


def choose(page: Page, preset: str) -> None:
    page.get_by_role("button", name=preset, exact=True).click()


def test_every_field_writes_its_parameter_into_the_link(pages: Watched, fake: Server) -> None:
    page = pages.open(f"{fake.url}/captions/stage/share")
    choose(page, "OBS lower third")
    assert query(page) == {"status": "no"}
    wanted = {
        "size": "8.5",
        "lines": "4",
        "position": "top",
        "align": "right",
        "font": "serif",
        "color": "#ffe066",
        "box": "#123456",
        "background": "#00000080",
        "shadow": "outline",
        "hold": "0",
        "partials": "no",
        "status": "yes",
        "lang": "zh",
    }
    assert wanted.keys() == PARAMETERS.keys()
    for name in ("position", "align", "font", "shadow", "partials", "status", "lang"):
        page.locator(f"[name={name}]").select_option(wanted[name])
    for name in ("size", "lines", "hold"):
        page.locator(f"[name={name}]").fill(wanted[name])
    for name, colour, opacity in (
        ("color", "#ffe066", "100"),
        ("box", "#123456", "100"),
        ("background", "#000000", "50"),
    ):
        page.locator(f"[data-colour={name}] input[type=color]").fill(colour)
        page.locator(f"[data-colour={name}] input[type=range]").fill(opacity)
    assert query(page) == {name: value.replace("#", "") for name, value in wanted.items()}
    preview = page.frame_locator("#preview").locator("body")
    expect(preview).to_have_attribute("data-background", "#00000080")
    expect(preview).to_have_attribute("data-lang", "zh")
    address = link(page)
    # The page itself has it, too: opened again it goes on where it was.
    again = pages.open(page.url)
    assert link(again) == address
    viewer = pages.open(address)
    expected = wanted | {"status": "yes"}
    assert look(viewer) == expected
    assert viewer.evaluate("getComputedStyle(document.body).color") == "rgb(255, 224, 102)"


@pytest.mark.parametrize(
    ("preset", "told"),
    [
        ("OBS lower third", "width 1920 and height 1080"),
        ("Projector", "F11"),
        ("Phone", "scan the QR code"),
    ],
)
def test_a_preset_is_a_style_and_how_to_use_it(
    pages: Watched, fake: Server, preset: str, told: str
) -> None:
    page = pages.open(f"{fake.url}/captions/stage/share?size=12&lang=en&font=mono")
    choose(page, preset)
    button = page.get_by_role("button", name=preset, exact=True)
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#use")).to_contain_text(told)
    # The language stays, the style is the preset's.
    assert query(page)["lang"] == "en"
    assert "font" not in query(page)


def test_the_link_is_copied_by_one_click(pages: Watched, fake: Server) -> None:
    page = pages.open(f"{fake.url}/captions/stage/share")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("#told")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == link(page)
    page.locator("[name=lines]").fill("3")
    expect(page.locator("#told")).to_have_text("")


@pytest.mark.long
def test_by_the_machine_s_address_the_link_is_for_all_and_still_copied(
    pages: Watched, own_server: Callable[..., ThreadServer]
) -> None:
    server = own_server(auth={"kind": "none"})
    here = pages.open(f"{server.url}/captions/stage/share")
    expect(here.locator("#here")).to_be_visible()
    expect(here.locator("#here")).to_contain_text("works on this computer only")
    address = f"http://insecure.example:{server.port}/captions/stage"
    page = pages.open(f"{address}/share")
    expect(page.locator("#here")).to_be_hidden()
    assert link(page) == f"{address}?status=no"
    assert page.evaluate("navigator.clipboard === undefined")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("#told")).to_have_text("Copied.")
    assert here.evaluate("navigator.clipboard.readText()") == link(page)


_QR_OF = """
async (text) => {
  const { encode } = await import("/captions/static/uqr.js");
  const { data, size } = encode(text, { ecc: "M", border: 4 });
  const path = new Path2D(document.querySelector("#qr path").getAttribute("d"));
  const brush = document.createElement("canvas").getContext("2d");
  const isDark = (x, y) => brush.isPointInPath(path, x + 0.5, y + 0.5);
  const drawn = data.map((row, y) => row.map((_, x) => isDark(x, y)));
  return document.querySelector("#qr").viewBox.baseVal.width === size
    && JSON.stringify(drawn) === JSON.stringify(data);
}
"""


@pytest.mark.long
def test_the_qr_code_is_that_of_the_link(pages: Watched, fake: Server) -> None:
    page = pages.open(f"{fake.url}/captions/stage/share")
    for preset in ("OBS lower third", "Projector"):
        choose(page, preset)
        assert page.evaluate(_QR_OF, link(page))
        assert not page.evaluate(_QR_OF, f"{link(page)}x")


@pytest.mark.long
def test_the_size_for_a_room_is_worked_out(pages: Watched, fake: Server) -> None:
    page = pages.open(f"{fake.url}/captions/stage/share")
    choose(page, "Projector")
    # 20 minutes of arc for a capital of 0.7 em, over 20 m: 16.6 cm of 2 m.
    page.get_by_label("Distance of the last row").fill("20")
    expect(page.locator("#advice")).to_have_text("The last row reads letters of 8.5 % with ease.")
    page.get_by_role("button", name="Use this size").click()
    assert query(page)["size"] == "8.5"
    page.get_by_label("Distance of the last row").fill("60")
    expect(page.locator("#advice")).to_contain_text("25 %, and 20 % is the most")
    expect(page.get_by_role("button", name="Use this size")).to_be_disabled()


@pytest.mark.long
def test_a_number_that_is_not_allowed_changes_nothing(pages: Watched, fake: Server) -> None:
    page = pages.open(f"{fake.url}/captions/stage/share")
    before = link(page)
    for value in ("601", "", "1.5"):
        page.locator("[name=hold]").fill(value)
        assert link(page) == before
        assert page.locator("[name=hold]:invalid").count() == 1
    page.locator("[name=hold]").fill("600")
    assert query(page)["hold"] == "600"


@pytest.mark.long
def test_the_captions_page_leads_there_while_somebody_is_at_it(
    pages: Watched, fake: Server
) -> None:
    page = pages.open(
        f"{fake.url}/captions/stage?size=7&lang=en", prepare=lambda page: page.clock.install(time=0)
    )
    # Far behind what the page has taken to come; from now on it is as late as the test says.
    page.clock.pause_at(1000 * PATIENCE_MS)
    share = page.get_by_role("link", name="Share and style")
    expect(share).to_have_css("opacity", "0")
    page.mouse.move(200, 200)
    page.mouse.move(210, 210)
    expect(share).to_have_css("opacity", "1")
    picture(page, "captions-share-offered")
    page.clock.run_for(3100)
    expect(share).to_have_css("opacity", "0")
    page.keyboard.press("Tab")
    expect(share).to_be_focused()
    expect(share).to_have_css("opacity", "1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Share the captions of “stage”")
    expect(page.locator("#link")).to_have_value(re.compile("/captions/stage"))
    assert query(page) == {"size": "7", "lang": "en"}


_REACH = """
() => [...document.querySelectorAll("a, button, input, select")]
  .filter((one) => one.checkVisibility() && !one.disabled).length
"""


def test_the_keyboard_reaches_everything(pages: Watched, fake: Server) -> None:
    page = pages.open(f"{fake.url}/captions/stage/share")
    reached = []
    for _ in range(page.evaluate(_REACH)):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "document.activeElement.id || document.activeElement.name"
            " || document.activeElement.ariaLabel || document.activeElement.textContent"
        )
        reached.append(name)
    assert len(set(reached)) == page.evaluate(_REACH), reached
    assert "link" in reached
    assert "Behind the letters: opacity" in reached
    phone = page.get_by_role("button", name="Phone", exact=True)
    phone.focus()
    page.keyboard.press("Enter")
    assert query(page)["lines"] == "8"


@looks
def test_nobody_is_kept_out(pages: Watched, fake: Server, dark: bool, phone: bool) -> None:
    for locale, preset in (("en-GB", "Projector"), ("zh-CN", "手机")):
        page = pages.open(f"{fake.url}/captions/stage/share", dark=dark, phone=phone, locale=locale)
        choose(page, preset)
        frame = "document.querySelector('#preview').contentDocument"
        soon(page, f"() => {frame}?.querySelectorAll('#rows span').length > 0")
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        name = f"{'dark' if dark else 'light'}-{'phone' if phone else 'desk'}-{locale[:2]}"
        page.screenshot(path=f"pictures/share-{name}.png", full_page=True)
