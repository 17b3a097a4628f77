"""`rasr usage`."""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rasr.cli.accounts.opened import Accounts, chosen_projects
from rasr.cli.accounts.options import domain_option
from rasr.cli.accounts.shown import show_list
from rasr.cli.config_options import config_option, settings_only
from rasr.cli.spreadsheets import Row, write_csv, write_xlsx
from rasr.cli.writing import writing
from rasr.usage.periods import BadDays, asked_days
from rasr.usage.services import Service

if TYPE_CHECKING:
    from rasr.store.store import Work
    from rasr.store.usage_report import UsageReport

_COLUMNS: dict[str | None, tuple[str, ...]] = {
    None: ("day", "service", "key", "user"),
    "day": ("day", "service"),
    "key": ("key", "user", "service"),
    "service": ("service",),
}
_AMOUNTS = ("calls", "amount", "unit", "audio_s")


@click.command()
@config_option
@click.option("--project", metavar="NAME", help="Only this project, by name or id.")
@click.option("--from", "first", metavar="DAY", help="As 2026-11-01 (UTC). Default: this month.")
@click.option("--to", "last", metavar="DAY", help="The last day, included.")
@click.option(
    "--by",
    type=click.Choice(["day", "key", "service"]),
    help="Add up for each day, key or service.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print values separated by commas.")
@click.option(
    "--xlsx", type=click.Path(path_type=Path), metavar="FILE", help="Write a workbook instead."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, with packages, quotas and warnings."
)
@domain_option
def usage(
    config: Path | None,
    project: str | None,
    first: str | None,
    last: str | None,
    by: str | None,
    as_csv: bool,
    xlsx: Path | None,
    as_json: bool,
    domain: str,
) -> None:
    """What projects have used: calls, and seconds of audio, by day, service and key.

    \b
      rasr usage --project cn-north-4 --from 2026-11-01 --to 2026-11-30 --by day
    """
    if sum((as_csv, xlsx is not None, as_json)) > 1:
        raise click.UsageError("needed: one of --csv, --xlsx and --json at most")
    now = time.time()
    try:
        days = asked_days(first, last, now)
    except BadDays as error:
        raise click.UsageError(str(error)) from error
    users: dict[str, str] = {}

    async def do(work: Work) -> list[tuple[str, UsageReport]]:
        from rasr.store.usage_report import TooMuch, usage_report

        found = await chosen_projects(work, domain, project)
        users.update({one.id: one.name for one in await work.users.all()})
        try:
            return [(p.name, await usage_report(work.usage, p.id, *days, now)) for p in found]
        except TooMuch as error:
            raise click.ClickException("that is too much at once; ask for fewer days") from error

    reports = Accounts(settings_only(config)).read(do)
    if as_json:
        documents = [{"project": name, **report.document()} for name, report in reports]
        told = documents if project is None else documents[0]
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    rows = [row for name, report in reports for row in _rows(name, report, users, by)]
    columns = ("project", *_COLUMNS[by], *_AMOUNTS)
    if as_csv:
        write_csv(rows, columns, sys.stdout)
    elif xlsx is not None:
        with writing(xlsx):
            write_xlsx(rows, columns, xlsx, f"{days[0]} to {days[1]}")
        click.echo(f"{len(rows)} rows are in {xlsx}")
    else:
        show_list(rows, columns, as_json=False)
    for name, report in reports:
        for warning in report.warnings:
            click.echo(f"{name}: {warning.sentence}", err=True)


def _rows(name: str, report: UsageReport, users: dict[str, str], by: str | None) -> list[Row]:
    """The rows of a project, added up."""
    rows: dict[tuple[object, ...], Row] = {}
    sums: dict[tuple[object, ...], list[int]] = {}
    for one in report.usage:
        row: Row = {
            "project": name,
            "day": date.fromisoformat(one.day),
            "service": one.service,
            "key": one.access_id,
            "user": users.get(one.user_id or "", one.user_id),
            "unit": str(Service(one.service).unit),
        }
        key = tuple(row[column] for column in _COLUMNS[by])
        rows.setdefault(key, row)
        # Whole numbers: sums of fractions have small errors, which a table would show.
        known = sums.setdefault(key, [0, 0, 0])
        sums[key] = [
            before + more
            for before, more in zip(known, (one.calls, one.amount, one.audio_ms), strict=True)
        ]
    return [
        {**rows[key], "calls": calls, "amount": amount, "audio_s": audio_ms / 1000}
        for key, (calls, amount, audio_ms) in sorted(
            sums.items(), key=lambda item: tuple(map(str, item[0]))
        )
    ]
