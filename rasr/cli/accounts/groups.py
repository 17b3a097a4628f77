"""`rasr groups`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rasr.cli.accounts.opened import Accounts, Change, full_name, of_the_store
from rasr.cli.accounts.options import (
    description_option,
    domain_option,
    force_option,
    json_option,
)
from rasr.cli.accounts.shown import facts, show_list, show_one

if TYPE_CHECKING:
    from rasr.store.records import GroupRecord
    from rasr.store.store import Work


@click.group()
@of_the_store
def groups() -> None:
    """Users that have policies in common.

    \b
      rasr groups create readers
      rasr groups add readers ann
      rasr policies attach "SIS ReadOnlyAccess" --group readers
    """


@groups.command("create")
@click.argument("name")
@description_option
@json_option
@click.pass_obj
def create(accounts: Accounts, name: str, description: str, as_json: bool) -> None:
    """Make a group."""

    async def do(change: Change) -> GroupRecord:
        made = await change.work.groups.create(name, description, change.now)
        await change.note("iam:group:create", full_name(made))
        return made

    show_one(facts(accounts.change(do, make=True)), as_json=as_json)


@groups.command("list")
@json_option
@click.pass_obj
def list_groups(accounts: Accounts, as_json: bool) -> None:
    """Every group."""

    async def do(work: Work) -> list[dict[str, Any]]:
        return [
            facts(one, users=await work.groups.members(one.id)) for one in await work.groups.all()
        ]

    columns = ("name", "id", "created_at", "users", "description")
    show_list(accounts.read(do), columns, as_json=as_json)


@groups.command()
@click.argument("group")
@json_option
@click.pass_obj
def show(accounts: Accounts, group: str, as_json: bool) -> None:
    """A group, by name or id: its users and policies."""

    async def do(work: Work) -> dict[str, Any]:
        found = await work.groups.get(group)
        return facts(
            found,
            users=await work.groups.members(found.id),
            policies=[one.policy for one in await work.policies.attachments(holder=found)],
        )

    show_one(accounts.read(do), as_json=as_json)


@groups.command()
@click.argument("group")
@click.argument("user")
@domain_option
@click.pass_obj
def add(accounts: Accounts, group: str, user: str, domain: str) -> None:
    """Put a user into a group."""

    async def do(change: Change) -> bool:
        found = await change.work.groups.get(group)
        member = await change.work.users.get(domain, user)
        if not await change.work.groups.add(found.id, member.id):
            return False
        await change.note("iam:group:add-user", f"{found.name}: {full_name(member)}")
        return True

    done = accounts.change(do)
    click.echo(f"{user} is in {group}" if done else f"{user} was in {group} already")


@groups.command()
@click.argument("group")
@click.argument("user")
@force_option
@domain_option
@click.pass_obj
def remove(accounts: Accounts, group: str, user: str, force: bool, domain: str) -> None:
    """Take a user out of a group."""

    async def do(change: Change) -> bool:
        found = await change.work.groups.get(group)
        member = await change.work.users.get(domain, user)
        async with change.taking_rights(force=force):
            if not await change.work.groups.take_out(found.id, member.id):
                return False
        await change.note("iam:group:remove-user", f"{found.name}: {full_name(member)}")
        return True

    if not accounts.change(do):
        raise click.ClickException(f"{user} is not in {group}")
    click.echo(f"{user} is no more in {group}")


@groups.command()
@click.argument("group")
@force_option
@click.pass_obj
def revoke(accounts: Accounts, group: str, force: bool) -> None:
    """Delete a group. Its users stay, without what they had by it."""

    async def do(change: Change) -> None:
        found = await change.work.groups.get(group)
        async with change.taking_rights(force=force):
            await change.work.groups.remove(found.id)
        await change.note("iam:group:revoke", full_name(found))

    accounts.change(do)
    click.echo(f"there is no group {group} any more")
