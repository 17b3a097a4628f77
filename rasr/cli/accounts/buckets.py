"""`rasr buckets`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import click

from rasr.cli.accounts.opened import Accounts, Change, of_the_store, told_plainly
from rasr.cli.accounts.options import domain_option, json_option, project_option
from rasr.cli.accounts.shown import facts, show_list, show_one
from rasr.cli.secrets_asked import asked_secret

if TYPE_CHECKING:
    from rasr.store.records import BucketRecord
    from rasr.store.store import Work


@click.group()
@of_the_store
def buckets() -> None:
    """Buckets that projects open to this server: of S3, OBS, MinIO and their like.

    Requests of a project name them, and nobody else's. Those of the settings are not here.

    \b
      rasr buckets add calls --project cn-north-4 --endpoint https://obs.example.com --access-id AK
      rasr buckets test calls 2026/01/call.wav --project cn-north-4
    """


@buckets.command("add")
@click.argument("name")
@project_option
@click.option("--endpoint", required=True, metavar="URL", help="Address of the service.")
@click.option(
    "--region", default="us-east-1", show_default=True, help="Region, which signatures name."
)
@click.option(
    "--bucket", default="", metavar="NAME", help="What the service calls it. Default: NAME."
)
@click.option(
    "--path-style",
    is_flag=True,
    help="The bucket stands in the path of the URL, as MinIO wants it, not before the host.",
)
@click.option(
    "--access-id",
    metavar="AK",
    help="Key to read it with; its secret is asked for, or is the first line of a pipe. Without a "
    "key or a role: everybody may read it.",
)
@click.option(
    "--role", metavar="ARN", help="Role that the project grants to this server, in place of a key."
)
@domain_option
@json_option
@click.pass_obj
def add(
    accounts: Accounts,
    name: str,
    project: str,
    endpoint: str,
    region: str,
    bucket: str,
    path_style: bool,
    access_id: str | None,
    role: str | None,
    domain: str,
    as_json: bool,
) -> None:
    """Open a bucket to the requests of a project."""
    from rasr.recordings.buckets import S3Place
    from rasr.recordings.faults import RecordingFault

    try:
        S3Place.read(name, endpoint, region, bucket, path_style=path_style)
    except RecordingFault as fault:
        raise click.ClickException(fault.message) from fault
    key = None if access_id is None else (access_id, asked_secret("Secret (SK)"))

    async def do(change: Change) -> BucketRecord:
        where = await change.work.projects.get(domain, project)
        made = await change.work.buckets.add(
            where,
            name,
            change.now,
            endpoint=endpoint,
            region=region,
            bucket=bucket or name,
            path_style=path_style,
            key=key,
            role=role,
        )
        await change.note("sis:bucket:create", name, where)
        return made

    show_one(facts(accounts.change(do)), as_json=as_json)


@buckets.command("list")
@click.option("--project", metavar="NAME", help="Only those of this project.")
@domain_option
@json_option
@click.pass_obj
def list_buckets(accounts: Accounts, project: str | None, domain: str, as_json: bool) -> None:
    """Every bucket, without its secret."""

    async def do(work: Work) -> list[BucketRecord]:
        of = None if project is None else await work.projects.get(domain, project)
        return await work.buckets.all(of)

    columns = ("name", "project", "endpoint", "bucket", "access_id", "role", "created_at")
    show_list([facts(one) for one in accounts.read(do)], columns, as_json=as_json)


@buckets.command()
@click.argument("name")
@project_option
@domain_option
@json_option
@click.pass_obj
def show(accounts: Accounts, name: str, project: str, domain: str, as_json: bool) -> None:
    """A bucket of a project, without its secret."""

    async def do(work: Work) -> BucketRecord:
        return await work.buckets.get(await work.projects.get(domain, project), name)

    show_one(facts(accounts.read(do)), as_json=as_json)


@buckets.command()
@click.argument("name")
@project_option
@domain_option
@click.pass_obj
def revoke(accounts: Accounts, name: str, project: str, domain: str) -> None:
    """Close a bucket to the requests of a project. Its key is forgotten here."""

    async def do(change: Change) -> None:
        where = await change.work.projects.get(domain, project)
        await change.work.buckets.revoke(where, name)
        await change.note("sis:bucket:delete", name, where)

    accounts.change(do)
    click.echo(f"the project {project} has no bucket {name} any more")


@buckets.command()
@click.argument("name")
@click.argument("key")
@click.option(
    "--project", metavar="NAME", help="Whose it is; without one: a bucket of the settings."
)
@domain_option
@json_option
@click.pass_obj
def test(
    accounts: Accounts, name: str, key: str, project: str | None, domain: str, as_json: bool
) -> None:
    """Fetch the object KEY out of a bucket, as a request would, and forget it."""
    from rasr.identity.directory import DirectoryUnavailable
    from rasr.recordings.faults import RecordingFault
    from rasr.recordings.project_buckets import BucketRefused
    from rasr.recordings.spool import SpoolRefused

    async def do(work: Work) -> str:
        return (await work.projects.get(domain, "" if project is None else project)).id

    project_id = "" if project is None else accounts.read(do)
    try:
        found = told_plainly(_fetch(accounts, project_id, name, key))
    except RecordingFault as fault:
        raise click.ClickException(f"{fault.message} ({fault.code})") from fault
    except (BucketRefused, DirectoryUnavailable, SpoolRefused) as refused:
        raise click.ClickException(str(refused)) from refused
    show_one({"bucket": name, "key": key, **found}, as_json=as_json)


async def _fetch(accounts: Accounts, project_id: str, name: str, key: str) -> dict[str, Any]:
    from rasr.recordings.access import open_access
    from rasr.store.on_demand import StoreOnDemand

    store = StoreOnDemand(accounts.settings.store, os.environ)
    try:
        async with open_access(accounts.settings.recordings, os.environ, store) as access:
            async with access.spool.place() as place:
                began = time.monotonic()
                found = await access.fetch_object(project_id, name, key, place / "object")
                seconds = round(time.monotonic() - began, 2)
    finally:
        await store.close()
    return {"bytes": found.bytes, "content_type": found.content_type, "seconds": seconds}
