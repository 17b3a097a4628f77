"""Signing in to a server that asks who calls, from its page."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rasr.identity.policies import FULL_ACCESS, SYSTEM_POLICIES, Policy, PolicyGrant
from tests.browser.conftest import Watched, picture, serious
from tests.browser.server import FAKE, Server, ThreadServer
from tests.browser.test_speaking import press
from tests.browser.waiting import expect_at_least, expect_status, soon
from tests.identity.memory_directory import MemoryDirectory
from tests.identity.signing import AK, PROJECT, SK
from tests.longer import mostly_long
from tests.server.auth.conftest import ALICE, OTHER, PASSWORD, accounts

OIDC = {"issuer": "https://login.example", "audience": "rasr"}
UNAUTHORISED = "401 (Unauthorized)"
FORBIDDEN = "403 (Forbidden)"

MakeServer = Callable[..., ThreadServer]


@pytest.fixture
def directory() -> MemoryDirectory:
    """Alice of the domain acme, who may do everything in her only project."""
    return accounts()


@pytest.fixture
def server(own_server: MakeServer, directory: MemoryDirectory) -> ThreadServer:
    return own_server(directory)


def fill(page: Page, password: str = PASSWORD, user: str = "alice", domain: str = "acme") -> None:
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("User", exact=True).fill(user)
    dialog.get_by_label("Password", exact=True).fill(password)
    dialog.locator("details").evaluate("details => { details.open = true; }")
    dialog.get_by_label("Domain", exact=True).fill(domain)


def send(page: Page) -> None:
    page.get_by_role("dialog", name="Sign in").get_by_role("button", name="Sign in").click()


def sign_in(page: Page) -> None:
    press(page, "Sign in")
    fill(page)
    send(page)
    expect(page.locator("#who-name")).to_have_text("alice, project cn-north-4")


def started_too_late(pages: Watched, server: ThreadServer, directory: MemoryDirectory) -> Page:
    """Whoever presses Start here has signed in, and is not signed in any more."""
    pages.expect(UNAUTHORISED)
    page = pages.open(server.url)
    sign_in(page)
    revoke_all(directory)
    press(page, "Start")
    return page


def fault(page: Page, text: str) -> None:
    expect(page.locator("#sign-in-fault")).to_contain_text(text)
    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()


def stop(page: Page) -> None:
    press(page, "Stop")
    expect_status(page, "Done. Press to speak again.")


def revoke_all(directory: MemoryDirectory) -> None:
    for digest, token in directory.tokens.items():
        directory.tokens[digest] = replace(token, revoked_at=time.time())


def left_behind(page: Page) -> str:
    """All that the browser keeps for the page, and all that the page shows or says."""
    kept: str = page.evaluate(
        """async () => {
          const names = (await indexedDB.databases()).map(({name}) => name);
          const values = [...document.querySelectorAll("input")].map(({value}) => value);
          return JSON.stringify([
            {...localStorage}, {...sessionStorage}, document.cookie, location.href, names, values,
            document.documentElement.outerHTML,
          ]);
        }"""
    )
    return kept


@pytest.mark.parametrize("phone", mostly_long([False, True], True))
def test_who_starts_is_asked_first_and_then_speaks(
    pages: Watched, server: ThreadServer, directory: MemoryDirectory, phone: bool
) -> None:
    tokens: list[str] = []
    page = pages.open(server.url, phone=phone)
    page.on("response", lambda answer: tokens.append(answer.headers.get("x-subject-token", "")))
    expect(page.locator("#who")).to_be_visible()
    press(page, "Start")
    dialog = page.get_by_role("dialog", name="Sign in")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("User", exact=True)).to_be_focused()
    expect(dialog).to_have_accessible_description("This server asks who uses it.")
    assert serious(page) == []
    picture(page, f"sign-in-{'phone' if phone else 'desk'}")
    fill(page)
    send(page)
    expect_at_least(page, ".sentence", 2)
    expect(page.locator("#who-name")).to_have_text("alice, project cn-north-4")
    press(page, "Messages")
    text = page.locator("#message-list").inner_text()
    assert '"command":"START"' in text
    [token] = filter(None, tokens)
    kept = left_behind(page)
    assert token not in kept + text
    assert PASSWORD not in kept + text
    page.locator("#messages-close").click()
    stop(page)
    assert serious(page) == []
    picture(page, f"signed-in-{'phone' if phone else 'desk'}")
    assert [entry.action for entry in directory.audit] == ["iam:token:create"]


@pytest.mark.long
def test_browsers_and_password_managers_know_the_fields(
    pages: Watched, server: ThreadServer
) -> None:
    page = pages.open(server.url)
    press(page, "Sign in")
    fields = {
        name: page.locator(f"#sign-in-{name}").get_attribute("autocomplete")
        for name in ("user", "password")
    }
    assert fields == {"user": "username", "password": "current-password"}
    assert page.locator("#sign-in-password").get_attribute("type") == "password"


def test_signing_in_and_out_by_keyboard_alone(
    pages: Watched, server: ThreadServer, directory: MemoryDirectory
) -> None:
    page = pages.open(server.url)
    page.get_by_role("button", name="Sign in").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("alice")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("acme")
    page.keyboard.press("Enter")
    expect(page.locator("#who-name")).to_have_text("alice, project cn-north-4")
    page.get_by_role("button", name="Sign out").focus()
    with page.expect_response("**/v3/auth/tokens") as answer:
        page.keyboard.press("Enter")
    assert answer.value.status == 204
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_focused()
    [token] = directory.tokens.values()
    assert token.revoked_at is not None
    # Escape leaves the dialog, and nobody is signed in.
    press(page, "Start")
    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Sign in")).to_be_hidden()
    expect_status(page, "Press and speak, or drop a recording.")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()


def test_what_is_wrong_is_told_in_a_sentence(
    pages: Watched, server: ThreadServer, directory: MemoryDirectory
) -> None:
    pages.expect(UNAUTHORISED, FORBIDDEN, "400 (Bad Request)", "404 (Not Found)")
    pages.expect("500 (Internal Server Error)", "429 (Too Many Requests)")
    page = pages.open(server.url)
    press(page, "Sign in")
    send(page)
    fault(page, "User, password and domain are needed.")
    # Of the default domain there is no such user; the field for another one is opened.
    page.get_by_label("User", exact=True).fill("alice")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    send(page)
    fault(page, "User, password or domain is wrong.")
    expect(page.get_by_label("Domain", exact=True)).to_be_visible()
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    picture(page, "sign-in-wrong")
    assert serious(page) == []
    fill(page)
    page.get_by_label("Project", exact=True).fill("nowhere")
    send(page)
    fault(page, "There is no such project in this domain.")
    page.get_by_label("Project", exact=True).fill("cn-east-3")
    send(page)
    fault(page, "no policy of this user applies in project cn-east-3")
    grant = PolicyGrant(FULL_ACCESS, SYSTEM_POLICIES[FULL_ACCESS], OTHER)
    directory.grant(ALICE, grant)
    page.get_by_label("Project", exact=True).fill("")
    send(page)
    fault(page, "In which project?")
    expect(page.get_by_label("Project", exact=True)).to_be_focused()
    directory.is_down = True
    send(page)
    fault(page, "the accounts cannot be reached now")
    directory.is_down = False
    for _ in range(5):
        fault_before = page.locator("#sign-in-fault").inner_text()
        assert "locked" not in fault_before
        fill(page, "wrong")
        with page.expect_response("**/v3/auth/tokens"):
            send(page)
        fault(page, "User, password or domain is wrong")
        soon(page, "() => document.querySelector('#sign-in-send').ariaDisabled !== 'true'")
    fault(page, "this user is locked")
    # Also with the right one.
    fill(page)
    page.get_by_label("Project", exact=True).fill("cn-east-3")
    with page.expect_response("**/v3/auth/tokens") as answer:
        send(page)
    assert answer.value.status == 401
    fault(page, "this user is locked")
    server.end()
    send(page)
    pages.expect("ERR_CONNECTION_REFUSED")
    fault(page, "The server does not answer.")


@pytest.mark.long
def test_an_address_with_many_wrong_passwords_waits(pages: Watched, server: ThreadServer) -> None:
    pages.expect("429 (Too Many Requests)")
    page = pages.open(server.url)
    headers = {"retry-after": "7"}
    body = '{"error": {"code": 429, "message": "too many", "title": "Too Many Requests"}}'
    page.route(
        "**/v3/auth/tokens", lambda route: route.fulfill(status=429, headers=headers, body=body)
    )
    press(page, "Sign in")
    fill(page)
    send(page)
    fault(page, "Try again in 7 s.")


def test_a_key_speaks_and_is_asked_for_anew_once_it_counts_no_more(
    pages: Watched, server: ThreadServer, directory: MemoryDirectory
) -> None:
    # These accounts are in no store, so there are no keys to be listed.
    pages.expect(UNAUTHORISED, "404 (Not Found)")
    page = pages.open(server.url)
    press(page, "Sign in")
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("Access key", exact=True).check()
    dialog.get_by_label("Access key id (AK)").fill(AK)
    dialog.get_by_label("Secret (SK)").fill(SK)
    dialog.get_by_label("Project id").fill(PROJECT)
    send(page)
    expect(page.locator("#who-name")).to_contain_text(AK)
    press(page, "Start")
    expect_at_least(page, ".sentence", 1)
    stop(page)
    assert SK not in left_behind(page)
    directory.keys[AK] = replace(directory.keys[AK], revoked_at=time.time())
    press(page, "Start")
    expect(dialog).to_contain_text("Your sign-in is over.")
    expect(dialog.get_by_label("Access key id (AK)")).to_have_value(AK)
    expect(dialog.get_by_label("Project id")).to_have_attribute("readonly", "")
    expect(dialog.get_by_label("Secret (SK)")).to_be_focused()
    dialog.get_by_label("Secret (SK)").fill(SK)
    send(page)
    fault(page, "the key counts no more")
    press(page, "Cancel")
    expect(page.get_by_role("alert")).to_contain_text("This server needs a sign-in.")


def test_a_token_that_is_over_is_asked_for_anew_and_what_is_said_is_kept(
    pages: Watched, server: ThreadServer, directory: MemoryDirectory
) -> None:
    page = started_too_late(pages, server, directory)
    dialog = page.get_by_role("dialog", name="Sign in")
    expect(dialog).to_contain_text("Your sign-in is over.")
    expect(dialog.get_by_label("User", exact=True)).to_have_value("alice")
    expect(dialog.get_by_label("Password", exact=True)).to_be_focused()
    expect(dialog.get_by_label("Password", exact=True)).to_have_value("")
    picture(page, "sign-in-expired")
    # Meanwhile the microphone hears all four sentences.
    soon(page, "() => document.querySelector('#timer').textContent >= '0:09'")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    send(page)
    expect_at_least(page, ".sentence", 4)
    stop(page)


@pytest.mark.long
def test_a_token_that_is_over_when_a_lost_connection_comes_back(
    pages: Watched, server: ThreadServer, directory: MemoryDirectory
) -> None:
    pages.expect(UNAUTHORISED, "ERR_CONNECTION_REFUSED", "Error in connection establishment")
    page = pages.open(server.url)
    sign_in(page)
    press(page, "Start")
    expect_at_least(page, ".sentence", 1)
    server.end()
    revoke_all(directory)
    server.start()
    dialog = page.get_by_role("dialog", name="Sign in")
    expect(dialog).to_contain_text("What was said is kept.")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    send(page)
    expect_at_least(page, ".sentence", 4)
    stop(page)


@pytest.mark.long
def test_who_does_not_sign_in_again_is_told_and_can_go_on_later(
    pages: Watched, server: ThreadServer, directory: MemoryDirectory
) -> None:
    page = started_too_late(pages, server, directory)
    press(page, "Cancel")
    expect(page.get_by_role("alert")).to_contain_text("This server needs a sign-in.")
    press(page, "Start")
    expect(page.get_by_role("dialog", name="Sign in")).to_contain_text("Your sign-in is over.")


def test_a_tab_stays_signed_in_by_choice_alone(
    pages: Watched, server: ThreadServer, directory: MemoryDirectory
) -> None:
    pages.expect(UNAUTHORISED)
    page = pages.open(server.url)
    sign_in(page)
    page.reload()
    expect(page.locator("#sign-in-open")).to_be_visible()
    press(page, "Sign in")
    fill(page)
    page.get_by_label("Stay signed in in this tab").check()
    send(page)
    expect(page.locator("#who-name")).to_have_text("alice, project cn-north-4")
    page.reload()
    expect(page.locator("#who-name")).to_have_text("alice, project cn-north-4")
    kept = left_behind(page)
    assert PASSWORD not in kept
    assert page.evaluate("Object.keys(sessionStorage)") == ["rasr.sign_in"]
    assert "token" not in page.evaluate("JSON.stringify({...localStorage})")
    press(page, "Start")
    expect_at_least(page, ".sentence", 1)
    press(page, "Sign out")
    expect_status(page, "Done. Press to speak again.")
    assert page.evaluate("Object.keys(sessionStorage)") == []
    expect(page.locator("#sign-in-open")).to_be_visible()


@pytest.mark.long
def test_who_signs_out_of_a_server_that_is_gone_is_told(
    pages: Watched, server: ThreadServer
) -> None:
    pages.expect("ERR_CONNECTION_REFUSED")
    page = pages.open(server.url)
    sign_in(page)
    server.end()
    press(page, "Sign out")
    expect(page.locator("#notices")).to_contain_text("the server could not be told")
    expect(page.locator("#sign-in-open")).to_be_visible()


def test_subtitles_are_made_in_the_name_of_who_signed_in(
    pages: Watched, server: ThreadServer, directory: MemoryDirectory
) -> None:
    pages.expect(UNAUTHORISED)
    page = pages.open(server.url)
    sign_in(page)
    press(page, "Start")
    expect_at_least(page, ".sentence", 1)
    stop(page)
    revoke_all(directory)
    press(page, "Save")
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="SRT").click()
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        send(page)
    assert "-->" in Path(download.value.path()).read_text("utf-8")


@pytest.mark.parametrize(
    ("action", "denied"),
    [("sis:ticket:create", "sis:rasr:stream"), ("sis:rasr:*", "sis:ticket:create")],
)
def test_a_user_without_the_right_is_told_which(
    pages: Watched,
    server: ThreadServer,
    directory: MemoryDirectory,
    action: str,
    denied: str,
) -> None:
    pages.expect(FORBIDDEN, "Unexpected response code: 403")
    allowed = {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": [action]}]}
    directory.grants[ALICE.id] = [PolicyGrant("own", Policy.parse(allowed), PROJECT)]
    page = pages.open(server.url)
    sign_in(page)
    press(page, "Start")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(f"the policies of this user do not allow {denied}")


@pytest.mark.long
def test_code_that_is_shown_has_a_place_for_credentials_and_none_of_ours(
    pages: Watched, server: ThreadServer
) -> None:
    tokens: list[str] = []
    page = pages.open(server.url)
    page.on("response", lambda answer: tokens.append(answer.headers.get("x-subject-token", "")))
    sign_in(page)
    [token] = filter(None, tokens)
    press(page, "Show code")
    placeholders = {
        "Python": "YOUR_TOKEN",
        "JavaScript": "YOUR_TOKEN",
        "SIS SDK": "YOUR_ACCESS_KEY",
        "websocat": "YOUR_TOKEN",
        "curl": "YOUR_PASSWORD",
    }
    for program, placeholder in placeholders.items():
        page.get_by_role("radio", name=program).check()
        shown = page.locator("#code").inner_text()
        assert placeholder in shown
        assert PROJECT in shown
        assert token not in shown
        assert PASSWORD not in shown


@pytest.mark.long
def test_in_chinese_by_night(pages: Watched, server: ThreadServer) -> None:
    pages.expect(UNAUTHORISED)
    page = pages.open(server.url, locale="zh-CN", dark=True, phone=True)
    press(page, "登录")
    dialog = page.get_by_role("dialog", name="登录")
    dialog.get_by_label("用户名").fill("alice")
    dialog.get_by_label("密码").fill("wrong")
    dialog.get_by_role("button", name="登录").click()
    expect(page.locator("#sign-in-fault")).to_contain_text("用户名、密码或账号域有误")
    assert serious(page) == []
    picture(page, "sign-in-chinese-night")


@pytest.mark.long
def test_accounts_that_come_while_the_page_is_open(pages: Watched, own_server: MakeServer) -> None:
    pages.expect(UNAUTHORISED, "no valid credentials available")
    directory = MemoryDirectory()
    page = pages.open(own_server(directory).url)
    expect(page.locator("#who")).to_be_hidden()
    directory.add(ALICE)
    press(page, "Start")
    expect(page.get_by_role("alert")).to_contain_text("Press the button to sign in.")
    expect(page.locator("#sign-in-open")).to_be_visible()


@pytest.mark.parametrize("width", mostly_long([360, 580, 760, 897, 1089, 1280], 360, 897))
def test_who_is_signed_in_stands_in_one_line_at_any_width(
    pages: Watched, server: ThreadServer, width: int
) -> None:
    page = pages.open(server.url)
    page.set_viewport_size({"width": width, "height": 700})
    sign_in(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator("#who-name").bounding_box()
    assert box is not None
    assert box["height"] < 30
    picture(page, f"signed-in-{width}")


@pytest.mark.long
def test_a_user_of_the_store_needs_neither_domain_nor_project(
    pages: Watched, tmp_path: Path
) -> None:
    place = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}

    def rasr(*words: str) -> None:
        command = [sys.executable, "-m", "rasr", *words]
        subprocess.run(command, env={**os.environ, **place}, input=PASSWORD, text=True, check=True)

    rasr("projects", "create", "team")
    rasr("users", "create", "anna", "--password")
    rasr("policies", "attach", FULL_ACCESS, "--user", "anna", "--project", "team")
    with Server(tmp_path, FAKE) as server:
        page = pages.open(server.url)
        press(page, "Start")
        dialog = page.get_by_role("dialog", name="Sign in")
        dialog.get_by_label("User", exact=True).fill("anna")
        dialog.get_by_label("Password", exact=True).fill(PASSWORD)
        expect(dialog.get_by_label("Domain", exact=True)).to_be_hidden()
        send(page)
        expect(page.locator("#who-name")).to_have_text("anna, project team")
        expect_at_least(page, ".sentence", 1)
        stop(page)


def test_viewers_of_captions_need_no_sign_in(pages: Watched, server: ThreadServer) -> None:
    page = pages.open(f"{server.url}/captions/stage", microphone=False)
    soon(page, "() => document.readyState === 'complete'")
    expect(page.locator("dialog, input[type=password]")).to_have_count(0)


@pytest.mark.long
def test_a_server_that_knows_no_passwords_says_what_it_needs(
    pages: Watched, own_server: MakeServer
) -> None:
    page = pages.open(own_server(auth={"kind": "accounts"}, oidc=OIDC).url)
    press(page, "Start")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("This server needs a token of its identity provider.")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    expect(page.locator("#who")).to_be_hidden()
