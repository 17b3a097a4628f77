"""The page and the module over HTTP: what is there, under which headers, and what is not."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from rasr.server.service import Service
from tests.processes import LONG_S
from tests.server.conftest import fake_settings

WEB = Path(str(files("rasr") / "web"))
NAMESPACES = ("http://www.w3.org", "http://schemas.openxmlformats.org")
"""Names in XML, which nobody asks for anything."""
AUTHOR = "https://github.com/antfu"
"""In the licence of a file that is vendored."""
PAGES = [
    "/",
    "/page/main.js",
    "/page/page.css",
    "/captions/static/captions.js",
    "/client/rasr.js",
    "/client/rasr.d.ts",
    "/samples/english.flac",
    "/samples/chinese.flac",
]


def client(service: Service) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=service.url.replace("ws", "http"), trust_env=False, timeout=LONG_S
    )


@pytest.mark.parametrize("path", PAGES)
async def test_a_file_is_served_once_and_then_known(service: Service, path: str) -> None:
    async with client(service) as http:
        first = await http.get(path)
        assert first.status_code == 200
        again = await http.get(path, headers={"if-none-match": f'"x", W/{first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        other = await http.get(path, headers={"if-none-match": '"x"'})
        assert other.content == first.content
        head = await http.head(path)
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", PAGES)
async def test_nothing_is_run_that_the_server_did_not_send(service: Service, path: str) -> None:
    async with client(service) as http:
        headers = (await http.get(path)).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["worker-src"] == "'self'"
    assert policy["connect-src"] == "'self' ws: wss:"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-cache"


async def test_anybody_may_import_the_module_and_nobody_the_page(service: Service) -> None:
    async with client(service) as http:
        module = (await http.get("/client/rasr.js")).headers
        page = (await http.get("/page/main.js")).headers
    assert module["access-control-allow-origin"] == "*"
    assert module["content-type"] == "text/javascript; charset=utf-8"
    assert "access-control-allow-origin" not in page


@pytest.mark.parametrize(
    "path", ["/page/", "/page/../../settings.py", "/client/%2e%2e/index.html", "/client/none.js"]
)
async def test_what_is_not_in_the_folder_is_not_there(service: Service, path: str) -> None:
    async with client(service) as http:
        response = await http.get(path)
    assert response.status_code == 404
    assert response.json()["error_code"] == "APIG.0101"


def test_the_page_asks_nobody_else_for_anything() -> None:
    for file in WEB.rglob("*.*"):
        if file.suffix in (".html", ".js", ".css", ".svg"):
            text = file.read_text("utf-8")
            found = re.findall(r"https?://[^\s\"'`)]+", text)
            outside = [
                url
                for url in found
                if not url.startswith(("http://127.0.0.1", "http://localhost", *NAMESPACES, AUTHOR))
            ]
            assert outside == [], file
            assert not re.search(r"\s(on\w+|style)=", text) or file.suffix != ".html", file


async def test_what_may_be_chosen_is_listed() -> None:
    settings = fake_settings(
        properties={
            "english": "fake",
            "english_8k": {"live": "fake", "final": "slow"},
            "chinese_16k_media": "fake",
            "?": "fake",
        },
        engines={"slow": {"kind": "fake"}},
    )
    async with Service(settings) as service, client(service) as http:
        response = await http.get("/properties")
    assert [one["property"] for one in response.json()["properties"]] == [
        "chinese_16k_media",
        "english_16k_common",
        "english_8k_common",
    ]
    assert [one["model"] for one in response.json()["properties"]] == [
        "fake",
        "fake",
        "fake + slow",
    ]
    assert response.json()["properties"][0] == {
        "property": "chinese_16k_media",
        "language": "chinese",
        "sample_rate": 16000,
        "model": "fake",
        "hot_words": False,
        "word_times": True,
    }


async def test_the_list_may_be_read_by_pages_that_may_speak(service: Service) -> None:
    async with client(service) as http:
        friend = await http.get("/properties", headers={"origin": "http://localhost:3000"})
        stranger = await http.get("/properties", headers={"origin": "https://evil.example"})
    assert friend.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "access-control-allow-origin" not in stranger.headers
