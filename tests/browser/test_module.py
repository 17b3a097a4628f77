"""A stranger's page imports the module with one line: the examples of the documents."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched
from tests.browser.server import Server, ThreadServer
from tests.browser.waiting import expect_at_least, glimpse
from tests.docs.pages import EXAMPLES, Code, all_blocks
from tests.identity.signing import PROJECT
from tests.processes import LONG_S
from tests.server.auth.conftest import accounts
from tests.server.auth.test_tokens import body as password_of_alice


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
    others = ("speak(", "RecordingJobs(")
    return [one for one in _of_pages() if not any(it in one.text for it in others)]


def _of_pages() -> list[Code]:
    return [block for block in all_blocks("js") if "/client/rasr.js" in block.text]


def expect_to_work(page: Page) -> None:
    """Somebody speaks into a page of one button."""
    # The line of a sentence is partial until it is final.
    with glimpse(page, "() => document.querySelectorAll('p.partial').length === 1"):
        page.get_by_role("button", name="Speak").click()
    expect_at_least(page, "p.final", 1)
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


def telling(call: str, server: Server, before: str = "") -> str:
    """A page with the snippet of a call. What it tells the console stands on it at the end.

    Args:
        before: what the snippet takes for granted.
    """
    (snippet,) = [one for one in _of_pages() if call in one.text]
    script = snippet.text.replace("/client/rasr.js", f"{server.url}/client/rasr.js")
    script = script.replace("location.href", f'"{server.url}"')
    listen = (
        "const text = (one) => (typeof one === 'string' ? one : JSON.stringify(one));"
        "const told = []; console.log = (...words) => told.push(words.map(text).join(' '));"
    )
    after = "document.body.textContent = told.join(' | ');"
    script = f"{listen}{before}{script}{after}"
    return f'<!doctype html><body></body><script type="module">{script}</script>'


def test_the_snippet_that_speaks_has_words_and_sound(pages: Watched, fake: Server) -> None:
    with website(telling("speak(", fake)) as url:
        page = pages.open(url)
        expect(page.locator("body")).to_have_text(re.compile(r"Good.*[1-9]\d* samples.*"))


def test_the_snippet_that_sends_a_recording_begins_a_job(
    pages: Watched, jobs_server: Server
) -> None:
    content = telling("RecordingJobs(", jobs_server, "const file = new Blob(['no audio']);")
    url = f"{jobs_server.url}/own-page"
    serve = {"content_type": "text/html", "body": content}
    page = pages.open(
        url, prepare=lambda page: page.route(url, lambda route: route.fulfill(**serve))
    )
    # A server that is quick has looked into it before it is asked.
    expect(page.locator("body")).to_have_text(
        re.compile(r'100 % sent \| \{.*"status":"(WAITING|ERROR)".*"count":[1-9]')
    )


def test_there_is_a_snippet_for_pages() -> None:
    assert snippets()


@pytest.fixture
def guarded(own_server: Callable[..., ThreadServer]) -> ThreadServer:
    """A server that asks who calls."""
    return own_server(accounts())


def test_a_page_of_another_origin_lists_the_voices_with_a_token(
    pages: Watched, guarded: ThreadServer
) -> None:
    """The browser asks first whether it may send one, and shows the page why a wrong one fails."""
    pages.expect("401 (Unauthorized)")
    asked = httpx.post(
        f"{guarded.url}/v3/auth/tokens", json=password_of_alice(), trust_env=False, timeout=LONG_S
    )
    with website("<!doctype html><title>Elsewhere</title>") as url:
        page = pages.open(url)
        names, fault = page.evaluate(
            """async ([server, project, token]) => {
              const { voices } = await import(`${server}/client/rasr.js`);
              const found = await voices(server, { project, token });
              const refused = await voices(server, { project, token: "wrong" }).catch(String);
              return [found.voices.map(({ name }) => name), refused];
            }""",
            [guarded.url, PROJECT, asked.headers["x-subject-token"]],
        )
    assert "espeak-female" in names
    assert fault.endswith("answered 401")
