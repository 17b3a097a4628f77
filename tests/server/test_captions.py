"""Captions over HTTP on loopback: the stream, the files, the page, and the end of a server."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from starlette.types import Message

from bench.report import ROOT
from rasr.asgi import ABORT
from rasr.captions import Broadcaster, readable
from rasr.captions.files import srt, vtt
from rasr.server.channels.directory import OwnChannels
from rasr.server.http.captions import EventStream
from rasr.server.http.captions_page import PARAMETERS
from rasr.server.origins import OriginRule
from rasr.server.service import Service
from rasr.settings import CaptionSettings, Settings
from rasr.tasks import notice_faults
from tests.captions.test_channel import events
from tests.captions.values import final, partial
from tests.processes import LONG_S
from tests.server.audio import quiet, voiced
from tests.server.conftest import fake_settings
from tests.server.sdk import SdkClient


def http_of(service: Service) -> str:
    return service.url.replace("ws://", "http://")


@pytest.fixture
async def web(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=http_of(service), timeout=LONG_S) as client:
        yield client


class Stream:
    """An open stream of events."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._chunks = response.aiter_raw()
        self._waiting: list[dict[str, Any]] = []
        self._rest = b""

    async def next(self, kind: str, **values: object) -> dict[str, Any]:
        """The next event of a kind with these values; what comes before it is passed over."""
        while True:
            while self._waiting:
                one = self._waiting.pop(0)
                if one["event"] == kind and values.items() <= one.items():
                    return one
            *whole, self._rest = (self._rest + await anext(self._chunks)).split(b"\n\n")
            self._waiting += events(b"\n\n".join(whole))

    async def any(self) -> dict[str, Any]:
        """The next event, whatever it is."""
        while not self._waiting:
            *whole, self._rest = (self._rest + await anext(self._chunks)).split(b"\n\n")
            self._waiting += events(b"\n\n".join(whole))
        return self._waiting.pop(0)

    async def at_end(self) -> list[dict[str, Any]]:
        """All that still comes, until the server ends the stream."""
        rest = self._rest + b"".join([chunk async for chunk in self._chunks])
        told, self._waiting = self._waiting + events(rest), []
        return told


@asynccontextmanager
async def watching(
    web: httpx.AsyncClient, name: str = "stage", last: str | None = None
) -> AsyncIterator[Stream]:
    headers = {} if last is None else {"Last-Event-ID": last}
    async with web.stream("GET", f"/captions/{name}/events", headers=headers) as response:
        yield Stream(response)


async def speak(client: SdkClient, ms: int = 1200, **config: object) -> None:
    await client.start(interim_results="yes", caption_channel="stage", **config)
    await client.audio(quiet(300) + voiced(ms) + quiet(900))


class TestStream:
    async def test_a_viewer_sees_a_sentence_roll_and_then_its_final(
        self, service: Service, web: httpx.AsyncClient
    ) -> None:
        async with watching(web) as stream, SdkClient(service.url) as client:
            assert stream.response.headers["content-type"].startswith("text/event-stream")
            assert (await stream.next("state"))["state"] == "waiting"
            await speak(client)
            await stream.next("state", state="live")
            partial = await stream.next("cue", final=False)
            final = await stream.next("cue", final=True)
            await client.end()
            await stream.next("state", state="ended")
        (told,) = client.finals
        assert partial["id"] == final["id"] == 1
        assert final["text"] == told["result"]["text"]
        assert final["start"] == told["start_time"]
        assert final["end"] >= told["end_time"]
        assert final["revision"] > partial["revision"]

    async def test_the_speaker_is_sent_no_words_that_he_did_not_ask_for(
        self, service: Service
    ) -> None:
        async with SdkClient(service.url) as client:
            await speak(client)
            await client.end()
        assert "word_info" not in client.finals[0]["result"]

    async def test_who_comes_back_with_the_last_id_misses_no_final(
        self, service: Service, web: httpx.AsyncClient
    ) -> None:
        async with SdkClient(service.url) as client:
            await speak(client)
            async with watching(web) as stream:
                last = (await stream.next("cue", final=True))["event_id"]
            await client.audio(voiced(800, seed=2) + quiet(900) + voiced(800, seed=3) + quiet(900))
            await client.end()
            async with watching(web, last=last) as stream:
                assert (await stream.next("cue"))["id"] == 2
                assert (await stream.next("cue"))["id"] == 3

    async def test_a_viewer_who_leaves_is_forgotten(
        self, service: Service, web: httpx.AsyncClient
    ) -> None:
        async with watching(web) as stream:
            await stream.next("state")
            assert service.state.captions.viewers == 1
        await service.state.captions.wait_without_viewers()
        assert service.state.captions.viewers == 0

    async def test_one_viewer_too_many_is_told_in_words(self) -> None:
        settings = fake_settings(captions={"max_viewers": 1})
        async with Service(settings) as service:
            async with (
                httpx.AsyncClient(base_url=http_of(service), timeout=LONG_S) as web,
                watching(web) as stream,
            ):
                await stream.next("state")
                answer = await web.get("/captions/stage/events")
        assert answer.status_code == 503
        assert "1 of 1 viewers are here" in answer.text
        assert answer.headers["retry-after"] == "10"

    async def test_a_head_request_has_no_body_and_takes_no_place(
        self, service: Service, web: httpx.AsyncClient
    ) -> None:
        answer = await web.head("/captions/stage/events")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert service.state.captions.viewers == 0

    async def test_a_viewer_who_does_not_read_gets_every_final_and_slows_nobody(self) -> None:
        """Read late, the stream has all finals, and of the partials but the few that fitted in."""
        sentences = 3000
        async with Service(fake_settings()) as service:
            captions = service.state.captions
            host, _, port = http_of(service).removeprefix("http://").partition(":")
            lazy = socket.socket()
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(lazy, (host, int(port)))
            request = (
                "GET /captions/stage/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 0\r\n\r\n"
            )
            await loop.sock_sendall(lazy, request.encode())
            assert (await loop.sock_recv(lazy, 12)).endswith(b"200")
            publisher = captions.open("stage")
            for number in range(sentences):
                publisher.on_event(partial(f"partial {number}"))
                await asyncio.sleep(0)
                publisher.on_event(final(f"final {number}"))
                await asyncio.sleep(0)
            stopping = asyncio.create_task(captions.close(60))
            received = bytearray()
            while part := await loop.sock_recv(lazy, 1 << 16):
                received += part
                if received.endswith(b"0\r\n\r\n"):
                    break
            lazy.close()
            await stopping
        finals = re.findall(rb'"text": "final (\d+)"', bytes(received))
        assert [int(one) for one in finals] == list(range(sentences))
        assert received.count(b'"partial ') < sentences / 5

    async def test_a_viewer_who_takes_nothing_for_too_long_is_dropped(self) -> None:
        captions = Broadcaster(CaptionSettings(), asyncio.get_running_loop())
        aborted = asyncio.Event()

        async def receive() -> Message:
            await aborted.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                await aborted.wait()

        scope = {
            "type": "http",
            "method": "GET",
            "headers": [],
            "path_params": {"name": "stage"},
            "extensions": {ABORT: aborted.set},
        }
        origins = OriginRule.of((), names_are_ours=False)
        await EventStream(captions, OwnChannels(), origins, send_timeout_s=0.001)(
            scope, receive, send
        )
        assert aborted.is_set()
        assert captions.viewers == 0

    async def test_one_that_cannot_be_heard_any_more_is_forgotten(self) -> None:
        loop, counted = asyncio.get_running_loop(), asyncio.Semaphore(0)
        captions = Broadcaster(CaptionSettings(), loop)
        notice_faults(loop, counted.release)

        async def receive() -> Message:
            raise ConnectionError("a fault of the server beneath")

        async def send(message: Message) -> None:
            pass

        scope = {
            "type": "http",
            "method": "GET",
            "headers": [],
            "path_params": {"name": "stage"},
        }
        origins = OriginRule.of((), names_are_ours=False)
        await EventStream(captions, OwnChannels(), origins, send_timeout_s=5.0)(
            scope, receive, send
        )
        assert captions.viewers == 0
        await counted.acquire()


class TestChannels:
    async def test_a_second_speaker_is_refused_while_the_first_one_is_there(
        self, service: Service
    ) -> None:
        async with SdkClient(service.url) as first, SdkClient(service.url) as second:
            await first.start(caption_channel="stage")
            await second.start(caption_channel="stage")
            (error,) = second.messages
            assert error["error_code"] == "SIS.0032"
            assert error["error_msg"] == (
                "'caption_channel' is invalid: it is 'stage', to which another round is "
                "publishing; allowed: a channel without an open round, and of no other project"
            )
            await first.end()
            second.state = "connected"
            await second.start(caption_channel="stage")
            assert second.state == "started"

    async def test_one_channel_too_many_is_refused_with_the_numbers(self) -> None:
        settings = fake_settings(captions={"max_channels": 1, "grace_s": 60})
        async with Service(settings) as service:
            async with SdkClient(service.url) as first, SdkClient(service.url) as second:
                await first.start(caption_channel="stage")
                await second.start(caption_channel="other")
                (error,) = second.messages
        assert error["error_code"] == "SIS.0312"
        assert error["error_msg"] == (
            "'caption_channel' is refused: 1 of 1 caption channels are in use or watched; "
            "try again when one is not"
        )

    async def test_a_speaker_who_vanishes_leaves_the_channel_free(
        self, service: Service, web: httpx.AsyncClient
    ) -> None:
        async with watching(web) as stream:
            async with SdkClient(service.url) as first:
                await first.start(caption_channel="stage")
                await stream.next("state", state="live")
            await stream.next("state", state="ended")
            async with SdkClient(service.url) as second:
                await second.start(caption_channel="stage")
                assert second.state == "started"


class TestFiles:
    async def test_what_was_said_so_far_can_be_read_in_three_forms(
        self, service: Service, web: httpx.AsyncClient
    ) -> None:
        async with SdkClient(service.url) as client:
            await speak(client, 4000)
            await client.end()
        history = service.state.captions.history("stage")
        assert history is not None
        assert history.cues
        cues = readable(history.cues)
        texts = [one["result"]["text"] for one in client.finals]
        for kind, media_type, document in (
            ("vtt", "text/vtt", vtt(cues)),
            ("srt", "application/x-subrip", srt(cues)),
            ("txt", "text/plain", "".join(f"{text}\n" for text in texts)),
        ):
            answer = await web.get(f"/captions/stage.{kind}")
            assert answer.status_code == 200
            assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
            assert answer.text == document

    @pytest.mark.parametrize("kind", ["vtt", "srt", "txt"])
    async def test_of_a_channel_that_is_not_there_a_sentence_says_so(
        self, web: httpx.AsyncClient, kind: str
    ) -> None:
        answer = await web.get(f"/captions/stage.{kind}")
        assert answer.status_code == 404
        assert answer.text.startswith("There is no caption channel 'stage'")

    @pytest.mark.parametrize("path", ["", "/events", ".vtt", "/share", "/preview"])
    async def test_a_name_that_is_none_is_answered_with_what_is_allowed(
        self, web: httpx.AsyncClient, path: str
    ) -> None:
        answer = await web.get(f"/captions/no%20name{path}")
        assert answer.status_code == 404
        assert "1 to 64 characters of A-Z, a-z, 0-9, _ and -" in answer.text


class TestPage:
    @pytest.mark.parametrize(
        ("path", "parts"),
        [
            ("", {"static/captions.css", "static/captions.js"}),
            ("/preview", {"../static/captions.css", "../static/preview.js"}),
            ("/share", {"../static/share.css", "../static/share.js"}),
        ],
    )
    async def test_it_needs_nothing_but_what_this_server_has(
        self, web: httpx.AsyncClient, path: str, parts: set[str]
    ) -> None:
        answer = await web.get(f"/captions/stage{path}")
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "://" not in answer.text
        assert not re.search(r"<style|style=|<script>| on\w+=", answer.text)
        wanted = set(re.findall(r'(?:src|href)="([./]*static/[^"]+)"', answer.text))
        assert wanted == parts
        for part in wanted:
            found = await web.get(urljoin(f"/captions/stage{path}", part))
            assert found.status_code == 200

    async def test_only_the_page_with_something_to_press_is_kept_out_of_frames(
        self, web: httpx.AsyncClient
    ) -> None:
        framed = {
            path: "frame-ancestors 'none'"
            not in (await web.get(f"/captions/stage{path}")).headers["content-security-policy"]
            for path in ("", "/preview", "/share")
        }
        assert framed == {"": True, "/preview": True, "/share": False}

    @pytest.mark.parametrize(
        ("query", "accepted", "language"),
        [
            ("", "", "en"),
            ("", "en-GB,en;q=0.9,zh;q=0.8", "en"),
            ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
            ("", "fr,zh-TW;q=0.5", "zh-Hans"),
            ("", "fr", "en"),
            ("?lang=zh", "en", "zh-Hans"),
            ("?lang=en", "zh", "en"),
            ("?lang=auto", "zh", "zh-Hans"),
        ],
    )
    @pytest.mark.parametrize("path", ["", "/preview", "/share"])
    async def test_its_language_is_the_one_asked_for_or_the_browser_s(
        self, web: httpx.AsyncClient, path: str, query: str, accepted: str, language: str
    ) -> None:
        headers = {"accept-language": accepted}
        answer = await web.get(f"/captions/stage{path}{query}", headers=headers)
        assert f'<html lang="{language}">' in answer.text

    async def test_its_look_is_in_its_address(self, web: httpx.AsyncClient) -> None:
        answer = await web.get(
            "/captions/stage?size=8.5&lines=3&position=top&align=left&color=ffff00"
            "&box=transparent&background=%23123456&hold=0&partials=no&lang=zh"
            "&font=serif&shadow=outline&status=no"
        )
        assert '<html lang="zh-Hans">' in answer.text
        for attribute in (
            'channel="stage"',
            'size="8.5"',
            'lines="3"',
            'position="top"',
            'align="left"',
            'color="#ffff00"',
            'box="transparent"',
            'background="#123456"',
            'hold="0"',
            'partials="no"',
            'lang="zh"',
            'font="serif"',
            'shadow="outline"',
            'status="no"',
        ):
            assert f"data-{attribute}" in answer.text

    def test_the_document_has_every_parameter_as_it_is_read(self) -> None:
        page = (ROOT / "docs/captions.md").read_text("utf-8")
        rows = [
            f"| `{name}` | {parameter.default} | {parameter.allowed} |"
            for name, parameter in PARAMETERS.items()
        ]
        assert [row for row in rows if row not in page] == []

    @pytest.mark.parametrize("name", list(PARAMETERS))
    async def test_a_value_that_is_not_allowed_is_told_with_what_is(
        self, web: httpx.AsyncClient, name: str
    ) -> None:
        answer = await web.get("/captions/stage", params={name: '"><script>'})
        assert answer.status_code == 400
        assert f"{name} is " in answer.text
        assert PARAMETERS[name].allowed.split("'")[0] in answer.text
        assert "<script" not in answer.text

    @pytest.mark.parametrize("path", ["", "/preview", "/share"])
    async def test_every_page_tells_it_with_a_style_of_its_own(
        self, web: httpx.AsyncClient, path: str
    ) -> None:
        answer = await web.get(f"/captions/stage{path}?size=100")
        assert answer.status_code == 400
        assert "size is &#x27;100&#x27;" in answer.text
        (style,) = re.findall(r'href="([./]*static/[^"]+)"', answer.text)
        found = await web.get(urljoin(f"/captions/stage{path}", style))
        assert found.status_code == 200

    async def test_a_parameter_that_there_is_not_is_told_with_those_there_are(
        self, web: httpx.AsyncClient
    ) -> None:
        answer = await web.get("/captions/stage?colour=fff&size=100")
        assert answer.status_code == 400
        assert "There is no parameter &#x27;colour&#x27;; allowed: size, lines" in answer.text
        assert "size is &#x27;100&#x27;" in answer.text


class TestStrangers:
    """Their own name leads to loopback: to a browser their page is of the server's origin then."""

    @pytest.mark.parametrize("path", ["", "/events", ".vtt", ".srt", ".txt", "/share"])
    async def test_who_comes_by_a_name_that_is_not_known_is_told_nothing(
        self, service: Service, web: httpx.AsyncClient, path: str
    ) -> None:
        async with SdkClient(service.url) as client:
            await speak(client)
            await client.end()
        answer = await web.get(f"/captions/stage{path}", headers={"host": "evil.example:8765"})
        assert answer.status_code == 403
        assert "server.allowed_origins in its settings may name" in answer.text
        assert client.finals[0]["result"]["text"] not in answer.text

    async def test_a_name_of_a_proxy_is_known_when_it_is_listed(self) -> None:
        settings = fake_settings(server={"allowed_origins": ("https://talk.example",)})
        async with Service(settings) as service:
            async with httpx.AsyncClient(base_url=http_of(service), timeout=LONG_S) as web:
                for host, status in (("talk.example", 200), ("other.example", 403)):
                    answer = await web.get("/captions/stage", headers={"host": host})
                    assert answer.status_code == status


class TestShutdown:
    @pytest.fixture
    def endless(self, monkeypatch: pytest.MonkeyPatch) -> Settings:
        """Of a server that waits for ever, as far as these tests are concerned, where it waits."""
        monkeypatch.setattr("rasr.server.service._GRACE_S", 3600.0)
        return fake_settings(server={"drain_s": 3600.0})

    async def test_viewers_get_the_last_final_and_an_end_and_hold_nothing_up(
        self, endless: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("rasr.server.service._FAREWELL_S", 3600.0)
        async with Service(endless) as service:
            async with httpx.AsyncClient(base_url=http_of(service), timeout=LONG_S) as web:
                async with watching(web) as stream, SdkClient(service.url) as client:
                    await client.start(interim_results="yes", caption_channel="stage")
                    await client.audio(quiet(300) + voiced(1200))
                    await stream.next("cue", final=False)
                    async with asyncio.timeout(LONG_S):
                        await service.stop()
                    told = await stream.at_end()
        assert [one["state"] for one in told if one["event"] == "state"] == ["ended", "closing"]
        assert [one["final"] for one in told if one["event"] == "cue"][-1] is True

    async def test_a_viewer_who_does_not_read_does_not_hold_it_up(self, endless: Settings) -> None:
        async with Service(endless) as service:
            captions = service.state.captions
            host, _, port = http_of(service).removeprefix("http://").partition(":")
            with socket.socket() as lazy:
                lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                lazy.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(lazy, (host, int(port)))
                await loop.sock_sendall(
                    lazy, b"GET /captions/stage/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
                )
                assert (await loop.sock_recv(lazy, 12)).endswith(b"200")
                publisher = captions.open("stage")
                for number in range(2000):
                    publisher.on_event(final(f"final {number}"))
                    await asyncio.sleep(0)
                publisher.close()
                # He has a moment to take his farewell.
                async with asyncio.timeout(LONG_S):
                    await service.stop()
            assert captions.viewers == 0
