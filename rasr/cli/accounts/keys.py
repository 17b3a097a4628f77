"""`rasr keys`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from rasr.cli.accounts.opened import Accounts, Change, full_name, of_the_store
from rasr.cli.accounts.options import (
    description_option,
    domain_option,
    expires_option,
    json_option,
)
from rasr.cli.accounts.shown import facts, show_list, show_one
from rasr.identity.directory import DEFAULT_DOMAIN

if TYPE_CHECKING:
    from rasr.store.records import KeyRecord
    from rasr.store.store import Work


@click.group()
@of_the_store
def keys() -> None:
    """Pairs of an access id (AK) and a secret (SK), which programs sign their requests with.

    \b
      rasr keys create --user ann --project cn-north-4
    """


@keys.command("create")
@click.option("--user", required=True, metavar="NAME", help="Whose it is, by name or id.")
@click.option("--project", required=True, metavar="NAME", help="What it is for, by name or id.")
@expires_option
@domain_option
@description_option
@json_option
@click.pass_obj
def create(
    accounts: Accounts,
    user: str,
    project: str,
    expires: float | None,
    domain: str,
    description: str,
    as_json: bool,
) -> None:
    """Make a key. Its secret is shown this once, and never again."""

    async def do(change: Change) -> tuple[KeyRecord, str, bool]:
        whose = await change.work.users.get(domain, user)
        where = await change.work.projects.get(domain, project)
        made, secret = await change.work.keys.create(whose, where, description, change.now, expires)
        await change.note("iam:key:create", f"{made.id} of {full_name(whose)}", where)
        grants = await change.work.policies.grants_of(whose.id)
        return made, secret, any(one.applies(where.id, change.now) for one in grants)

    made, secret, may_something = accounts.change(do)
    show_one(_facts(made, sk=secret), as_json=as_json)
    click.echo("keep the secret now: it is never shown again", err=True)
    if not may_something:
        words = ["rasr", "policies", "attach", "SIS FullAccess", "--user", user]
        words += ["--project", project]
        words += ["--domain", domain] if domain != DEFAULT_DOMAIN else []
        click.echo(f"{user} may do nothing in {project} yet: {shlex.join(words)}", err=True)


@keys.command("list")
@click.option("--user", metavar="NAME", help="Only those of this user.")
@click.option("--project", metavar="NAME", help="Only those for this project.")
@domain_option
@json_option
@click.pass_obj
def list_keys(
    accounts: Accounts, user: str | None, project: str | None, domain: str, as_json: bool
) -> None:
    """Every key, without its secret; those that are revoked too."""

    async def do(work: Work) -> list[KeyRecord]:
        return await work.keys.all(
            user=None if user is None else await work.users.get(domain, user),
            project=None if project is None else await work.projects.get(domain, project),
        )

    columns = ("ak", "user", "project", "created_at", "expires_at", "revoked_at", "description")
    show_list([_facts(one) for one in accounts.read(do)], columns, as_json=as_json)


@keys.command()
@click.argument("access_id", metavar="AK")
@json_option
@click.pass_obj
def show(accounts: Accounts, access_id: str, as_json: bool) -> None:
    """A key, without its secret."""

    async def do(work: Work) -> KeyRecord:
        return await work.keys.get(access_id)

    show_one(_facts(accounts.read(do)), as_json=as_json)


@keys.command()
@click.argument("access_id", metavar="AK")
@click.pass_obj
def revoke(accounts: Accounts, access_id: str) -> None:
    """Let a key count no more, for good."""

    async def do(change: Change) -> None:
        await change.work.keys.revoke(access_id, change.now)
        found = await change.work.keys.get(access_id)
        where = await change.work.projects.get("", found.project_id)
        await change.note("iam:key:revoke", f"{found.id} of {found.user}", where)

    accounts.change(do)
    click.echo(f"the key {access_id} counts no more")


def _facts(key: KeyRecord, **secret: str) -> dict[str, Any]:
    """What is told of a key, by the names that everybody who calls knows."""
    told = facts(key)
    return {"ak": told.pop("id"), **secret, **told}
