"""What was charged reaches the store once, whatever happens to the database, the disk and the
process; what may still be used is known without asking."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from rasr.identity.directory import DirectoryUnavailable
from rasr.identity.principals import CredentialKind
from rasr.server.metering import ledger as ledger_module
from rasr.server.metering.allowances import FRESH_S, STALE_S
from rasr.server.metering.meter import StoreMeter
from rasr.server.metering.rows import LedgerRow
from rasr.settings import StoreSettings
from rasr.store.on_demand import StoreOnDemand
from rasr.usage.journal import Journal
from rasr.usage.meter import UsageRefused
from rasr.usage.services import Service
from tests.processes import LONG_S, Process
from tests.server.metering.conftest import Ledger
from tests.usage.disks import files_no_longer_than

DAY = 86_400.0


@asynccontextmanager
async def running(ledger: Ledger) -> AsyncIterator[StoreMeter]:
    meter = ledger.meter()
    await meter.start()
    await meter.caught_up()
    try:
        yield meter
    finally:
        await meter.close()


def database_of(ledger: Ledger) -> Path:
    return ledger.folder.with_name("store.db")


async def is_refused(ledger: Ledger, meter: StoreMeter) -> UsageRefused:
    with pytest.raises(UsageRefused) as refused:
        await meter.check(ledger.principal, Service.REAL_TIME)
    return refused.value


async def refreshed(meter: StoreMeter) -> None:
    """What is read anew in the background has been read."""
    await asyncio.gather(*meter._allowances._refreshing)


# On its way to the store


async def test_what_is_charged_is_in_the_store_and_what_is_charged_twice_once(
    ledger: Ledger,
) -> None:
    async with running(ledger) as meter:
        meter.charge(ledger.charge(2.3))
        meter.charge(ledger.charge(61.0, identifier="same"))
        meter.charge(ledger.charge(61.0, identifier="same"))
        meter.charge(ledger.charge(5.0, Service.ONE_SENTENCE))
        meter.charge(ledger.charge(0.0))
        assert meter.waiting == 4
        await meter.caught_up()
        assert (meter.waiting, meter.lost) == (0, 0)
        assert await ledger.used() == {"real-time": 64, "one-sentence": 1}
    assert list(ledger.folder.iterdir()) == []


async def test_more_than_one_transaction_takes_is_taken(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "_MOST_AT_ONCE", 7)
    async with running(ledger) as meter:
        for _ in range(50):
            meter.charge(ledger.charge())
        await meter.caught_up()
        assert await ledger.used() == {"real-time": 50}


async def test_whoever_asks_while_others_are_on_their_way_waits_for_his_own(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(ledger) as meter:
        are_there, may_go_on = asyncio.Event(), asyncio.Event()
        afterwards = meter._ledger._afterwards

        async def slowly() -> None:
            are_there.set()
            await may_go_on.wait()
            await afterwards()

        monkeypatch.setattr(meter._ledger, "_afterwards", slowly)
        meter.charge(ledger.charge())
        first = asyncio.create_task(meter.caught_up())
        await are_there.wait()
        meter.charge(ledger.charge())
        second = asyncio.create_task(meter.caught_up())
        # It asks now.
        await asyncio.sleep(0)
        may_go_on.set()
        await asyncio.gather(first, second)
        assert meter.waiting == 0


@pytest.mark.parametrize("is_on_disk", [True, False])
async def test_whoever_is_charged_all_the_time_keeps_nobody_from_what_comes_afterwards(
    file_ledger: Ledger, monkeypatch: pytest.MonkeyPatch, is_on_disk: bool
) -> None:
    if not is_on_disk:
        file_ledger.folder.touch()
    async with running(file_ledger) as meter:
        put, looked_after = meter._ledger._put, asyncio.Event()
        puts = 0

        async def put_while_others_come(rows: Sequence[LedgerRow]) -> None:
            nonlocal puts
            puts += 1
            await put(rows)
            if puts < 20 and not looked_after.is_set():
                meter.charge(file_ledger.charge())

        async def look() -> None:
            looked_after.set()

        monkeypatch.setattr(meter._ledger, "_put", put_while_others_come)
        monkeypatch.setattr(meter._ledger, "_afterwards", look)
        meter.charge(file_ledger.charge())
        await meter.caught_up()
        await looked_after.wait()
        assert puts <= 2
        await meter.caught_up()
        assert meter.waiting == 0
        assert await file_ledger.used() == {"real-time": puts}


async def test_two_processes_write_one_ledger(ledger: Ledger) -> None:
    async with running(ledger) as one, running(ledger) as other:
        for _ in range(20):
            one.charge(ledger.charge())
            other.charge(ledger.charge())
        await asyncio.gather(one.caught_up(), other.caught_up())
        assert await ledger.used() == {"real-time": 40}


async def test_a_database_that_is_locked_makes_rows_wait(file_ledger: Ledger) -> None:
    file_ledger.settings = file_ledger.settings.model_copy(update={"timeout_s": 0.5})
    async with running(file_ledger) as meter:
        with closing(sqlite3.connect(database_of(file_ledger), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with structlog.testing.capture_logs() as logs:
                meter.charge(file_ledger.charge())
                await meter.caught_up()
                meter.charge(file_ledger.charge())
                await meter.caught_up()
            assert meter.waiting == 2
            # Said once.
            (waits,) = [one for one in logs if one["event"] == "usage_waits"]
            assert str(database_of(file_ledger)) in waits["why"]
            other.execute("ROLLBACK")
        async with asyncio.timeout(LONG_S):
            # On a slow machine the first try may take longer than this store waits.
            while meter.waiting:
                await meter.caught_up()
        assert await file_ledger.used() == {"real-time": 2}


async def test_a_database_that_is_gone_and_back_has_everything(file_ledger: Ledger) -> None:
    async with running(file_ledger) as meter:
        place = database_of(file_ledger)
        await asyncio.to_thread(place.rename, place.with_name("away"))
        for _ in range(3):
            meter.charge(file_ledger.charge())
        await meter.caught_up()
        assert meter.waiting == 3
        await asyncio.to_thread(place.with_name("away").rename, place)
        await meter.caught_up()
        assert await file_ledger.used() == {"real-time": 3}


@pytest.mark.parametrize("settings", ["postgres"], indirect=True)
async def test_a_database_that_is_full_and_has_room_again_has_everything(ledger: Ledger) -> None:
    admin = await asyncpg.connect(ledger.settings.url)
    async with running(ledger) as meter:
        await admin.execute(
            """
            CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER full_disk BEFORE INSERT ON usage EXECUTE FUNCTION full_disk();
            """
        )
        meter.charge(ledger.charge())
        await meter.caught_up()
        assert meter.waiting == 1
        await admin.execute("DROP TRIGGER full_disk ON usage")
        await meter.caught_up()
        assert await ledger.used() == {"real-time": 1}
    await admin.close()


async def test_what_waits_at_the_end_is_taken_up_by_the_next_start(file_ledger: Ledger) -> None:
    place = database_of(file_ledger)
    async with running(file_ledger) as meter:
        await asyncio.to_thread(place.rename, place.with_name("away"))
        meter.charge(file_ledger.charge(5.0))
        await meter.caught_up()
        with structlog.testing.capture_logs() as logs:
            await meter.close()
        assert logs[-1] == {
            "event": "usage_left_for_the_next_start",
            "rows": 1,
            "log_level": "warning",
        }
    await asyncio.to_thread(place.with_name("away").rename, place)
    (left,) = file_ledger.folder.iterdir()
    # The process was killed while it wrote.
    left.write_bytes(left.read_bytes() + b'\n["torn')
    async with running(file_ledger):
        assert await file_ledger.used() == {"real-time": 5}
        assert left not in set(file_ledger.folder.iterdir())


_CHARGES_UNTIL_KILLED = """
import asyncio, fcntl, os, sys
import structlog
from rasr.identity.principals import CredentialKind, Principal
from rasr.server.metering.meter import StoreMeter
from rasr.settings import StoreSettings
from rasr.store.on_demand import StoreOnDemand
from rasr.usage.meter import Charge
from rasr.usage.services import Service

# What it logs, such as that the store cannot be asked, is no dot.
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

async def main(url, project):
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        # It waits for whoever reads: on a busy machine there would be rows for minutes else.
        fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 4096)
    meter = StoreMeter(StoreOnDemand(StoreSettings(url=url, timeout_s=0.5), {}))
    ann = Principal("u", "ann", "default", project, CredentialKind.KEY, "AK")
    await meter.start()
    number = 0
    while True:
        meter.charge(Charge(f"{os.getpid()}-{number}", ann, Service.REAL_TIME, 1.0, 1.0))
        number += 1
        # Said only of what is charged.
        os.write(1, b".")
        if number % 50 == 0:
            await asyncio.sleep(0.001)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("locked", [True, False])
async def test_a_process_that_is_killed_loses_nothing_that_was_charged(
    file_ledger: Ledger, locked: bool
) -> None:
    """Also in the middle of a transaction, where the database takes them."""
    place = database_of(file_ledger)
    with closing(sqlite3.connect(place, isolation_level=None)) as other:
        if locked:
            other.execute("BEGIN IMMEDIATE")
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _CHARGES_UNTIL_KILLED),
            *(file_ledger.settings.url, file_ledger.project_id),
            stdout=asyncio.subprocess.PIPE,
            limit=4096,
        )
        assert child.stdout is not None
        await child.stdout.readexactly(3000)
        Process(child.pid).kill()
        said = 3000 + len(await child.stdout.read())
        await child.wait()
        if locked:
            other.execute("ROLLBACK")
    async with running(file_ledger) as meter, asyncio.timeout(LONG_S):
        # As long as it takes: the disk may be slow.
        while (found := (await file_ledger.used()).get("real-time", 0)) < said:
            await meter.caught_up()
    # The one that was being charged when the signal came was perhaps not said yet.
    assert said <= found <= said + 1


async def test_a_file_that_another_process_leaves_is_read_whole_whatever_is_read_halfway(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store goes while it takes ours, and is back when another process has died."""
    monkeypatch.setattr("rasr.usage.journal._CHUNK_BYTES", 1000)
    async with running(ledger) as meter:
        put, times = meter._ledger._put, iter(range(100))

        async def put_once(rows: Sequence[LedgerRow]) -> None:
            if next(times) == 1:
                raise DirectoryUnavailable("it is gone")
            await put(rows)

        monkeypatch.setattr(meter._ledger, "_put", put_once)
        for _ in range(20):
            meter.charge(ledger.charge())
        await meter.caught_up()
        assert 0 < meter.waiting < 20
        other = Journal(ledger.folder)
        other.open()
        for _ in range(20):
            other.append(LedgerRow.of(ledger.charge()).line())
        other.close()
        await meter.caught_up()
        assert meter.waiting == 0
        assert await ledger.used() == {"real-time": 40}


_LONE_SURROGATE = "\\ud800"


@pytest.mark.parametrize("broken", ["\\u0000", _LONE_SURROGATE])
@pytest.mark.parametrize("field", [0, 1, 6, 7])
async def test_a_line_that_no_database_can_have_holds_up_no_other(
    ledger: Ledger, broken: str, field: int
) -> None:
    ledger.folder.mkdir(mode=0o700, parents=True)
    text = ["round", ledger.project_id, "real-time", 1.0, 1, 1000, "AK", "user"]
    line = [*text[:field], "BROKEN", *text[field + 1 :]]
    left = json.dumps(line).replace("BROKEN", broken) + "\n" + json.dumps(text) + "\n"
    (ledger.folder / "1-0.journal").write_text(left)
    async with running(ledger) as meter:
        meter.charge(ledger.charge(2.0))
        await meter.caught_up()
        assert meter.waiting == 0
    assert await ledger.used() == {"real-time": 3}
    assert list(ledger.folder.iterdir()) == []


async def test_a_mistake_of_ours_does_not_end_the_way_to_the_ledger(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(ledger) as meter:
        with monkeypatch.context() as mistaken:
            mistaken.setattr(meter._ledger, "_put", None)
            with structlog.testing.capture_logs() as logs:
                meter.charge(ledger.charge())
                await meter.caught_up()
                await meter.caught_up()
            (waits,) = [one for one in logs if one["event"] == "usage_waits"]
            assert isinstance(waits["exc_info"], TypeError)
        assert meter.waiting == 1
        await meter.caught_up()
        assert await ledger.used() == {"real-time": 1}


async def test_a_full_disk_keeps_rows_in_memory_until_there_is_room(file_ledger: Ledger) -> None:
    async with running(file_ledger) as meter:
        with files_no_longer_than(0), structlog.testing.capture_logs() as logs:
            for _ in range(3):
                meter.charge(file_ledger.charge())
            await meter.caught_up()
        assert (meter.waiting, meter.lost) == (3, 0)
        events = [one["event"] for one in logs]
        assert events.count("usage_journal_failed") == events.count("usage_waits") == 1
        await meter.caught_up()
        assert meter.waiting == 0
        assert await file_ledger.used() == {"real-time": 3}


async def test_what_finds_room_nowhere_is_lost_and_told(
    file_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "_MOST_IN_MEMORY", 2)
    async with running(file_ledger) as meter:
        with files_no_longer_than(0), structlog.testing.capture_logs() as logs:
            for _ in range(5):
                meter.charge(file_ledger.charge())
        assert [one["event"] for one in logs] == ["usage_lost"]
        assert (meter.waiting, meter.lost) == (2, 3)
        await meter.caught_up()
        assert await file_ledger.used() == {"real-time": 2}


async def test_what_is_charged_during_the_last_round_reaches_the_store_without_a_journal(
    file_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_ledger.folder.touch()
    monkeypatch.setattr(ledger_module, "_FAREWELL_S", LONG_S)
    async with running(file_ledger) as meter:
        put, late = meter._ledger._put, [1, 2, 3]

        async def put_while_others_come(rows: Sequence[LedgerRow]) -> None:
            await put(rows)
            if late:
                late.pop()
                meter.charge(file_ledger.charge())

        monkeypatch.setattr(meter._ledger, "_put", put_while_others_come)
        meter.charge(file_ledger.charge())
        await meter.close()
        assert (meter.waiting, meter.lost) == (0, 0)
    assert await file_ledger.used() == {"real-time": 4}


async def test_without_a_place_for_a_journal_rows_go_to_the_store_all_the_same(
    file_ledger: Ledger,
) -> None:
    file_ledger.folder.touch()
    async with running(file_ledger) as meter:
        meter.charge(file_ledger.charge())
        await meter.caught_up()
        assert meter.waiting == 0
        assert await file_ledger.used() == {"real-time": 1}


async def test_usage_of_a_project_that_is_not_there_holds_up_no_other(ledger: Ledger) -> None:
    async with running(ledger) as meter:
        stranger = replace(
            ledger.principal,
            project_id="who is this?" * 9,
            user_id="oidc:" + "x\x00" * 90,
            kind=CredentialKind.OIDC,
            credential="oidc:0123456789ab",
        )
        await meter.check(stranger, Service.REAL_TIME)
        with structlog.testing.capture_logs() as logs:
            meter.charge(replace(ledger.charge(), principal=stranger))
            meter.charge(
                replace(
                    ledger.charge(),
                    principal=replace(stranger, project_id=ledger.project_id),
                )
            )
            await meter.caught_up()
        assert [one["event"] for one in logs] == ["usage_of_unknown_project"]
        assert meter.waiting == 0
        (one,) = await ledger.sums()
        assert (one.access_id, one.user_id) == (None, "oidc:0123456789ab")


async def test_where_there_is_no_store_nothing_is_metered_until_there_is_one(
    sqlite_settings: StoreSettings,
) -> None:
    ledger = Ledger(sqlite_settings)
    store = StoreOnDemand(sqlite_settings, {})
    meter = StoreMeter(store, ledger.clock, ledger.clock)
    await meter.start()
    await meter.check(ledger.principal, Service.REAL_TIME)
    assert not store.usage_folder().exists()
    await meter.close()
    await store.close()


# What may be used


async def test_what_is_charged_here_counts_at_once(ledger: Ledger) -> None:
    await ledger.quota(10)
    async with running(ledger) as meter:
        await meter.check(ledger.principal, Service.REAL_TIME)
        meter.charge(ledger.charge(9.0))
        await meter.check(ledger.principal, Service.REAL_TIME)
        meter.charge(ledger.charge(1.0))
        refused = await is_refused(ledger, meter)
        assert not refused.is_frozen
        assert "the quota of real-time is used up: 10 of 10 seconds" in refused.sentence
        await meter.caught_up()
        # The same when the store has it, and when it was read anew.
        assert "10 of 10" in (await is_refused(ledger, meter)).sentence
        ledger.clock.now += STALE_S
        assert "10 of 10" in (await is_refused(ledger, meter)).sentence
        await meter.check(ledger.principal, Service.ONE_SENTENCE)


async def test_what_others_charge_counts_when_it_is_read_anew(ledger: Ledger) -> None:
    await ledger.quota(10)
    async with running(ledger) as one, running(ledger) as other:
        await one.check(ledger.principal, Service.REAL_TIME)
        other.charge(ledger.charge(10.0))
        await other.caught_up()
        # Not known here yet.
        await one.check(ledger.principal, Service.REAL_TIME)
        ledger.clock.now += FRESH_S
        await one.check(ledger.principal, Service.REAL_TIME)
        await refreshed(one)
        await is_refused(ledger, one)
        await ledger.quota(11)
        ledger.clock.now += STALE_S
        await one.check(ledger.principal, Service.REAL_TIME)


async def test_a_project_is_frozen_and_free_again(ledger: Ledger) -> None:
    async with running(ledger) as meter:
        await meter.check(ledger.principal, Service.REAL_TIME)
        await ledger.freeze(1.0)
        ledger.clock.now += STALE_S
        assert (await is_refused(ledger, meter)).is_frozen
        await ledger.freeze(None)
        ledger.clock.now += STALE_S
        await meter.check(ledger.principal, Service.REAL_TIME)


async def test_in_a_new_month_the_quota_is_there_again(ledger: Ledger) -> None:
    await ledger.quota(10)
    async with running(ledger) as meter:
        meter.charge(ledger.charge(10.0))
        await is_refused(ledger, meter)
        ledger.clock.now += 31 * DAY
        await meter.check(ledger.principal, Service.REAL_TIME)
        # What ended in the old one, and is told late, is of the old one.
        meter.charge(replace(ledger.charge(10.0), at=ledger.clock.now - 31 * DAY))
        await meter.check(ledger.principal, Service.REAL_TIME)


async def test_a_quota_of_nothing_refuses_everything(ledger: Ledger) -> None:
    await ledger.quota(0)
    async with running(ledger) as meter:
        await is_refused(ledger, meter)


async def test_while_the_store_cannot_be_asked_nobody_begins(file_ledger: Ledger) -> None:
    async with running(file_ledger) as meter:
        await meter.check(file_ledger.principal, Service.REAL_TIME)
        place = database_of(file_ledger)
        await asyncio.to_thread(place.rename, place.with_name("away"))
        # It is not noticed before it is asked again.
        file_ledger.clock.now += FRESH_S
        await meter.check(file_ledger.principal, Service.REAL_TIME)
        await refreshed(meter)
        with pytest.raises(DirectoryUnavailable, match="is gone"):
            await meter.check(file_ledger.principal, Service.REAL_TIME)
        await asyncio.to_thread(place.with_name("away").rename, place)
        await meter.check(file_ledger.principal, Service.REAL_TIME)


async def test_many_who_ask_at_once_ask_the_store_once(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(ledger) as meter:
        store = await meter._store.kept()
        reading, asked = store.reading, []

        def counted() -> object:
            asked.append(1)
            return reading()

        monkeypatch.setattr(store, "reading", counted)
        await asyncio.gather(*(meter.check(ledger.principal, Service.REAL_TIME) for _ in range(50)))
        for _ in range(50):
            await meter.check(ledger.principal, Service.REAL_TIME)
        assert len(asked) == 1


# What the operator is told


async def test_each_level_is_told_once(ledger: Ledger) -> None:
    await ledger.quota(100)
    store = await ledger.opened[0].kept()
    async with store.writing() as work:
        now = ledger.clock.now
        package = 50, now - DAY, now + DAY
        await work.usage.add_package(ledger.project_id, Service.REAL_TIME, *package)
    async with running(ledger) as meter:
        with structlog.testing.capture_logs() as logs:
            for amount in (39, 1, 1, 39, 20, 50):
                meter.charge(ledger.charge(amount))
                ledger.clock.now += 20.0
                await meter.caught_up()
    told = [
        (one["bound"], one["percent"], one["used"], one["of"])
        for one in logs
        if one["event"] == "usage_level_reached"
    ]
    assert told == [
        ("packages", 80, 40, 50),
        ("quota", 80, 80, 100),
        ("packages", 100, 50, 50),
        ("quota", 100, 100, 100),
    ]


# Lines of the journal


@given(st.binary(max_size=200))
def test_a_line_that_is_none_of_ours_is_read_as_none(line: bytes) -> None:
    assert LedgerRow.read(line) is None


TEXT = st.text(max_size=12)
MAYBE = st.one_of(st.none(), TEXT, st.integers(), st.floats(), st.booleans())


@given(st.lists(MAYBE, min_size=8, max_size=8))
def test_a_line_with_other_values_is_read_as_none_or_is_the_same(values: list[object]) -> None:
    row = LedgerRow.read(json.dumps(values).encode())
    assert row is None or LedgerRow.read(row.line()) == row


@given(
    identifier=st.text(
        st.characters(codec="utf-8").filter(str.isprintable), min_size=1, max_size=64
    ),
    seconds=st.floats(0, 20_000),
    at=st.floats(0, 1 << 32),
    service=st.sampled_from(Service),
)
def test_a_row_comes_back_from_its_line(
    identifier: str, seconds: float, at: float, service: Service
) -> None:
    charge = replace(Ledger(StoreSettings()).charge(seconds, service), id=identifier, at=at)
    row = LedgerRow.of(charge)
    assert LedgerRow.read(row.line()) == row
    assert b"\n" not in row.line()
