"""`rasr policies`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

from rasr.cli.accounts.opened import Accounts, Change, full_name, of_the_store
from rasr.cli.accounts.options import (
    description_option,
    domain_option,
    expires_option,
    force_option,
    json_option,
)
from rasr.cli.accounts.shown import facts, show_list, show_one

if TYPE_CHECKING:
    from rasr.store.records import Attachment, GroupRecord, PolicyRecord, ProjectRecord, UserRecord
    from rasr.store.store import Work

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
@of_the_store
def policies() -> None:
    """What users may do, as IAM writes it: allow and deny, by actions such as sis:rasr:*.

    What nothing allows is denied, and a statement that denies wins over every one that allows.

    \b
      rasr policies attach "SIS FullAccess" --user ann --project cn-north-4
      rasr policies explain --user ann --project cn-north-4 sis:rasr:stream
    """


def _whom_options(command: Command) -> Command:
    for option in (
        click.option("--project", metavar="NAME", help="In this project only; else in all."),
        click.option("--group", metavar="NAME", help="To a group, by name or id."),
        click.option("--user", metavar="NAME", help="To a user, by name or id."),
    ):
        command = option(command)
    return command


@policies.command("create")
@click.argument("name")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@description_option
@json_option
@click.pass_obj
def create(accounts: Accounts, name: str, file: IO[str], description: str, as_json: bool) -> None:
    """Keep a policy that is in a JSON file; - is standard input.

    \b
      {"Version": "1.1",
       "Statement": [{"Effect": "Allow", "Action": ["sis:rasr:*"]}]}
    """
    from rasr.identity.policies import Policy, PolicyError

    try:
        policy = Policy.parse(json.load(file))
    except PolicyError as error:
        raise click.ClickException(f"{file.name} is no policy: {error}") from error
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"{file.name} is not JSON: {error}") from error

    async def do(change: Change) -> PolicyRecord:
        made = await change.work.policies.create(name, policy, description, change.now)
        await change.note("iam:policy:create", made.name)
        return made

    show_one(_facts(accounts.change(do, make=True)), as_json=as_json)


@policies.command("list")
@json_option
@click.pass_obj
def list_policies(accounts: Accounts, as_json: bool) -> None:
    """Every policy; those that every server has first."""

    async def do(work: Work) -> list[PolicyRecord]:
        return await work.policies.all()

    columns = ("name", "id", "created_at", "description")
    show_list([_facts(one) for one in accounts.read(do)], columns, as_json=as_json)


@policies.command()
@click.argument("policy")
@json_option
@click.pass_obj
def show(accounts: Accounts, policy: str, as_json: bool) -> None:
    """A policy, by name or id: what it says, and to whom it applies."""

    async def do(work: Work) -> tuple[PolicyRecord, list[Attachment]]:
        found = await work.policies.get(policy)
        return found, await work.policies.attachments(policy=found)

    found, attached = accounts.read(do)
    if as_json:
        show_one(_facts(found, attachments=[facts(one) for one in attached]), as_json=True)
        return
    show_one(_facts(found), as_json=False)
    if attached:
        click.echo()
        columns = ("user", "group", "project", "expires_at")
        show_list([facts(one) for one in attached], columns, as_json=False)


@policies.command()
@click.argument("policy")
@_whom_options
@expires_option
@domain_option
@click.pass_obj
def attach(
    accounts: Accounts,
    policy: str,
    user: str | None,
    group: str | None,
    project: str | None,
    expires: float | None,
    domain: str,
) -> None:
    """Let a policy apply to a user or a group."""

    async def do(change: Change) -> str:
        found = await change.work.policies.get(policy)
        holder, where = await _whom(change.work, domain, user, group, project)
        await change.work.policies.attach(found, holder, where, change.now, expires)
        await change.note("iam:policy:attach", f"{found.name}: {full_name(holder)}", where)
        return found.name

    name = accounts.change(do)
    click.echo(f"{name} applies to {user or group} {_place(project)}")


@policies.command()
@click.argument("policy")
@_whom_options
@force_option
@domain_option
@click.pass_obj
def detach(
    accounts: Accounts,
    policy: str,
    user: str | None,
    group: str | None,
    project: str | None,
    force: bool,
    domain: str,
) -> None:
    """Let a policy apply to a user or a group no more."""

    async def do(change: Change) -> str:
        found = await change.work.policies.get(policy)
        holder, where = await _whom(change.work, domain, user, group, project)
        async with change.taking_rights(force=force):
            await change.work.policies.detach(found, holder, where)
        await change.note("iam:policy:detach", f"{found.name}: {full_name(holder)}", where)
        return found.name

    name = accounts.change(do)
    click.echo(f"{name} applies to {user or group} no more {_place(project)}")


@policies.command()
@click.argument("policy")
@click.pass_obj
def revoke(accounts: Accounts, policy: str) -> None:
    """Delete a policy; it applies to nobody any more."""

    async def do(change: Change) -> None:
        found = await change.work.policies.get(policy)
        if found.id is None:
            raise click.ClickException(f"{found.name} is a policy that every server has")
        await change.work.policies.remove(found.id)
        await change.note("iam:policy:revoke", found.name)

    accounts.change(do)
    click.echo(f"there is no policy {policy} any more")


@policies.command()
@click.argument("action")
@click.option("--user", required=True, metavar="NAME", help="Who asks, by name or id.")
@click.option("--project", required=True, metavar="NAME", help="Where, by name or id.")
@domain_option
@json_option
@click.pass_obj
def explain(
    accounts: Accounts, action: str, user: str, project: str, domain: str, as_json: bool
) -> None:
    """Whether a user may do an action in a project, and which statement decides."""
    import time

    from rasr.identity.policies import decide

    async def do(work: Work) -> tuple[bool, str]:
        whose = await work.users.get(domain, user)
        where = await work.projects.get(domain, project)
        for what, one in (("user", whose), ("project", where)):
            if one.blocked_at is not None:
                return False, f"{action} is denied: the {what} is blocked"
        grants = await work.policies.grants_of(whose.id)
        decision = decide(grants, where.id, action, time.time())
        return decision.is_allowed, decision.sentence

    is_allowed, sentence = accounts.read(do)
    if as_json:
        show_one({"is_allowed": is_allowed, "sentence": sentence}, as_json=True)
    else:
        click.echo(sentence)


async def _whom(
    work: Work, domain: str, user: str | None, group: str | None, project: str | None
) -> tuple[UserRecord | GroupRecord, ProjectRecord | None]:
    where = None if project is None else await work.projects.get(domain, project)
    match user, group:
        case str(), None:
            return await work.users.get(domain, user), where
        case None, str():
            return await work.groups.get(group), where
        case _:
            raise click.UsageError("needed: one of --user and --group")


def _place(project: str | None) -> str:
    return "in all projects" if project is None else f"in project {project}"


def _facts(one: PolicyRecord, **more: Any) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "description": one.description,
        "created_at": one.created_at,
        "document": one.policy.document(),
        **more,
    }
