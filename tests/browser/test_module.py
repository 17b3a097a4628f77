"""A stranger's page imports the module with one line: the examples of the documents."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched
from tests.browser.server import Server
from tests.browser.waiting import expect_count
from tests.docs.pages import EXAMPLES, Code, all_blocks


@contextmanager
def website(content: str) -> Iterator[str]:
    """Another server, which has one page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = content.encode() if self.path == "/" else b""
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def snippets() -> list[Code]:
    """JavaScript in the documents that is of a page which recognises."""
    return [one for one in _of_pages() if "speak(" not in one.text]


def _of_pages() -> list[Code]:
    return [block for block in all_blocks("js") if "/client/rasr.js" in block.text]


def expect_to_work(page: Page) -> None:
    """Somebody speaks into a page of one button."""
    page.get_by_role("button", name="Speak").click()
    expect_count(page, "p.partial", 1)
    expect_count(page, "p.final", 1)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("button")).to_have_text("Speak")


def test_the_example_of_a_page_is_twenty_lines_and_works(pages: Watched, fake: Server) -> None:
    example = (EXAMPLES / "page.html").read_text("utf-8")
    assert len(example.splitlines()) <= 20
    content = example.replace("http://127.0.0.1:8765", fake.url)
    assert fake.url in content
    with website(content) as url:
        expect_to_work(pages.open(url))


@pytest.mark.parametrize("snippet", snippets(), ids=lambda snippet: snippet.place)
def test_a_snippet_for_a_page_shows_what_is_said(
    snippet: Code, pages: Watched, fake: Server
) -> None:
    script = snippet.text.replace("http://127.0.0.1:8765", fake.url)
    content = f'<!doctype html><body></body><script type="module">{script}</script>'
    with website(content) as url:
        page = pages.open(url)
        # The engine without a model makes words of six letters.
        expect(page.locator("body")).to_have_text(re.compile(r"[a-z]{6} [a-z]{6}"))


def test_the_snippet_that_speaks_has_words_and_sound(pages: Watched, fake: Server) -> None:
    (snippet,) = [one for one in _of_pages() if "speak(" in one.text]
    script = snippet.text.replace("/client/rasr.js", f"{fake.url}/client/rasr.js")
    script = script.replace("location.href", f'"{fake.url}"')
    # What it tells the console stands on the page at the end.
    before = "const told = []; console.log = (...words) => told.push(words.join(' '));"
    after = "document.body.textContent = told.join(' | ');"
    content = f'<!doctype html><body></body><script type="module">{before}{script}{after}</script>'
    with website(content) as url:
        page = pages.open(url)
        expect(page.locator("body")).to_have_text(re.compile(r"Good.*[1-9]\d* samples.*"))


def test_there_is_a_snippet_for_pages() -> None:
    assert snippets()
