"""What a person is told when a server is ready."""

from __future__ import annotations

import socket

import pytest

from rasr.server.listener import addresses_of_others, listen, url_of
from rasr.server.ready import ready_message
from rasr.server.service import Service
from tests.server.conftest import fake_settings

_ASKED = "Callers are asked who they are. Keys, usage, hot words, live sessions: "
WS = "ws://127.0.0.1:8765"


def test_on_this_machine_it_is_where_to_go_and_what_is_recognised() -> None:
    served = {"english": "moonshine-tiny-en", "chinese": "x-asr-480ms", "english_8k": "x-asr-480ms"}
    assert ready_message(WS, [], served, asks=True).splitlines() == [
        f"Open http://localhost:8765 in a browser. Clients: {WS}",
        "Recognises english: moonshine-tiny-en",
        "Recognises chinese, english_8k: x-asr-480ms",
        f"{_ASKED}http://localhost:8765/console",
    ]


def test_for_other_machines_it_has_their_address_and_what_the_microphone_needs() -> None:
    others = ["192.0.2.7", "2001:db8::7"]
    lines = ready_message(WS, others, {"english": "one"}, asks=True).splitlines()
    assert lines[2] == "From other machines: http://192.0.2.7:8765, http://[2001:db8::7]:8765"
    assert "https for the microphone" in lines[3]
    assert "docs/team.md" in lines[3]


def test_with_tls_nothing_more_is_needed_for_the_microphone() -> None:
    lines = ready_message("wss://127.0.0.1:8765", ["192.0.2.7"], {}, asks=True).splitlines()
    assert lines == [
        "Open https://localhost:8765 in a browser. Clients: wss://127.0.0.1:8765",
        "From other machines: https://192.0.2.7:8765",
        f"{_ASKED}https://localhost:8765/console",
    ]


def test_a_server_that_is_open_says_so() -> None:
    last = ready_message(WS, [], {}, asks=False).splitlines()[-1]
    assert last.startswith("Nobody is asked who they are;")


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("ws://[::1]:9", "http://localhost:9"),
        # Names of this machine lead to other addresses than the one that it listens on.
        ("ws://127.0.0.2:9", "http://127.0.0.2:9"),
        ("ws://[2001:db8::7]:9", "http://[2001:db8::7]:9"),
    ],
)
def test_the_page_is_where_the_server_listens(url: str, page: str) -> None:
    opened, asked = ready_message(url, [], {}, asks=True).splitlines()
    assert opened == f"Open {page} in a browser. Clients: {url}"
    assert asked == f"{_ASKED}{page}/console"


@pytest.mark.parametrize(("host", "own"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]")])
def test_an_address_that_stands_for_all_is_never_told(
    host: str, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {
        socket.AF_INET: ["127.0.1.1", "192.0.2.7", "169.254.1.1"],
        socket.AF_INET6: ["::1", "fe80::1%1", "2001:db8::7"],
    }
    with listen(host, 0) as listener:
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda name, port, family, kind: [
                (family, kind, 0, "", (one, 0)) for one in known[family]
            ],
        )
        assert url_of(listener, is_secure=False) == f"ws://{own}:{listener.getsockname()[1]}"
        others = addresses_of_others(listener)
    assert "192.0.2.7" in others
    assert ("2001:db8::7" in others) == (host == "::")
    # One more may be the one by which the machine of the test reaches others.
    assert not {"127.0.1.1", "169.254.1.1", "::1", "fe80::1%1", "0.0.0.0", "::"} & set(others)


def test_on_loopback_nobody_else_is_told_anything() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert addresses_of_others(listener) == []


async def test_a_server_beyond_loopback_tells_an_address_that_works_here() -> None:
    settings = fake_settings(server={"port": 0, "host": "0.0.0.0"}, auth={"kind": "none"})
    async with Service(settings) as service:
        first = service.ready_message.splitlines()[0]
        assert first.endswith(f"Clients: {service.url}")
        assert service.url.startswith("ws://127.0.0.1:")
        assert "0.0.0.0" not in service.ready_message
