"""`rasr quotas`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from rasr.cli.accounts.amounts import service_and_amount, service_argument
from rasr.cli.accounts.opened import Accounts, Change, chosen_projects, full_name, of_the_store
from rasr.cli.accounts.options import domain_option, json_option, project_option
from rasr.cli.accounts.shown import show_list
from rasr.usage.services import Service

if TYPE_CHECKING:
    from rasr.store.store import Work


@click.group()
@of_the_store
def quotas() -> None:
    """What a project may use of a service in a calendar month (UTC): past it calls are refused.

    SERVICE is one-sentence, real-time, recordings, flash or synthesis; an AMOUNT is of calls for
    one-sentence and synthesis, and of seconds of audio for the others: 36000, 600m or 10h.

    \b
      rasr quotas set --project cn-north-4 real-time 100h
    """


@quotas.command("set")
@service_and_amount
@project_option
@domain_option
@click.pass_obj
def set_quota(accounts: Accounts, service: str, amount: int, project: str, domain: str) -> None:
    """Bound what a project may use of a service in a month."""

    async def do(change: Change) -> None:
        found = await change.work.projects.get(domain, project)
        await change.work.usage.set_quota(found.id, service, amount)
        await change.note("iam:quota:set", f"{service} {amount} of {full_name(found)}", found)

    accounts.change(do)
    click.echo(f"{project} may use {amount} {Service(service).unit} of {service} in a month")


@quotas.command()
@service_argument
@project_option
@domain_option
@click.pass_obj
def unset(accounts: Accounts, service: str, project: str, domain: str) -> None:
    """Let a project use as much of a service as it likes."""

    async def do(change: Change) -> None:
        found = await change.work.projects.get(domain, project)
        if await change.work.usage.quota(found.id, service) is None:
            raise click.ClickException(f"{project} has no quota of {service}")
        await change.work.usage.set_quota(found.id, service, None)
        await change.note("iam:quota:unset", f"{service} of {full_name(found)}", found)

    accounts.change(do)
    click.echo(f"{project} may use as much of {service} as it likes")


@quotas.command("list")
@click.option("--project", metavar="NAME", help="Only those of this project.")
@domain_option
@json_option
@click.pass_obj
def list_quotas(accounts: Accounts, project: str | None, domain: str, as_json: bool) -> None:
    """The quotas, and what was used of them in this month."""

    async def do(work: Work) -> list[dict[str, Any]]:
        from rasr.store.usage_report import quotas_in_use

        found = await chosen_projects(work, domain, project)
        return [
            {
                "project": one.name,
                "service": use.quota.service,
                "per_month": use.quota.per_month,
                "used": use.used,
                "unit": str(Service(use.quota.service).unit),
            }
            for one in found
            for use in await quotas_in_use(work.usage, one.id, time.time())
        ]

    show_list(
        accounts.read(do), ("project", "service", "per_month", "used", "unit"), as_json=as_json
    )
