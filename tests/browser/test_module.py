"""A stranger's page imports the module with one line: the example of the README, as it stands."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Watched
from tests.browser.server import Server
from tests.browser.waiting import expect_count

README = Path(__file__).parent.parent.parent / "README.md"


def example() -> str:
    (found,) = re.findall(r"^```html\n(.*?)^```$", README.read_text("utf-8"), re.M | re.S)
    return str(found)


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


def test_the_example_of_the_readme_is_twenty_lines_and_works(pages: Watched, fake: Server) -> None:
    assert len(example().splitlines()) <= 20
    content = example().replace("http://127.0.0.1:8765", fake.url)
    assert fake.url in content
    with website(content) as url:
        page = pages.open(url)
        page.get_by_role("button", name="Speak").click()
        expect_count(page, "p.partial", 1)
        expect_count(page, "p.final", 1)
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("button")).to_have_text("Speak")
