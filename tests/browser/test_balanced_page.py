"""The page before two replicas behind HAProxy, which ask who calls: a ticket counts at one only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from tests.browser.conftest import Watched
from tests.browser.server import ThreadServer
from tests.browser.test_sign_in import sign_in, stop
from tests.browser.test_speaking import press
from tests.browser.waiting import expect_at_least
from tests.replicas.conftest import haproxy
from tests.replicas.test_balanced import balanced
from tests.server.auth.conftest import accounts

__all__ = ["haproxy"]


@pytest.mark.long
def test_a_page_comes_back_to_its_replica_and_where_that_is_gone_goes_to_another_one(
    pages: Watched,
    tmp_path: Path,
    haproxy: Any,
) -> None:
    directory = accounts()
    servers = [ThreadServer(directory) for _ in range(2)]
    for server in servers:
        server.start()
    running: Any = servers
    try:
        with (
            start_blocking_portal() as portal,
            portal.wrap_async_context_manager(balanced(haproxy, tmp_path, running)) as url,
        ):
            page = pages.open(url.replace("ws://127.0.0.1", "http://localhost"))
            sign_in(page)
            for count in range(1, 5):
                press(page, "Start")
                expect_at_least(page, ".sentence", count)
                stop(page)
            rounds = [server.rounds_so_far for server in servers]
            assert sorted(rounds) == [0, 4]
            left = rounds.index(4)
            servers[left].end()
            press(page, "Start")
            expect_at_least(page, ".sentence", 5)
            stop(page)
            assert servers[1 - left].rounds_so_far == 1
            page.close()
    finally:
        for server in servers:
            server.end()
