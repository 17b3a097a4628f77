"""`rasr users`."""

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
from rasr.cli.secrets_asked import asked_secret

if TYPE_CHECKING:
    from rasr.store.records import UserRecord
    from rasr.store.store import Work


@click.group()
@of_the_store
def users() -> None:
    """Who calls: people and programs.

    A user calls with keys (`rasr keys create`), or with a password, for which he gets tokens. What
    he may do, policies say (`rasr policies attach`); without any he may do nothing.

    \b
      rasr users create ann --password
      rasr policies attach "SIS FullAccess" --user ann
    """


@users.command("create")
@click.argument("name")
@click.option(
    "--password",
    "with_password",
    is_flag=True,
    help="Ask for a password; on a pipe, take the first line.",
)
@domain_option
@description_option
@json_option
@click.pass_obj
def create(
    accounts: Accounts,
    name: str,
    with_password: bool,
    domain: str,
    description: str,
    as_json: bool,
) -> None:
    """Make a user."""
    hashed = _asked_password() if with_password else None

    async def do(change: Change) -> UserRecord:
        made = await change.work.users.create(domain, name, description, change.now, hashed)
        await change.note("iam:user:create", full_name(made))
        return made

    show_one(facts(accounts.change(do, make=True)), as_json=as_json)


@users.command("list")
@json_option
@click.pass_obj
def list_users(accounts: Accounts, as_json: bool) -> None:
    """Every user."""

    async def do(work: Work) -> list[UserRecord]:
        return await work.users.all()

    columns = ("name", "domain", "id", "has_password", "created_at", "blocked_at", "description")
    show_list([facts(one) for one in accounts.read(do)], columns, as_json=as_json)


@users.command()
@click.argument("user")
@domain_option
@json_option
@click.pass_obj
def show(accounts: Accounts, user: str, domain: str, as_json: bool) -> None:
    """A user, by name or id: groups, policies, keys."""

    async def do(work: Work) -> dict[str, Any]:
        found = await work.users.get(domain, user)
        return facts(
            found,
            groups=await work.groups.of_user(found.id),
            policies=[one.policy_name for one in await work.policies.grants_of(found.id)],
            keys=[one.id for one in await work.keys.all(user=found)],
        )

    show_one(accounts.read(do), as_json=as_json)


@users.command()
@click.argument("user")
@click.option("--remove", is_flag=True, help="Let no password open the account.")
@domain_option
@click.pass_obj
def password(accounts: Accounts, user: str, remove: bool, domain: str) -> None:
    """Give a user another password; on a pipe, the first line of standard input."""
    hashed = None if remove else _asked_password()

    async def do(change: Change) -> None:
        found = await change.work.users.get(domain, user)
        await change.work.users.set_password(found.id, hashed)
        action = "remove-password" if remove else "set-password"
        await change.note(f"iam:user:{action}", full_name(found))

    accounts.change(do)
    click.echo(f"no password opens {user}" if remove else f"{user} has the new password")


@users.command()
@click.argument("user")
@force_option
@domain_option
@click.pass_obj
def revoke(accounts: Accounts, user: str, force: bool, domain: str) -> None:
    """Let a user call no more: neither he nor his keys and tokens."""
    _block(accounts, user, domain, blocked=True, force=force)
    click.echo(f"{user} may call no more; again: rasr users restore {user}")


@users.command()
@click.argument("user")
@domain_option
@click.pass_obj
def restore(accounts: Accounts, user: str, domain: str) -> None:
    """Let a user call again, with the keys that he had."""
    _block(accounts, user, domain, blocked=False, force=True)
    click.echo(f"{user} may call again")


def _block(accounts: Accounts, user: str, domain: str, *, blocked: bool, force: bool) -> None:
    async def do(change: Change) -> None:
        found = await change.work.users.get(domain, user)
        async with change.taking_rights(force=force):
            await change.work.users.block(found.id, change.now if blocked else None)
        action = "revoke" if blocked else "restore"
        await change.note(f"iam:user:{action}", full_name(found))

    accounts.change(do)


def _asked_password() -> str:
    """The hash of a password that is typed twice, or comes from a pipe."""
    from rasr.identity.passwords import hash_password

    try:
        return hash_password(asked_secret("Password", twice=True))
    except ValueError as error:
        raise click.ClickException(str(error)) from error
