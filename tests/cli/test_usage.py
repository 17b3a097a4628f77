"""`rasr usage | packages | quotas`, `rasr projects freeze`."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
import openpyxl
import pytest

from rasr.cli.accounts.packages import packages
from rasr.cli.accounts.quotas import quotas
from rasr.settings import StoreSettings
from rasr.store.records import UsageRow
from rasr.store.store import open_store
from tests.cli.conftest import Rasr


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def write(project_id: str, *rows: UsageRow) -> None:
    """Rows of the ledger, as a server writes them."""

    async def run() -> None:
        async with await open_store(StoreSettings(), os.environ) as store:
            async with store.writing() as work:
                await work.usage.write(project_id, rows)

    asyncio.run(run())


@pytest.fixture
def used(told: Any) -> str:
    """A project "a" that has used something in November, and a project "b" that has not."""
    project: str = told("projects", "create", "a")["id"]
    told("projects", "create", "b")
    ann = told("users", "create", "=SUM(1)")["id"]
    write(
        project,
        UsageRow("1", "real-time", at("2025-11-01T00:00:00"), 3, 2300, "AK1", ann),
        UsageRow("2", "real-time", at("2025-11-01T23:59:59"), 61, 61_000, "AK1", ann),
        UsageRow("3", "real-time", at("2025-11-30T12:00:00"), 5, 5000, "AK2", ann),
        UsageRow("4", "one-sentence", at("2025-11-30T12:00:00"), 1, 900, None, "oidc:x"),
        UsageRow("5", "real-time", at("2025-12-01T00:00:00"), 1000, 1_000_000, "AK1", ann),
    )
    return project


NOVEMBER = ("--from", "2025-11-01", "--to", "2025-11-30")


@pytest.mark.parametrize(
    ("by", "heading", "rows"),
    [
        (
            (),
            "PROJECT DAY SERVICE KEY USER CALLS AMOUNT UNIT AUDIO S",
            [
                "a 2025-11-01 real-time AK1 =SUM(1) 2 64 seconds 63.3",
                "a 2025-11-30 one-sentence – oidc:x 1 1 calls 0.9",
                "a 2025-11-30 real-time AK2 =SUM(1) 1 5 seconds 5.0",
            ],
        ),
        (
            ("--by", "day"),
            "PROJECT DAY SERVICE CALLS AMOUNT UNIT AUDIO S",
            [
                "a 2025-11-01 real-time 2 64 seconds 63.3",
                "a 2025-11-30 one-sentence 1 1 calls 0.9",
                "a 2025-11-30 real-time 1 5 seconds 5.0",
            ],
        ),
        (
            ("--by", "key"),
            "PROJECT KEY USER SERVICE CALLS AMOUNT UNIT AUDIO S",
            [
                "a AK1 =SUM(1) real-time 2 64 seconds 63.3",
                "a AK2 =SUM(1) real-time 1 5 seconds 5.0",
                "a – oidc:x one-sentence 1 1 calls 0.9",
            ],
        ),
        (
            ("--by", "service"),
            "PROJECT SERVICE CALLS AMOUNT UNIT AUDIO S",
            ["a one-sentence 1 1 calls 0.9", "a real-time 3 69 seconds 68.3"],
        ),
    ],
)
def test_usage_is_a_table(
    done: Rasr, used: str, by: tuple[str, ...], heading: str, rows: list[str]
) -> None:
    lines = [re.sub(" +", " ", line) for line in done("usage", *NOVEMBER, *by).stdout.splitlines()]
    assert lines == [heading, *rows]


def test_sums_of_seconds_have_no_more_digits_than_milliseconds(done: Rasr, used: str) -> None:
    # 0.1 + 0.2 is 0.30000000000000004.
    write(
        used,
        UsageRow("6", "flash", at("2025-11-02T10:00:00"), 1, 100, None, "oidc:x"),
        UsageRow("7", "flash", at("2025-11-02T11:00:00"), 1, 200, None, "oidc:x"),
    )
    table = done("usage", "--project", "a", *NOVEMBER, "--by", "service").stdout
    assert [line.split()[-1] for line in table.splitlines() if " flash " in line] == ["0.3"]


def test_usage_is_of_one_project_or_of_all(told: Any, done: Rasr, used: str) -> None:
    one = told("usage", "--project", "a", *NOVEMBER)
    assert (one["project"], one["project_id"], one["from"], one["to"]) == (
        "a",
        used,
        "2025-11-01",
        "2025-11-30",
    )
    assert one["usage"][0]["amount"] == 64
    assert [each["project"] for each in told("usage", *NOVEMBER)] == ["a", "b"]
    assert told("usage", "--project", "b", *NOVEMBER)["usage"] == []
    assert done("usage", "--project", "b", *NOVEMBER).stdout.splitlines()[1:] == []


def test_usage_goes_into_a_spreadsheet_without_formulas(
    done: Rasr, used: str, tmp_path: Path
) -> None:
    rows = list(csv.DictReader(io.StringIO(done("usage", *NOVEMBER, "--csv").stdout)))
    assert rows[0] == {
        "project": "a",
        "day": "2025-11-01",
        "service": "real-time",
        "key": "AK1",
        "user": "'=SUM(1)",
        "calls": "2",
        "amount": "64",
        "unit": "seconds",
        "audio_s": "63.3",
    }
    file = tmp_path / "november.xlsx"
    assert done("usage", *NOVEMBER, "--xlsx", file).stdout == f"3 rows are in {file}\n"
    (sheet,) = openpyxl.load_workbook(file).worksheets
    assert sheet.title == "2025-11-01 to 2025-11-30"
    heading, first, *_ = sheet.iter_rows()
    assert [cell.value for cell in heading] == list(rows[0])
    cells = {name.value: cell for name, cell in zip(heading, first, strict=True)}
    assert (cells["user"].value, cells["user"].data_type) == ("=SUM(1)", "s")
    assert (cells["amount"].value, cells["amount"].data_type) == (64, "n")
    day = cells["day"].value
    assert isinstance(day, datetime)
    assert day.date() == date(2025, 11, 1)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--from", "2025-13-01"), "'from' is invalid"),
        (("--from", "2025-11-02", "--to", "2025-11-01"), "which is after 'to'"),
        (("--csv", "--json"), "one of --csv, --xlsx and --json at most"),
        (("--project", "none"), "there is no project 'none'"),
        (("--xlsx", "/nowhere/file.xlsx"), "cannot be written: No such file"),
        (("--by", "month"), "'month' is not one of 'day', 'key', 'service'"),
    ],
)
def test_what_cannot_be_told_is_refused(
    refused: Any, used: str, arguments: tuple[str, ...], why: str
) -> None:
    assert why in refused("usage", *arguments)


def test_packages_are_added_listed_used_and_revoked(
    done: Rasr, told: Any, refused: Any, used: str
) -> None:
    first = told(
        *("packages", "add", "real-time", "1m", "--project", "a"),
        *("--starts", "2025-10-01", "--ends", "2126-01-01"),
    )
    assert (first["amount"], first["unit"]) == (60, "seconds")
    second = told(
        *("packages", "add", "real-time", "2000", "--project", "a", "--starts", "2024-02-29")
    )
    assert (second["starts_at"], second["ends_at"]) == (
        "2024-02-29T00:00:00Z",
        "2025-03-01T00:00:00Z",
    )
    calls = told("packages", "add", "one-sentence", "1000", "--project", "b")
    listed = {one["id"]: one for one in told("packages", "list")}
    assert {key: one["used"] for key, one in listed.items()} == {
        first["id"]: 60,
        second["id"]: 0,
        calls["id"]: 0,
    }
    assert [one["id"] for one in told("packages", "list", "--project", "b")] == [calls["id"]]
    report = told("usage", "--project", "a", *NOVEMBER)
    assert [(one["id"], one["used"]) for one in report["packages"]] == [(first["id"], 60)]
    assert {one["service"]: one["amount"] for one in report["on_demand"]} == {
        "one-sentence": 1,
        "real-time": 9,
    }
    line = done("usage", "--project", "a", *NOVEMBER).stderr
    assert "a: the packages are used up: 60 of 60 seconds of real-time are used" in line
    done("packages", "revoke", first["id"], "--project", "a")
    assert "is over already" in refused("packages", "revoke", first["id"], "--project", "a")
    assert "has no package" in refused("packages", "revoke", calls["id"], "--project", "a")
    assert done("packages", "list").stdout.splitlines()[0].split() == [
        *("PROJECT", "ID", "SERVICE", "AMOUNT", "USED", "UNIT", "STARTS", "ENDS"),
    ]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("add", "real-time", "ten"), "'ten'; needed: seconds of audio, as 36000, 600m or 10h"),
        (("add", "one-sentence", "10h"), "'10h'; needed: a number of calls for one-sentence"),
        (("add", "rasr", "10"), "'rasr' is not one of 'one-sentence', 'real-time'"),
        (("add", "real-time", "0"), "a package has an amount of 1 or more"),
        (("add", "real-time", "١٠"), "needed: seconds of audio"),
        (("add", "real-time", "9", "--starts", "2999-01-01", "--ends", "1d"), "ends after it"),
        (("add", "real-time", "9", "--starts", "9999-12-31"), "from 2000-01-01 to 2999-12-31"),
        (("add", "real-time", "9", "--starts", "0001-01-01"), "from 2000-01-01 to 2999-12-31"),
        (("add", "real-time", "9", "--ends", "9999-12-31T23:59-12:00"), "to 2999-12-31"),
    ],
)
def test_what_is_no_package_is_refused(
    refused: Any, used: str, arguments: tuple[str, ...], why: str
) -> None:
    assert why in refused("packages", *arguments, "--project", "a")


def test_quotas_are_set_listed_and_unset(done: Rasr, told: Any, refused: Any, used: str) -> None:
    project = ("--project", "a")
    line = done("quotas", "set", "real-time", "2h", *project).stdout
    assert line == "a may use 7200 seconds of real-time in a month\n"
    done("quotas", "set", "one-sentence", "10", *project)
    write(used, UsageRow("now", "one-sentence", datetime.now(UTC).timestamp(), 1, 900))
    found = [(one["service"], one["per_month"], one["used"]) for one in told("quotas", "list")]
    assert ("one-sentence", 10, 1) in found
    assert [one[:2] for one in found] == [("one-sentence", 10), ("real-time", 7200)]
    assert told("quotas", "list", "--project", "b") == []
    done("quotas", "unset", "real-time", *project)
    assert "has no quota of real-time" in refused("quotas", "unset", "real-time", *project)
    assert [one["action"] for one in told("store", "audit")][:3] == [
        *("iam:quota:unset", "iam:quota:set", "iam:quota:set"),
    ]


def test_a_project_is_frozen_and_free_again(done: Rasr, told: Any, used: str) -> None:
    assert "rasr projects unfreeze a" in done("projects", "freeze", "a").stdout
    assert told("projects", "show", "a")["frozen_at"] is not None
    frozen = done("projects", "list").stdout.splitlines()
    assert "FROZEN" in frozen[0]
    done("projects", "unfreeze", "a")
    assert told("projects", "show", "a")["frozen_at"] is None
    actions = [(one["action"], one["target"]) for one in told("store", "audit")][:2]
    assert actions == [
        ("iam:project:unfreeze", "default/a"),
        ("iam:project:freeze", "default/a"),
    ]


@pytest.mark.parametrize("group", [packages, quotas], ids=lambda group: str(group.name))
def test_the_page_of_usage_has_every_command(group: click.Group) -> None:
    page = (Path(__file__).parents[2] / "docs" / "usage.md").read_text("utf-8")
    shown = [f"rasr {group.name} {name}" for name in group.commands]
    assert [one for one in shown if one not in page] == []


def test_json_has_only_what_it_says(told: Any, used: str) -> None:
    report = told("usage", "--project", "a", *NOVEMBER)
    assert set(report) == {
        *("project", "project_id", "from", "to", "usage", "packages", "quotas", "on_demand"),
        "warnings",
    }
    assert json.dumps(report).count("2025-11-01") == 2
