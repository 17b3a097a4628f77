"""`rasr packages`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from rasr.cli.accounts.amounts import service_and_amount
from rasr.cli.accounts.opened import Accounts, Change, chosen_projects, full_name, of_the_store
from rasr.cli.accounts.options import Moment, domain_option, json_option, project_option
from rasr.cli.accounts.shown import facts, show_list, show_one
from rasr.usage.periods import a_year_after
from rasr.usage.services import Service

if TYPE_CHECKING:
    from rasr.store.records import Package
    from rasr.store.store import Work

_COLUMNS = ("project", "id", "service", "amount", "used", "unit", "starts_at", "ends_at")


@click.group()
@of_the_store
def packages() -> None:
    """Amounts of a service that a project has bought ahead. They are used before anything is on
    demand, the one that ends first before others, and refuse nothing: that is what quotas do.

    SERVICE is one-sentence, real-time, recordings, flash or synthesis; an AMOUNT is of calls for
    one-sentence and synthesis, and of seconds of audio for the others: 36000, 600m or 10h.

    \b
      rasr packages add --project cn-north-4 real-time 1000h
    """


@packages.command()
@service_and_amount
@project_option
@click.option(
    "--starts", type=Moment(past=True), metavar="WHEN", help="A date as 2027-01-31. Default: now."
)
@click.option(
    "--ends",
    type=Moment(),
    metavar="WHEN",
    help="90d from now, or a date. Default: a year after its start.",
)
@domain_option
@json_option
@click.pass_obj
def add(
    accounts: Accounts,
    service: str,
    amount: int,
    project: str,
    starts: float | None,
    ends: float | None,
    domain: str,
    as_json: bool,
) -> None:
    """Give a project a package."""

    async def do(change: Change) -> Package:
        found = await change.work.projects.get(domain, project)
        begin = change.now if starts is None else starts
        end = a_year_after(begin) if ends is None else ends
        made = await change.work.usage.add_package(found.id, service, amount, begin, end)
        target = f"{made.id} {service} {amount} of {full_name(found)}"
        await change.note("iam:package:add", target, found)
        return made

    show_one(_facts(accounts.change(do), project), as_json=as_json)


@packages.command("list")
@click.option("--project", metavar="NAME", help="Only those of this project.")
@domain_option
@json_option
@click.pass_obj
def list_packages(accounts: Accounts, project: str | None, domain: str, as_json: bool) -> None:
    """The packages, also those that are over, and what was used of them."""

    async def do(work: Work) -> list[dict[str, Any]]:
        from rasr.store.usage_report import packages_in_use

        found = await chosen_projects(work, domain, project)
        rows = []
        for one in found:
            uses, _ = await packages_in_use(work.usage, one.id, time.time())
            rows += [_facts(use.package, one.name, used=use.used) for use in uses]
        return rows

    show_list(accounts.read(do), _COLUMNS, as_json=as_json)


@packages.command()
@click.argument("package")
@project_option
@domain_option
@click.pass_obj
def revoke(accounts: Accounts, package: str, project: str, domain: str) -> None:
    """Let a package, by its id, count no more from now on. What was used of it stays so."""

    async def do(change: Change) -> None:
        found = await change.work.projects.get(domain, project)
        await change.work.usage.revoke_package(found.id, package, change.now)
        await change.note("iam:package:revoke", f"{package} of {full_name(found)}", found)

    accounts.change(do)
    click.echo(f"the package {package} counts no more")


def _facts(package: Package, project: str, **more: object) -> dict[str, Any]:
    return {"project": project, **facts(package), "unit": str(Service(package.service).unit)} | more
