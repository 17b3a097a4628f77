"""Who asks for what is not there: a browser gets a page with links, a program gets JSON."""

from __future__ import annotations

import re

import pytest

from rasr.server.http.nothing_page import wants_page
from rasr.server.http.templates import preferred_language
from rasr.server.service import Service
from tests.server.test_pages import client

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("path", "english", "chinese"),
    [
        ("/captions/", "/captions/NAME", "字幕"),
        ("/captions", "/captions/NAME", "字幕"),
        ("/docs", "The documents come with", "文档"),
        ("/v1/me/rasr/continue-stream", "Programs open a websocket", "供程序使用的地址"),
        ("/nothing", "There is nothing here", "这里没有内容"),
    ],
)
async def test_a_browser_gets_a_page_in_its_language(
    service: Service, path: str, english: str, chinese: str
) -> None:
    async with client(service) as http:
        for language, words, tag in (
            ("en-GB", english, "en"),
            ("zh-CN,en;q=0.5", chinese, "zh-Hans"),
        ):
            headers = {"accept": BROWSER, "accept-language": language}
            answer = await http.get(path, headers=headers)
            assert answer.status_code == 404
            assert answer.headers["content-type"].startswith("text/html")
            assert answer.headers["vary"] == "accept, accept-language"
            assert "script-src 'self'" in answer.headers["content-security-policy"]
            assert f'<html lang="{tag}">' in answer.text
            assert words in answer.text
            assert "{{" not in answer.text


async def test_every_link_and_file_of_the_page_is_there(service: Service) -> None:
    async with client(service) as http:
        page = (await http.get("/nothing", headers={"accept": BROWSER})).text
        addresses = re.findall(r'(?:href|src)="([^"]+)"', page)
        assert {"/", "/languages", "/page/nothing.css"} <= set(addresses)
        for address in addresses:
            assert (await http.get(address)).status_code == 200


async def test_what_was_asked_for_is_shown_as_text_and_no_more(service: Service) -> None:
    async with client(service) as http:
        answer = await http.get(
            f"/<script>alert(1)</script>{'x' * 500}", headers={"accept": BROWSER}
        )
    assert "<script" not in answer.text
    assert "404 · /&lt;script&gt;alert(1)&lt;/script&gt;x" in answer.text
    assert "x" * 121 not in answer.text


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "text/plain, */*"])
async def test_a_program_gets_json(service: Service, accept: str | None) -> None:
    async with client(service) as http:
        if accept is None:
            del http.headers["accept"]
        answer = await http.get("/captions/", headers={} if accept is None else {"accept": accept})
    assert answer.status_code == 404
    assert answer.json()["error_code"] == "APIG.0101"


async def test_a_method_that_is_not_for_a_path_is_told_in_the_same_way(service: Service) -> None:
    async with client(service) as http:
        program = await http.post("/healthz")
        browser = await http.post("/healthz", headers={"accept": BROWSER})
    assert (program.status_code, browser.status_code) == (405, 405)
    assert program.json()["error_code"] == "APIG.0101"
    assert "405 · /healthz" in browser.text


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("TEXT/HTML;q=0.5", True),
        ("", False),
        ("text/htmlx", False),
        ("*/*", False),
    ],
)
def test_who_accepts_a_page_wants_it(accept: str, wanted: bool) -> None:
    assert wants_page(accept) is wanted


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "en"),
        ("zh", "zh"),
        ("zh-Hans-CN", "zh"),
        ("en, zh", "en"),
        ("en;q=0.4, zh-TW;q=0.6", "zh"),
        ("de, zh;q=0.2", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=high", "en"),
        ("zh;q=2", "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_prefers(header: str, language: str) -> None:
    assert preferred_language(header) == language


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/any/rasr/continue-stream", "is the address of a websocket: open it with ws://"),
        ("/captions", "add the name of a channel, as in /captions/stage"),
        ("/elsewhere", "nothing is served at '/elsewhere'; websockets are at /v1/{project_id}/"),
    ],
)
async def test_a_program_is_told_what_is_meant(service: Service, path: str, told: str) -> None:
    async with client(service) as http:
        answer = await http.get(path)
    assert answer.status_code == 404
    assert told in answer.json()["error_msg"]
