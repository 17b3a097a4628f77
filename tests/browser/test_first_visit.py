"""A person's first visit, from the start of the server to captions, in one go."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from bench import recordings
from tests.browser.conftest import Watched, picture, words_of
from tests.browser.server import ENGLISH, Server
from tests.browser.test_recordings import saved
from tests.browser.test_speaking import press
from tests.browser.test_transcript import correct
from tests.browser.waiting import expect_count, expect_shown, expect_status
from tests.decoder.models.weights import MOONSHINE

FIRST, SECOND = recordings.load_demo().sentences[:2]


@pytest.mark.engine
def test_sample_microphone_correction_file_and_captions(
    english_pages: Watched, tmp_path: Path
) -> None:
    # What `make run` starts, with the engine that is always there.
    with Server(tmp_path, ENGLISH) as server:
        page = english_pages.open(server.url)
        expect_status(page, "Press and speak, or drop a recording.")
        picture(page, "first-visit")

        press(page, "English")
        expect_shown(page, "#partial")
        press(page, "Stop")
        expect_status(page, "Done. Press to speak again.")
        heard = page.locator(".sentence").count()
        assert heard >= 1

        press(page, "Settings")
        page.get_by_label("Live captions").check()
        page.get_by_label("Channel").fill("hall")
        page.get_by_label("Channel").blur()
        press(page, "Close")
        captions = english_pages.open(f"{server.url}/captions/hall")
        expect(captions.locator("body")).to_have_attribute("data-state", "waiting")

        press(page, "Start")
        expect_count(page, ".sentence", heard + 2)
        press(page, "Stop")
        expect_status(page, "Done. Press to speak again.")
        # Its last final comes to this page over a connection of its own.
        expect(captions.locator("body")).to_have_attribute("data-state", "ended")
        spoken = words_of(page.locator(".sentence span").all_text_contents())
        assert spoken[-len(f"{FIRST.text} {SECOND.text}".split()) :] == (
            f"{FIRST.text} {SECOND.text}".split()
        )
        shown = words_of(captions.locator("#finals p").all_text_contents())
        assert shown[-len(SECOND.text.split()) :] == SECOND.text.split()
        picture(captions, "first-visit-captions")

        correct(page, heard, "Nobody said this.")
        content = saved(page, "Text", tmp_path).read_text("utf-8")
        assert "Nobody said this." in content
        assert FIRST.text not in content.lower()
        assert SECOND.text in content.lower()
        picture(page, "first-visit-corrected")


@pytest.mark.long
@pytest.mark.skipif(bool(MOONSHINE.lacks()), reason=MOONSHINE.lacks() or "it is there")
@pytest.mark.engine
def test_picture_of_the_readme(english_pages: Watched, tmp_path: Path) -> None:
    """The page as most people have it: `make picture` takes the README's picture from here."""
    models = Path(MOONSHINE.folder()).parent
    with Server(tmp_path, {"RASR_MODELS__FOLDER": str(models)}) as server:
        page = english_pages.open(server.url)
        expect(page.locator("#model")).to_have_text("moonshine-tiny-en")
        press(page, "Start")
        expect_count(page, ".sentence", 1)
        expect_shown(page, "#partial:not(:empty)")
        picture(page, "readme")
        press(page, "Stop")
        expect_status(page, "Done. Press to speak again.")
        assert page.locator(".sentence").count() >= 1
