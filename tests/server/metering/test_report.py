"""`GET /v1/{project_id}/usage`."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rasr.identity.policies import READ_ONLY
from rasr.server.http import usage as usage_module
from rasr.server.service import Service
from rasr.store import usage_report as report_module
from rasr.store.records import UsageRow
from rasr.store.usage_report import usage_report
from rasr.usage.services import Service as Metered
from tests.server.auth.conftest import Signer, web_of
from tests.server.conftest import fake_settings
from tests.server.metering.conftest import Ledger, Place

PROJECT = "0123456789abcdef0123456789abcdef"
DAY = 86_400.0
NOON = datetime(2025, 11, 3, 12, tzinfo=UTC).timestamp()


async def asked(
    place: Place,
    query: dict[str, str] | None = None,
    *,
    signer: Signer | None = None,
    status: int = 200,
) -> Any:
    """What it answers."""
    path = f"/v1/{place.project_id}/usage"
    who = signer or place.signer
    headers = who.headers("GET", path, query=list((query or {}).items()))
    sent = urlencode(query or {}, quote_via=quote)
    answer = await place.web.get(f"{path}?{sent}", headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


@pytest.mark.parametrize("project", ["%00", "a%00b", "%ED%A0%80", "x" * 300])
async def test_a_project_that_there_cannot_be_has_used_nothing(
    ledger: Ledger, project: str
) -> None:
    open_to_all = fake_settings(auth={"kind": "none"})
    async with Service(open_to_all, None, ledger.open()) as service, web_of(service) as web:
        answer = await web.get(f"/v1/{project}/usage")
    assert answer.status_code == 200, answer.text
    assert answer.json()["usage"] == []


async def write(ledger: Ledger, *rows: UsageRow) -> None:
    store = await ledger.opened[0].kept()
    async with store.writing() as work:
        await work.usage.write(ledger.project_id, rows)


async def test_it_has_what_was_used_of_what(place: Place) -> None:
    ledger, now = place.ledger, place.ledger.clock.now
    await write(
        ledger,
        UsageRow("1", Metered.REAL_TIME, NOON, 64, 63_300, ledger.access_id, ledger.user_id),
        UsageRow("2", Metered.REAL_TIME, NOON + DAY, 10, 9900, None, "oidc:x"),
        UsageRow("3", Metered.ONE_SENTENCE, NOON, 1, 900, ledger.access_id, ledger.user_id),
        UsageRow("4", Metered.REAL_TIME, now, 85, 85_000),
    )
    await ledger.quota(100)
    store = await ledger.opened[0].kept()
    async with store.writing() as work:
        bought = await work.usage.add_package(
            ledger.project_id, Metered.REAL_TIME, 100, NOON - DAY, now + DAY
        )
    found = await asked(place, {"from": "2025-11-03", "to": "2025-11-03"})
    unit = {"service": "real-time", "unit": "seconds"}
    assert found == {
        "project_id": place.project_id,
        "from": "2025-11-03",
        "to": "2025-11-03",
        "usage": [
            {
                "day": "2025-11-03",
                "service": "one-sentence",
                "access_id": ledger.access_id,
                "user_id": ledger.user_id,
                "calls": 1,
                "amount": 1,
                "unit": "calls",
                "audio_ms": 900,
            },
            {
                "day": "2025-11-03",
                **unit,
                "access_id": ledger.access_id,
                "user_id": ledger.user_id,
                "calls": 1,
                "amount": 64,
                "audio_ms": 63_300,
            },
        ],
        "packages": [
            {
                "id": bought.id,
                **unit,
                "amount": 100,
                "used": 100,
                "starts_at": "2025-11-02T12:00:00Z",
                "ends_at": datetime.fromtimestamp(int(now + DAY), UTC).strftime(
                    "%Y-%m-%dT%H:%M:%SZ"
                ),
            }
        ],
        "quotas": [{**unit, "per_month": 100, "used": 85}],
        # The package paid for the rest of that day; of today's use it paid for 26 of 85.
        "on_demand": [{"service": "one-sentence", "unit": "calls", "amount": 1}],
        "warnings": [
            {
                "bound": "quota",
                **unit,
                "percent": 80,
                "used": 85,
                "of": 100,
                "message": "80 % of the quota of the month are reached: 85 of 100 seconds of "
                "real-time are used",
            },
            {
                "bound": "packages",
                **unit,
                "percent": 100,
                "used": 100,
                "of": 100,
                "message": "the packages are used up: 100 of 100 seconds of real-time are used; "
                "what is used now is on demand",
            },
        ],
    }
    today = await asked(place)
    assert today["on_demand"] == [{**unit, "amount": 59}]
    (one,) = today["usage"]
    assert (one["access_id"], one["user_id"]) == (None, None)


async def test_what_has_just_been_charged_is_in_it(place: Place) -> None:
    place.service.state.meter.charge(place.ledger.charge(2.5))
    (one,) = (await asked(place))["usage"]
    assert (one["amount"], one["audio_ms"]) == (3, 2500)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"from": "yesterday"}, "'from' is invalid: it is 'yesterday'; allowed: a day as"),
        ({"to": "2026-02-30"}, "'to' is invalid"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "which is after 'to'"),
        ({"from": "2024-01-01", "to": "2026-02-01"}, "allowed: 400"),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "to 2199-12-31"),
        ({"from": "2026-01-01' OR '1'='1"}, "'from' is invalid"),
        ({"from": "x" * 4000}, "'from' is invalid: it is 'xxxx"),
    ],
)
async def test_what_are_no_days_is_told(place: Place, query: dict[str, str], why: str) -> None:
    told = await asked(place, query, status=400)
    assert (told["error_code"], len(told["request_id"])) == ("SIS.0032", 32)
    assert why in told["error_msg"]
    assert len(told["error_msg"]) < 200


async def test_a_reader_may_ask_and_another_project_may_not(place: Place) -> None:
    store = await place.ledger.opened[0].kept()
    async with store.writing() as work:
        home = await work.projects.get("default", "a")
        other = await work.projects.create("default", "other", "", 0.0)
        rita = await work.users.create("default", "rita", "", 0.0)
        policy = await work.policies.get(READ_ONLY)
        await work.policies.attach(policy, rita, None, 0.0)
        reader, readers = await work.keys.create(rita, home, "", 0.0)
        foreign, foreigns = await work.keys.create(rita, other, "", 0.0)
        bob = await work.users.create("default", "bob", "", 0.0)
        idle, idles = await work.keys.create(bob, home, "", 0.0)
    assert (await asked(place, signer=Signer(place.web, reader.id, readers)))["usage"] == []
    told = await asked(place, signer=Signer(place.web, foreign.id, foreigns), status=401)
    assert told["error_code"] == "SIS.0101"
    told = await asked(place, signer=Signer(place.web, idle.id, idles), status=403)
    assert "sis:usage:get" in told["error_msg"]


async def test_an_answer_that_is_too_long_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(
        place.ledger, *(UsageRow(str(n), Metered.FLASH, NOON + n * DAY, 1) for n in range(3))
    )
    monkeypatch.setattr(report_module, "MOST_ROWS", 2)
    monkeypatch.setattr(usage_module, "MOST_ROWS", 2)
    days = {"from": "2025-11-03", "to": "2025-11-05"}
    told = await asked(place, days, status=400)
    assert "more than 2 entries; ask for fewer days" in told["error_msg"]
    assert len((await asked(place, days | {"to": "2025-11-04"}))["usage"]) == 2


async def test_a_store_that_is_gone_is_told_as_such(place: Place) -> None:
    file = place.ledger.folder.with_name("store.db")
    file.rename(file.with_name("away"))
    told = await asked(place, status=500)
    assert told["error_code"] == "SIS.0001"
    file.with_name("away").rename(file)
    await asked(place)


async def test_where_there_is_no_store_nothing_was_used() -> None:
    async with Service(fake_settings()) as service, web_of(service) as web:
        answer = await web.get(f"/v1/{PROJECT}/usage?from=2026-11-01&to=2026-11-30")
    assert answer.status_code == 200
    assert json.loads(answer.content) == {
        "project_id": PROJECT,
        "from": "2026-11-01",
        "to": "2026-11-30",
        **{name: [] for name in ("usage", "packages", "quotas", "on_demand", "warnings")},
    }


# Against both databases


MONTHS = st.integers(0, 390).map(lambda day: NOON + day * DAY)
USES = st.lists(st.tuples(MONTHS, st.integers(1, 50)), max_size=12)
PACKAGES = st.lists(st.tuples(MONTHS, st.integers(1, 300), st.integers(1, 100)), max_size=4)
_runs = iter(range(1_000_000))


@hypothesis_settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(uses=USES, packages=PACKAGES)
async def test_what_was_used_is_of_packages_or_on_demand(
    ledger: Ledger, uses: list[tuple[float, int]], packages: list[tuple[float, int, int]]
) -> None:
    now, run = NOON + 401 * DAY, next(_runs)
    store = await ledger.opened[0].kept()
    async with store.writing() as work:
        project = (await work.projects.create("default", f"p{run}", "", 0.0)).id
        rows = [
            UsageRow(f"{run}-{number}", Metered.REAL_TIME, at, amount)
            for number, (at, amount) in enumerate(uses)
        ]
        await work.usage.write(project, rows)
        for at, days, amount in packages:
            await work.usage.add_package(project, Metered.REAL_TIME, amount, at, at + days * DAY)
        first = date(2025, 11, 1)
        last = date(2026, 12, 5)
        report = await usage_report(work.usage, project, first, last, now)
    used = {one.package.id: one.used for one in report.packages}
    assert all(0 <= one.used <= one.package.amount for one in report.packages)
    total = sum(amount for _, amount in uses)
    assert sum(used.values()) + report.on_demand.get("real-time", 0) == total
    assert sum(one.amount for one in report.usage) == total
