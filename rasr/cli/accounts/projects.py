"""`rasr projects`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from rasr.cli.accounts.opened import Accounts, Change, full_name, of_the_store
from rasr.cli.accounts.options import description_option, domain_option, json_option
from rasr.cli.accounts.shown import facts, show_list, show_one

if TYPE_CHECKING:
    from rasr.store.records import KeyRecord, ProjectRecord
    from rasr.store.store import Work


@click.group()
@of_the_store
def projects() -> None:
    """What keys, hot words and usage belong to: the project_id in the paths of requests.

    The first command that makes something makes the store too.

    \b
      rasr projects create cn-north-4
    """


@projects.command("create")
@click.argument("name")
@domain_option
@description_option
@json_option
@click.pass_obj
def create(accounts: Accounts, name: str, domain: str, description: str, as_json: bool) -> None:
    """Make a project."""

    async def do(change: Change) -> ProjectRecord:
        made = await change.work.projects.create(domain, name, description, change.now)
        await change.note("iam:project:create", full_name(made), made)
        return made

    show_one(facts(accounts.change(do, make=True)), as_json=as_json)


@projects.command("list")
@json_option
@click.pass_obj
def list_projects(accounts: Accounts, as_json: bool) -> None:
    """Every project."""

    async def do(work: Work) -> list[ProjectRecord]:
        return await work.projects.all()

    columns = ("name", "domain", "id", "created_at", "blocked_at", "frozen_at", "description")
    show_list([facts(one) for one in accounts.read(do)], columns, as_json=as_json)


@projects.command()
@click.argument("project")
@domain_option
@json_option
@click.pass_obj
def show(accounts: Accounts, project: str, domain: str, as_json: bool) -> None:
    """A project, by name or id, and its keys."""

    async def do(work: Work) -> tuple[ProjectRecord, list[KeyRecord]]:
        found = await work.projects.get(domain, project)
        return found, await work.keys.all(project=found)

    found, keys = accounts.read(do)
    show_one(facts(found, keys=[key.id for key in keys]), as_json=as_json)


@projects.command()
@click.argument("project")
@domain_option
@click.pass_obj
def revoke(accounts: Accounts, project: str, domain: str) -> None:
    """Let nobody call a project any more. What is in it stays."""
    _block(accounts, project, domain, blocked=True)
    click.echo(f"nobody may call the project {project}; again: rasr projects restore {project}")


@projects.command()
@click.argument("project")
@domain_option
@click.pass_obj
def restore(accounts: Accounts, project: str, domain: str) -> None:
    """Let a project be called again."""
    _block(accounts, project, domain, blocked=False)
    click.echo(f"the project {project} may be called again")


@projects.command()
@click.argument("project")
@domain_option
@click.pass_obj
def freeze(accounts: Accounts, project: str, domain: str) -> None:
    """Refuse a project recognition and synthesis, as where it has not paid.

    Its hot words, usage and console go on; rounds that are open finish.
    """
    _freeze(accounts, project, domain, frozen=True)
    click.echo(f"the project {project} is frozen; again: rasr projects unfreeze {project}")


@projects.command()
@click.argument("project")
@domain_option
@click.pass_obj
def unfreeze(accounts: Accounts, project: str, domain: str) -> None:
    """Let a project recognise and synthesise again."""
    _freeze(accounts, project, domain, frozen=False)
    click.echo(f"the project {project} is not frozen any more")


def _freeze(accounts: Accounts, project: str, domain: str, *, frozen: bool) -> None:
    async def do(change: Change, project_id: str) -> None:
        await change.work.projects.freeze(project_id, change.now if frozen else None)

    _change(accounts, project, domain, "freeze" if frozen else "unfreeze", do)


@projects.command("callback-key")
@click.argument("project")
@click.option("--new", is_flag=True, help="Make another one; the one before counts no more.")
@domain_option
@json_option
@click.pass_obj
def callback_key(accounts: Accounts, project: str, new: bool, domain: str, as_json: bool) -> None:
    """The key that answers to callback URLs of a project are signed with.

    It is made the first time that somebody asks for it; before that, answers are not signed.
    """
    from rasr.recordings.webhooks import new_key

    async def do(change: Change) -> tuple[str, str]:
        found = await change.work.projects.get(domain, project)
        key = None if new else await change.work.callback_keys.find(found.id)
        if key is None:
            key = new_key()
            await change.work.callback_keys.put(found, key, change.now)
            await change.note("iam:project:set-callback-key", full_name(found), found)
        return found.id, key

    project_id, key = accounts.change(do)
    show_one({"project_id": project_id, "callback_key": key}, as_json=as_json)


def _block(accounts: Accounts, project: str, domain: str, *, blocked: bool) -> None:
    async def do(change: Change, project_id: str) -> None:
        await change.work.projects.block(project_id, change.now if blocked else None)

    _change(accounts, project, domain, "revoke" if blocked else "restore", do)


def _change(
    accounts: Accounts,
    project: str,
    domain: str,
    action: str,
    do: Callable[[Change, str], Awaitable[None]],
) -> None:
    """Change a project, by name or id, and note it in the audit."""

    async def run(change: Change) -> None:
        found = await change.work.projects.get(domain, project)
        await do(change, found.id)
        await change.note(f"iam:project:{action}", full_name(found), found)

    accounts.change(run)
