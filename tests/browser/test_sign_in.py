"""A server that needs a sign-in, and a page that has no form for it yet."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched, picture
from tests.browser.server import ThreadServer
from tests.browser.test_speaking import press

OIDC = {"issuer": "https://login.example", "audience": "rasr"}


@pytest.mark.parametrize("phone", [False, True])
def test_the_page_says_that_the_server_needs_a_sign_in(
    pages: Watched, own_server: Callable[..., ThreadServer], phone: bool
) -> None:
    server = own_server(auth={"kind": "accounts"}, oidc=OIDC)
    pages.expect("401 (Unauthorized)", "no valid credentials available")
    page = pages.open(server.url, phone=phone)
    press(page, "Start")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("This server needs a sign-in.")
    expect(alert).to_contain_text("cannot sign in yet")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    picture(page, f"sign-in-{'phone' if phone else 'desk'}")
