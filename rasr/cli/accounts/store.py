"""`rasr store`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rasr.cli.accounts.opened import Accounts, Change, of_the_store, told_plainly
from rasr.cli.accounts.options import domain_option, json_option
from rasr.cli.accounts.shown import facts, show_list

if TYPE_CHECKING:
    from rasr.identity.directory import AuditEntry
    from rasr.store.store import Work

_overwrite_option = click.option(
    "--force", is_flag=True, help="Also where something is there already, which is lost then."
)


@click.group()
@of_the_store
def store() -> None:
    """Where accounts, hot words and usage are kept: copies, versions, keys, the audit.

    \b
      rasr store backup /backups/rasr-monday.db
      rasr store restore /backups/rasr-monday.db --force
    """


@store.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_overwrite_option
@click.pass_obj
def backup(accounts: Accounts, file: Path, force: bool) -> None:
    """Copy the store into a file, while servers use it.

    Of a store in PostgreSQL its own tools make copies; the command is told.
    """
    from rasr.store.store import back_up_store

    keys = told_plainly(back_up_store(accounts.settings.store, os.environ, file, force=force))
    click.echo(f"the store is copied to {file}")
    whose = "in store.encryption_keys" if keys is None else f"in {keys}"
    click.echo(
        f"its secrets can be read only with the keys {whose}, which are not part of the copy: keep "
        "them too, in another place"
    )


@store.command()
@click.argument("file", type=click.Path(path_type=Path))
@_overwrite_option
@click.pass_obj
def restore(accounts: Accounts, file: Path, force: bool) -> None:
    """Put a copy in the place of the store. Servers that run go on with what is in it.

    The keys that its secrets were encrypted with must be in their place before.
    """
    from rasr.store.store import restore_store

    told_plainly(restore_store(accounts.settings.store, os.environ, file, force=force))

    source = str(file.absolute())

    async def note(change: Change) -> None:
        await change.note("store:restore", source)

    accounts.change(note)
    click.echo(f"the store is what {file} has")


@store.command()
@click.pass_obj
def migrate(accounts: Accounts) -> None:
    """Bring the tables to the version of this program; make them where there are none.

    Files of SQLite are brought up by any command and by the server, after a copy is made beside
    them. In PostgreSQL only this command changes tables: make a copy first (pg_dump), and stop the
    servers of the older version.
    """
    from rasr.store.store import migrate_store

    version = told_plainly(migrate_store(accounts.settings.store, os.environ))
    if version.is_ours:
        click.echo(f"the store is of version {version.ours} already")
        return

    async def note(change: Change) -> None:
        await change.note("store:migrate", f"from {version.found} to {version.ours}")

    accounts.change(note)
    click.echo(f"the store is of version {version.ours} now")


@store.command()
@click.pass_obj
def rotate(accounts: Accounts) -> None:
    """Encrypt all secrets anew with the newest key.

    Where keys are in the file beside the store, a new one is made for it, and the older ones stay
    for older backups. Where they are in store.encryption_keys, put a new one first, start all
    servers anew, then run this; the older ones are needed by older backups alone afterwards.
    """
    from rasr.store.store import open_store

    async def run() -> int:
        async with await open_store(accounts.settings.store, os.environ) as opened:
            count = await opened.rotate()
            async with opened.writing() as work:
                await Change(work).note("store:rotate", f"{count} secrets")
            return count

    click.echo(f"{told_plainly(run())} secrets are encrypted with the newest key")


@store.command("new-key")
def make_key() -> None:
    """Print a new key for store.encryption_keys."""
    from rasr.store.keyring import new_key

    click.echo(new_key())


@store.command()
@click.option(
    "--last", type=click.IntRange(1), default=50, metavar="N", help="How many. Default: 50."
)
@click.option("--project", metavar="NAME", help="Only what concerns this project, by name or id.")
@domain_option
@json_option
@click.pass_obj
def audit(accounts: Accounts, last: int, project: str | None, domain: str, as_json: bool) -> None:
    """Who changed what, the newest first."""

    async def do(work: Work) -> list[AuditEntry]:
        of = None if project is None else (await work.projects.get(domain, project)).id
        return await work.audit.newest(last, of)

    rows = [{"done_at": line.pop("at"), **line} for line in map(facts, accounts.read(do))]
    columns = ("done_at", "actor", "action", "target", "project_id", "address")
    show_list(rows, columns, as_json=as_json)
