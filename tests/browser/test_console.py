"""The console in a real browser, against a server whose accounts are in a store."""

from __future__ import annotations

import base64
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, expect

from tests.browser.conftest import Watched, picture, serious
from tests.browser.console import (
    Answers,
    ConsoleServer,
    go,
    sign_in,
    sign_in_with_key,
    vocabulary,
)
from tests.browser.server import ThreadServer, speaking
from tests.browser.test_speaking import press
from tests.browser.waiting import (
    PATIENCE_MS,
    expect_count,
    expect_shown,
    glimpse,
    nothing_passes,
    soon,
    told,
)
from tests.processes import LONG_S
from tests.server.audio import voiced
from tests.server.stored import PASSWORD

SAMPLE = Path(str(files("rasr"))) / "data" / "demo-human.flac"
UNAUTHORISED = "401 (Unauthorized)"
FORBIDDEN = "403 (Forbidden)"
REFUSED = "ERR_CONNECTION_REFUSED"

MakeServer = Callable[..., ThreadServer]


@pytest.fixture
def server(tmp_path: Path, pages: Watched) -> Iterator[ConsoleServer]:
    server = ConsoleServer(tmp_path)
    server.start()
    yield server
    # Before the server goes: a page that asks it meanwhile is told that it stops.
    pages.close()
    server.end()


@pytest.fixture
def pages(
    request: pytest.FixtureRequest, browser: tuple[Browser, Playwright], own_server: MakeServer
) -> Iterator[Watched]:
    """They are closed before their servers are: a console asks its own all the time, and would
    complain of one that ends."""
    if "server" in request.fixturenames:
        request.getfixturevalue("server")
    watched = Watched(*browser)
    yield watched
    assert watched.close() == []


@pytest.fixture
def answers() -> Answers:
    return Answers({"team": vocabulary("team", ["Harmony OS", "Doctor Ramírez"])})


def kept_in(page: Page) -> str:
    """All that the browser keeps for the console, and all that stands in it."""
    kept: str = page.evaluate(
        """() => JSON.stringify([
          {...localStorage}, {...sessionStorage}, document.cookie, location.href,
          [...document.querySelectorAll("input")].map(({value}) => value),
          document.documentElement.outerHTML,
        ])"""
    )
    return kept


def end_all_tokens(server: ConsoleServer, folder: Path) -> None:
    with sqlite3.connect(folder / "store" / "store.db", timeout=LONG_S) as store:
        store.execute("UPDATE tokens SET revoked_at = issued_at")
    store.close()


def at_hot_words(pages: Watched, server: ConsoleServer, answers: Answers, detail: str = "") -> Page:
    page = pages.open(f"{server.console}#words{detail}", prepare=answers.attach)
    sign_in(page)
    expect(page.locator("#part-words")).to_be_visible()
    if detail.removeprefix("/") in answers.vocabularies:
        expect(page.locator("#trial")).to_be_visible()
    return page


# Signing in


def test_keys_are_made_shown_once_and_revoked(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    page = pages.open(f"{server.console}#keys", prepare=answers.attach)
    sign_in(page)
    expect_count(page, "#keys tbody tr", 1)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_label("What it is for").fill("nightly job")
    press(page, "Create")
    dialog = page.get_by_role("dialog", name="The key is made")
    secret = dialog.locator("#made-secret").inner_text()
    assert len(secret) == 40
    assert serious(page) == []
    picture(page, "console-key-made")
    with glimpse(page, told("#made-secret-copy button", "Copied")):
        dialog.locator("#made-secret-copy button").click()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(dialog.locator("#made-secret")).to_have_text(secret)
    press(page, "I have saved it")
    expect(dialog).to_be_hidden()
    # A browser tells of a dialog that is closed a moment later.
    expect(page.locator("#made-secret")).to_have_text("")
    assert secret not in kept_in(page)
    expect_count(page, "#keys tbody tr", 2)
    row = page.locator("#keys tbody tr").first
    expect(row).to_contain_text("nightly job")
    row.get_by_role("button", name="Revoke the key").click()
    question = page.get_by_role("dialog", name="Revoke this key?")
    question.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("in use")
    row.get_by_role("button", name="Revoke the key").click()
    question.get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("revoked on")
    expect(row.get_by_role("button")).to_have_count(0)


def test_a_key_signs_in_and_its_secret_stays_in_memory(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    access, secret = server.accounts.keys["anna"]
    page = pages.open(f"{server.console}#keys", prepare=answers.attach)
    sent: list[dict[str, str]] = []
    page.on("request", lambda request: sent.append(request.headers))
    sign_in_with_key(page, access, secret, server.accounts.project)
    expect(page.locator("#who-name")).to_contain_text(access)
    expect_count(page, "#keys tbody tr", 1)
    expect(page.locator("#key-form")).to_be_hidden()
    expect(page.locator("#key-signed")).to_contain_text("a key makes and revokes none")
    expect(page.get_by_role("button", name="Revoke")).to_have_count(0)
    assert secret not in kept_in(page)
    assert secret not in json.dumps(sent)
    go(page, "Sessions")
    expect(page.locator("#sessions")).to_contain_text("Nobody is connected.")
    page.reload()
    expect(page.locator("#standing")).to_contain_text("Sign in to see your project.")


@pytest.mark.long
def test_a_key_that_is_wrong_or_of_another_project_is_said_to_be(
    pages: Watched, server: ConsoleServer
) -> None:
    pages.expect(UNAUTHORISED)
    access, secret = server.accounts.keys["anna"]
    page = pages.open(server.console)
    sign_in_with_key(page, access, "x" * 40, server.accounts.project)
    fault = page.locator("#sign-in-fault")
    expect(fault).to_contain_text("The access key id or the secret is wrong")
    expect(page.get_by_label("Secret (SK)")).to_be_focused()
    assert serious(page) == []
    picture(page, "console-key-wrong")
    page.get_by_label("Secret (SK)").fill(secret)
    page.get_by_label("Project id").fill(server.accounts.projects["rest"])
    page.keyboard.press("Enter")
    expect(fault).to_contain_text("This key is for another project.")
    expect(page.get_by_label("Project id")).to_be_focused()
    page.get_by_label("Project id").fill("")
    page.keyboard.press("Enter")
    expect(fault).to_contain_text("Access key id, secret and project id are needed.")


@pytest.mark.long
def test_a_clock_that_is_wrong_is_said_to_be(pages: Watched, server: ConsoleServer) -> None:
    pages.expect(UNAUTHORISED)
    access, secret = server.accounts.keys["anna"]
    page = pages.open(
        server.console, prepare=lambda page: page.clock.set_fixed_time("2020-01-01T00:00:00Z")
    )
    sign_in_with_key(page, access, secret, server.accounts.project)
    expect(page.locator("#sign-in-fault")).to_contain_text("The clocks of this machine")


@pytest.mark.long
def test_plain_http_cannot_sign_and_has_the_password(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    pages.expect("Cross-Origin-Opener-Policy header has been ignored")
    address = f"http://insecure.example:{server.port}/console#keys"
    page = pages.open(address, microphone=False, prepare=answers.attach)
    page.locator("#standing-act").click()
    page.get_by_label("Access key", exact=True).check()
    expect(page.locator("#sign-in-fault")).to_contain_text("https: and localhost pages only")
    page.get_by_label("User and password", exact=True).check()
    expect(page.locator("#sign-in-fault")).to_be_hidden()
    press(page, "Cancel")
    sign_in(page)
    expect_count(page, "#keys tbody tr", 1)


def test_an_open_server_says_so_and_needs_no_sign_in(
    pages: Watched, own_server: MakeServer, answers: Answers
) -> None:
    server = own_server()
    page = pages.open(f"{server.url}/console#keys", prepare=answers.attach)
    expect(page.locator("#standing")).to_contain_text("This server is open")
    expect(page.locator("#keys")).to_contain_text("programs need no key")
    expect(page.locator("#key-form")).to_be_hidden()
    assert serious(page) == []
    with speaking(server, "hall") as speaker:
        speaker.grow(voiced(800))
        go(page, "Sessions")
        expect_count(page, "#sessions tbody tr", 1)
        expect(page.locator("#sessions tbody tr")).to_contain_text("speech")
        expect(page.locator("#sessions tbody tr")).to_contain_text("english_16k_common")
        picture(page, "console-open")
    # It looks again by itself.
    soon(page, "() => document.querySelectorAll('#sessions tbody tr').length === 0")
    expect(page.locator("#sessions")).to_contain_text("Nobody is connected.")


def test_a_user_without_a_right_is_told_which(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    pages.expect(FORBIDDEN)
    page = pages.open(f"{server.console}#sessions", prepare=answers.attach)
    sign_in(page, "tom")
    alert = page.locator("#sessions").get_by_role("alert")
    expect(alert).to_contain_text("it lacks the right sis:session:list")
    assert serious(page) == []
    picture(page, "console-forbidden")
    go(page, "Keys")
    expect(page.locator("#keys").get_by_role("alert")).to_contain_text("iam:key:list")
    press(page, "Create")
    expect(page.locator("#key-fault")).to_contain_text("iam:key:create")
    expect(page.get_by_role("button", name="Create")).to_be_enabled()


def test_a_sign_in_that_is_over_is_asked_for_anew(
    pages: Watched, server: ConsoleServer, answers: Answers, tmp_path: Path
) -> None:
    pages.expect(UNAUTHORISED)
    page = pages.open(f"{server.console}#sessions", prepare=answers.attach)
    sign_in(page)
    expect(page.locator("#sessions")).to_contain_text("Nobody is connected.")
    end_all_tokens(server, tmp_path)
    # The next look at the sessions finds out.
    dialog = page.get_by_role("dialog", name="Sign in")
    expect(dialog).to_contain_text("Your sign-in is over.")
    press(page, "Cancel")
    state = page.locator("#sessions .pane-state")
    expect(state).to_contain_text("You are not signed in any more.")
    state.get_by_role("button", name="Sign in").click()
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator("#sessions .pane-state")).to_be_hidden()
    expect(page.locator("#sessions")).to_contain_text("Nobody is connected.")


def test_who_signs_out_leaves_nothing(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    page = pages.open(f"{server.console}#keys", prepare=answers.attach)
    sign_in(page)
    expect_count(page, "#keys tbody tr", 1)
    press(page, "Sign out")
    expect(page.locator("#standing-act")).to_be_focused()
    expect(page.locator("#part-keys")).to_be_hidden()
    assert server.accounts.keys["anna"][0] not in kept_in(page)
    sign_in(page, "rita")
    expect(page.locator("#keys tbody tr")).to_contain_text(server.accounts.keys["rita"][0])


@pytest.mark.long
def test_a_server_that_knows_no_passwords_says_what_it_needs(
    pages: Watched, own_server: MakeServer
) -> None:
    oidc = {"issuer": "https://login.example", "audience": "rasr"}
    page = pages.open(f"{own_server(auth={'kind': 'accounts'}, oidc=oidc).url}/console")
    expect(page.locator("#standing")).to_contain_text("a token of its identity provider")


# A server that is away


def test_a_server_that_comes_back_is_found_and_nothing_typed_is_lost(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    pages.expect(REFUSED)
    page = at_hot_words(pages, server, answers, "/team")
    page.get_by_label("Words", exact=True).fill("Harmony OS\nKirin")
    go(page, "Sessions")
    expect(page.locator("#sessions")).to_contain_text("Nobody is connected.")
    server.end()
    state = page.locator("#sessions .pane-state")
    expect(state).to_contain_text("The server does not answer.")
    assert serious(page) == []
    picture(page, "console-away")
    server.start()
    expect(state).to_be_hidden()
    page.go_back()
    expect(page.get_by_label("Words", exact=True)).to_have_value("Harmony OS\nKirin")
    expect(page.locator("#word-saved")).to_have_text("Not saved yet.")


@pytest.mark.long
def test_a_console_that_is_opened_before_its_server_waits_for_it(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    pages.expect("503 (Service Unavailable)")
    is_down = True

    def properties(route: Route) -> None:
        route.fulfill(status=503) if is_down else route.continue_()

    def prepare(page: Page) -> None:
        answers.attach(page)
        # It finds the server by itself, too: then there is nothing to press.
        nothing_passes(page)
        page.route("**/properties", properties)

    page = pages.open(server.console, prepare=prepare)
    expect(page.locator("#standing")).to_contain_text("No server answers.")
    is_down = False
    press(page, "Try again")
    expect(page.locator("#standing")).to_contain_text("Sign in to see your project.")


def test_a_store_that_is_away_is_said_with_what_to_look_for(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    pages.expect("500 (Internal Server Error)")
    body = json.dumps(
        {"error_code": "SIS.0001", "error_msg": "the store is away", "request_id": "abc"}
    )
    page = pages.open(f"{server.console}#keys", prepare=answers.attach)
    tries: list[Route] = []
    page.route("**/keys", lambda route: tries.append(route))
    page.route("**/keys", lambda route: route.fulfill(status=500, body=body), times=1)
    sign_in(page)
    state = page.locator("#keys .pane-state")
    expect(state).to_contain_text("The server cannot answer now: the store is away")
    expect(state).to_contain_text("under abc")
    # The second try, which is held until then, finds it.
    page.unroute("**/keys")
    for one in tries:
        one.continue_()
    expect_count(page, "#keys tbody tr", 1)
    expect(state).to_be_hidden()


# The server itself, without answers of ours


def test_words_calls_and_usage_are_those_of_the_server(
    pages: Watched, server: ConsoleServer
) -> None:
    pages.expect("400 (Bad Request)")
    page = pages.open(f"{server.console}#words/new")
    sign_in(page)
    for name in ("team", "Team"):
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Words", exact=True).fill("Harmony OS\nO'Brien")
        press(page, "Save")
        expect(page.locator("#word-saved")).to_have_text("Saved. The next recognition uses it.")
        go(page, "Hot words")
        page.get_by_role("link", name="New table").click()
    page.get_by_label("Name", exact=True).fill("team")
    page.get_by_label("Words", exact=True).fill("Kirin")
    press(page, "Save")
    expect(page.locator("#word-name-fault")).to_contain_text("'name' is invalid")
    go(page, "Hot words")
    press(page, "Delete the table Team")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect_count(page, "#vocabularies tbody tr", 1)
    page.get_by_role("link", name="team", exact=True).click()
    expect(page.locator("#trial")).to_be_visible()
    page.locator("#trial-file").set_input_files(SAMPLE)
    # The engine of tests knows no hot words, and has the same words for the same sound.
    expect(page.locator("#trial-state")).to_have_text("Both texts are the same.")
    assert len(page.locator("#trial-with").inner_text().split()) > 5
    go(page, "Overview")
    totals = page.get_by_role("table", name="Calls by interface")
    expect(totals.get_by_role("row").filter(has_text="One sentence")).to_contain_text("2")
    expect(totals.get_by_role("row").filter(has_text="Hot words")).to_be_visible()
    # The ledger is written behind the calls.
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while "2\u00a0calls" not in page.locator("#usage").inner_text():
        assert time.monotonic() < deadline
        with page.expect_response("**/usage?*"):
            page.locator("#month").dispatch_event("change")
        expect(page.locator("#usage")).to_have_attribute("aria-busy", "false")


# Ways


@pytest.mark.long
def test_parts_have_addresses_and_the_way_back(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    page = pages.open(server.console, prepare=answers.attach)
    sign_in(page)
    expect(page).to_have_title("Overview – rasr console")
    page.get_by_role("link", name="Overview").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Keys – rasr console")
    expect(page.get_by_role("heading", name="Keys", exact=True)).to_be_focused()
    expect(page.get_by_role("link", name="Keys")).to_have_attribute("aria-current", "page")
    go(page, "Hot words")
    page.get_by_role("link", name="team", exact=True).click()
    expect(page.get_by_role("heading", name="team", exact=True)).to_be_focused()
    page.go_back()
    expect(page.get_by_role("heading", name="Hot words")).to_be_focused()
    page.go_back()
    expect(page).to_have_title("Keys – rasr console")
    expect(page.locator("#part-words")).to_be_hidden()


def test_the_page_leads_to_the_console_and_back(
    pages: Watched, own_server: MakeServer, answers: Answers
) -> None:
    page = pages.open(own_server().url, prepare=answers.attach)
    page.get_by_role("link", name="Keys, hot words, usage and live sessions").click()
    expect(page.get_by_role("heading", name="rasr console")).to_be_visible()
    page.get_by_role("link", name="Speak").click()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    page.get_by_role("link", name="Console", exact=True).click()
    expect(page.get_by_role("heading", name="rasr console")).to_be_visible()


@pytest.mark.long
def test_the_language_is_changed_where_one_is(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    page = at_hot_words(pages, server, answers, "/team")
    page.get_by_label("Words", exact=True).fill("Kirin")
    press(page, "中文")
    expect(page.get_by_role("heading", name="team")).to_be_visible()
    expect(page.get_by_label("词条", exact=True)).to_have_value("Kirin")
    expect(page.locator("#word-count")).to_have_text("1 / 1024 个词。")


# Overview


def test_the_four_metrics_are_drawn_by_interface_over_a_day_and_a_week(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    page = pages.open(server.console, prepare=answers.attach)
    with page.expect_request("**/monitoring?*") as day:
        sign_in(page)
    charts = page.locator("#monitoring figure")
    expect(charts).to_have_count(4)
    names = [one.get_attribute("aria-label") or "" for one in charts.locator("svg").all()]
    assert [name.partition(":")[0] for name in names] == [
        "Successful calls",
        "Refused calls (4xx)",
        "Failed calls (5xx)",
        "Average delay, ms",
    ]
    totals = page.get_by_role("table", name="Calls by interface")
    expect(totals.get_by_role("row")).to_have_count(4)
    expect(totals).to_contain_text("Real time, continuous")
    # What the console asks itself is nobody's business.
    expect(page.locator("#monitoring")).not_to_contain_text("sessions")
    assert charts.first.locator("path.line").count() == 3
    box = charts.first.locator("svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(charts.first.locator("figcaption")).to_contain_text(":")
    page.locator("#monitoring summary").click()
    by_time = page.get_by_role("table", name="By time, as a table")
    expect(by_time).to_be_visible()
    hours = by_time.get_by_role("row").count()
    with page.expect_request("**/monitoring?*") as week:
        page.get_by_label("Week").check()
    soon(
        page,
        "() => document.querySelectorAll('#monitoring .rows tbody tr').length < "
        f"{hours} && document.querySelectorAll('#monitoring .rows tbody tr').length > 6",
    )
    asked = [parse_qs(urlsplit(one.value.url).query) for one in (day, week)]
    spans = [(int(one["to"][0]) - int(one["from"][0])) / 3_600_000 for one in asked]
    assert spans == [24, 7 * 24]
    assert [one["period"] for one in asked] == [["300"], ["3600"]]


@pytest.mark.long
def test_how_late_a_final_came_is_told_in_milliseconds(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    page = pages.open(server.console, prepare=answers.attach)
    one = {"id": 7, "state": "silence", "mode": "continue", "property": "english_16k_common"}
    one |= {"age_s": 61.0, "audio_s": 60.2, "backlog_s": 0.0, "peer": "192.0.2.1"}
    lines = [one | {"last_final_s": 0.042}, one | {"id": 8, "last_final_s": None}]
    body = json.dumps({"project_id": server.accounts.project, "sessions": lines})
    page.route("**/v1/*/sessions", lambda route: route.fulfill(body=body))
    sign_in(page)
    go(page, "Sessions")
    rows = page.locator("#sessions tbody tr")
    expect(rows.first).to_contain_text("42 ms")
    expect(rows.last).not_to_contain_text("ms")


@pytest.mark.long
def test_of_several_servers_each_and_all_together_stand_above_the_sessions(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    page = pages.open(server.console, prepare=answers.attach)
    numbers = {"rounds": 11, "max_rounds": 40, "connections": 52, "viewers": 180}
    first = numbers | {"replica": "5ad09c1f3b7e", "this": True, "answers": True, "silent_s": 0.0}
    second = first | {"replica": "b61f20c9d4aa", "this": False, "answers": False, "silent_s": 6.0}
    replicas = [first | {"status": "ready", "load": 0.31}, second]
    live = {"total": numbers | {"replicas": 1}, "replicas": replicas}
    told = {"project_id": server.accounts.project, "sessions": [], "live": live}
    page.route("**/v1/*/sessions", lambda route: route.fulfill(body=json.dumps(told)))
    sign_in(page)
    go(page, "Sessions")
    table = page.get_by_role("table", name="Servers")
    rows = table.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("5ad09c1f3b7e (this one)")
    expect(rows.nth(0)).to_contain_text("11 of 40")
    expect(rows.nth(0)).to_contain_text("31\u00a0%")
    expect(rows.nth(1)).to_contain_text("silent for 6\u00a0s")
    expect(rows.nth(2)).to_contain_text("1 of 2 answer")
    expect(page.locator("#sessions")).to_contain_text("Nobody is connected to this server.")


def test_what_was_used_stands_beside_packages_and_quotas(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    page = pages.open(server.console, prepare=answers.attach)
    sign_in(page)
    usage = page.locator("#usage")
    expect(usage).to_contain_text("One-sentence recognition: 80 % of the month's quota are used.")
    expect(usage).to_contain_text("Quota of this month: 840 of 1,000 calls")
    expect(usage).to_contain_text("nearly used up")
    expect(usage.get_by_role("progressbar", name="Package until 1 Mar 2027")).to_be_visible()
    with page.expect_request("**/usage?*") as asked:
        page.locator("#month").select_option(index=1)
    query = parse_qs(urlsplit(asked.value.url).query)
    assert query["from"][0].endswith("-01")
    assert query["from"][0][:7] == query["to"][0][:7]
    usage.locator("summary").click()
    expect(usage.get_by_role("table")).to_contain_text("AKNIGHTLY00000000000")
    expect(usage.get_by_role("table")).to_contain_text("none (token)")


@pytest.mark.long
def test_a_part_of_the_overview_that_is_missing_takes_nothing_else_away(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    pages.expect(FORBIDDEN)
    body = json.dumps(
        {
            "error_code": "APIG.0302",
            "error_msg": "the policies of this user do not allow sis:usage:get",
        }
    )

    def prepare(page: Page) -> None:
        answers.attach(page)
        page.route("**/usage?*", lambda route: route.fulfill(status=403, body=body))

    page = pages.open(server.console, prepare=prepare)
    sign_in(page)
    expect(page.locator("#usage").get_by_role("alert")).to_contain_text("sis:usage:get")
    expect(page.locator("#monitoring figure").first).to_be_visible()


@pytest.mark.long
def test_of_thousands_of_rows_the_first_are_shown_and_the_others_counted(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    used = {"service": "real-time", "access_id": None, "calls": 1, "amount": 1, "unit": "seconds"}
    usage = {
        "usage": [{"day": "2026-11-02", **used}] * 40_000,
        **{name: [] for name in ("packages", "quotas", "on_demand", "warnings")},
    }
    session = {"state": "speech", "mode": "continue", "property": "english", "peer": "127.0.0.1"}
    times = {"age_s": 1, "audio_s": 1, "backlog_s": 0, "last_final_s": None}
    sessions = {"sessions": [{"id": number, **session, **times} for number in range(10_000)]}

    def prepare(page: Page) -> None:
        answers.attach(page)
        page.route("**/v1/*/usage?*", lambda route: route.fulfill(body=json.dumps(usage)))
        page.route("**/v1/*/sessions", lambda route: route.fulfill(body=json.dumps(sessions)))

    page = pages.open(server.console, prepare=prepare)
    sign_in(page)
    page.locator("#usage summary").click()
    expect(page.locator("#usage")).to_contain_text("And 39,800 more that are not shown.")
    expect_count(page, "#usage tbody tr", 200)
    go(page, "Sessions")
    expect(page.locator("#sessions")).to_contain_text("Connected: 10000.")
    expect(page.locator("#sessions")).to_contain_text("And 9,800 more that are not shown.")
    expect_count(page, "#sessions tbody tr", 200)


@pytest.mark.long
def test_an_answer_that_cannot_be_shown_is_asked_for_anew(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    pages.expect("undefined")
    wrong = {"keys", "sessions"}

    def answer(route: Route) -> None:
        path = route.request.url.rpartition("/")[2]
        route.fulfill(body="[]" if path in wrong else json.dumps({path: []}))
        wrong.discard(path)

    def prepare(page: Page) -> None:
        answers.attach(page)
        page.route("**/v1/*/keys", answer)
        page.route("**/v1/*/sessions", answer)

    page = pages.open(f"{server.console}#sessions", prepare=prepare)
    sign_in(page)
    expect(page.locator("#sessions")).to_contain_text("Nobody is connected.")
    go(page, "Keys")
    expect(page.locator("#keys")).to_contain_text("You have no keys in this project.")
    assert not wrong


# Hot words


def test_a_table_is_made_changed_and_deleted(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    pages.expect("400 (Bad Request)")
    page = at_hot_words(pages, server, answers)
    page.get_by_role("link", name="New table").click()
    press(page, "Save")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    expect(page.locator("#word-name-fault")).to_contain_text("1 to 32 of A to Z")
    page.get_by_label("Name", exact=True).fill("team")
    words = page.get_by_label("Words", exact=True)
    words.fill("Harmony OS\nHarmony OS\n5G")
    expect(page.locator("#word-count")).to_contain_text("2 of 1024 words.")
    expect(page.locator("#word-count")).to_contain_text("kept once: 1")
    expect(page.locator("#word-contents-fault")).to_contain_text("Line 3: 5G has signs")
    press(page, "Save")
    expect(words).to_be_focused()
    assert answers.documents("POST", "/vocabularies") == []
    words.fill("Harmony OS\nHarmony OS\nKirin")
    press(page, "Save")
    # The server has the last word, at the field that it speaks of.
    expect(page.locator("#word-name-fault")).to_contain_text("'name' is taken")
    expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    assert serious(page) == []
    picture(page, "console-name-taken")
    page.get_by_label("Name", exact=True).fill("customers")
    press(page, "Save")
    expect(page.locator("#word-saved")).to_have_text("Saved. The next recognition uses it.")
    expect(page).to_have_url(f"{server.console}#words/v2")
    expect(page.get_by_role("heading", name="customers")).to_be_visible()
    wanted = {
        "name": "customers",
        "language": "english",
        "description": "",
        "contents": ["Harmony OS", "Kirin"],
    }
    assert answers.documents("POST", "/vocabularies")[-1] == wanted
    page.get_by_label("Description").fill("our names")
    expect(page.locator("#word-saved")).to_have_text("Not saved yet.")
    page.keyboard.press("Enter")
    expect(page.locator("#word-saved")).to_have_text("Saved. The next recognition uses it.")
    assert answers.documents("PUT", "/v2") == [wanted | {"description": "our names"}]
    page.get_by_role("link", name="All tables").click()
    expect_count(page, "#vocabularies tbody tr", 2)
    press(page, "Delete the table customers")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    press(page, "Delete the table customers")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect_count(page, "#vocabularies tbody tr", 1)
    assert set(answers.vocabularies) == {"team"}


@pytest.mark.long
def test_words_come_from_a_file_and_go_into_one(
    pages: Watched, server: ConsoleServer, answers: Answers, tmp_path: Path
) -> None:
    page = at_hot_words(pages, server, answers)
    file = tmp_path / "our words.txt"
    file.write_bytes("\ufeffHarmony OS\r\nKirin\r\n\r\nKirin\r\n".encode())
    page.locator("#word-file").set_input_files(file)
    expect(page.get_by_label("Name", exact=True)).to_have_value("our-words")
    expect(page.get_by_label("Words", exact=True)).to_have_value("Harmony OS\nKirin")
    with page.expect_download() as download:
        press(page, "Export")
    assert download.value.suggested_filename == "our-words.txt"
    assert Path(download.value.path()).read_text("utf-8") == "Harmony OS\nKirin\n"
    page.get_by_role("link", name="All tables").click()
    with page.expect_download() as download:
        press(page, "Export the table team")
    assert Path(download.value.path()).read_text("utf-8") == "Harmony OS\nDoctor Ramírez\n"
    file.write_bytes(b"RIFF\x00\x00\x00\x00")
    page.locator("#word-file").set_input_files(file)
    expect(page.locator("#words-fault")).to_contain_text("has no words")


@pytest.mark.long
def test_a_table_that_is_gone_is_said_to_be(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    pages.expect("400 (Bad Request)")
    page = at_hot_words(pages, server, answers, "/none")
    alert = page.locator("#vocabulary").get_by_role("alert")
    expect(alert).to_contain_text("there is no such vocabulary")
    expect(page.locator("#word-form")).to_be_hidden()
    page.get_by_role("link", name="All tables").click()
    expect_count(page, "#vocabularies tbody tr", 1)


def test_a_sentence_is_recognised_with_the_table_and_without(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    page = at_hot_words(pages, server, answers, "/team")
    press(page, "Record")
    expect_shown(page, "#trial-level")
    soon(page, "() => document.querySelector('#trial-level').value > 0.01")
    press(page, "Stop and recognise")
    expect(page.locator("#trial-with")).to_have_text("please call Doctor Ramírez")
    expect(page.locator("#trial-without")).to_have_text("please call doctor ramirez")
    expect(page.locator("#trial-with ins")).to_have_text("Doctor Ramírez")
    expect(page.locator("#trial-without del")).to_have_text("doctor ramirez")
    expect(page.locator("#trial-state")).to_have_text("The texts differ where they are marked.")
    assert serious(page) == []
    page.locator("#trial").scroll_into_view_if_needed()
    picture(page, "console-trial")
    documents = answers.documents("POST", "/short-audio")
    configs = [one["config"] for one in documents]
    common = {"audio_format": "wav", "property": "english_16k_common"}
    assert sorted(configs, key=len) == [common, common | {"vocabulary_id": "team"}]
    sound = base64.b64decode(documents[0]["data"])
    assert sound[:4] == b"RIFF"
    assert len(sound) > 3200
    assert documents[0]["data"] == documents[1]["data"]


def test_a_recording_is_sent_as_it_is(
    pages: Watched, server: ConsoleServer, answers: Answers, tmp_path: Path
) -> None:
    answers.texts = ("the same", "the same")
    page = at_hot_words(pages, server, answers, "/team")
    file = tmp_path / "said.mp3"
    file.write_bytes(b"ID3 not that it matters here")
    page.locator("#trial-file").set_input_files(file)
    expect(page.locator("#trial-state")).to_have_text("Both texts are the same.")
    document = answers.documents("POST", "/short-audio")[0]
    assert document["config"]["audio_format"] == "auto"
    assert base64.b64decode(document["data"]) == file.read_bytes()
    # Three million bytes of nothing are no sound that a browser could make smaller.
    file.write_bytes(bytes(3_000_001))
    page.locator("#trial-file").set_input_files(file)
    expect(page.locator("#trial-fault")).to_contain_text("said.mp3 is too large to be sent")


@pytest.mark.long
def test_what_the_server_says_of_a_sound_is_told(
    pages: Watched, server: ConsoleServer, answers: Answers, tmp_path: Path
) -> None:
    pages.expect("400 (Bad Request)")
    page = at_hot_words(pages, server, answers, "/team")
    body = json.dumps({"error_code": "SIS.0602", "error_msg": "'data' is no sound"})
    page.route("**/short-audio", lambda route: route.fulfill(status=400, body=body))
    file = tmp_path / "notes.wav"
    file.write_bytes(b"no sound")
    page.locator("#trial-file").set_input_files(file)
    expect(page.locator("#trial-fault")).to_contain_text("'data' is no sound")
    expect(page.get_by_role("button", name="Record")).to_have_attribute("aria-disabled", "false")


@pytest.mark.long
def test_a_microphone_that_is_not_allowed_is_told_with_its_cure(
    pages: Watched, server: ConsoleServer, answers: Answers
) -> None:
    page = pages.open(f"{server.console}#words/team", microphone=False, prepare=answers.attach)
    sign_in(page)
    press(page, "Record")
    expect(page.locator("#trial-fault")).to_contain_text("The microphone")
    expect(page.get_by_role("button", name="Record")).to_have_attribute("aria-disabled", "false")
