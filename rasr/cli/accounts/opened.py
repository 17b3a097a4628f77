"""What a command does in the store: one transaction, with a line of the audit for each change."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rasr.cli.config_options import config_option, settings_only
from rasr.settings import Settings

if TYPE_CHECKING:
    from rasr.store.records import GroupRecord, ProjectRecord, UserRecord
    from rasr.store.store import Work

T = TypeVar("T")


def of_the_store(group: Callable[..., Any]) -> Callable[..., Any]:
    """Give a group of commands `--config`, and its commands the `Accounts` as their object."""

    @config_option
    @click.pass_context
    def begin(context: click.Context, config: Path | None) -> None:
        context.obj = Accounts(settings_only(config))

    begin.__doc__ = group.__doc__
    begin.__name__ = group.__name__
    return begin


class Change:
    """A transaction that changes something."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.now = time.time()

    async def note(self, action: str, target: str, project: ProjectRecord | None = None) -> None:
        """Add a line to the audit."""
        from rasr.identity.directory import AuditEntry

        of = None if project is None else project.id
        await self.work.audit.write(AuditEntry(self.now, operator(), action, target, of))

    @asynccontextmanager
    async def taking_rights(self, *, force: bool) -> AsyncIterator[None]:
        """What is done within is refused where it leaves no administrator, unless forced."""
        if force:
            yield
            return
        async with self.work.keeping_an_administrator(self.now):
            yield


class Accounts:
    """The store of the settings, opened for one transaction at a time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def change(self, do: Callable[[Change], Awaitable[T]], *, make: bool = False) -> T:
        """Do it in one transaction that changes all or nothing.

        Args:
            make: make the file of the store if it is not there.

        Raises:
            click.ClickException: with what went wrong, for a person.
        """

        async def run() -> T:
            from rasr.store.store import open_store

            async with await open_store(self.settings.store, os.environ, make=make) as store:
                async with store.writing() as work:
                    return await do(Change(work))

        return told_plainly(run())

    def read(self, do: Callable[[Work], Awaitable[T]]) -> T:
        """Do it in one transaction that changes nothing.

        Raises:
            click.ClickException: with what went wrong, for a person.
        """

        async def run() -> T:
            from rasr.store.store import open_store

            async with await open_store(self.settings.store, os.environ) as store:
                async with store.reading() as work:
                    return await do(work)

        return told_plainly(run())


async def chosen_projects(work: Work, domain: str, project: str | None) -> list[ProjectRecord]:
    """The project of this id or name; every one where none is named.

    Raises:
        Unknown: there is no such project.
    """
    if project is None:
        return await work.projects.all()
    return [await work.projects.get(domain, project)]


def told_plainly(doing: Coroutine[Any, Any, T]) -> T:
    """What this comes to; what goes wrong with the store is one message, not a traceback."""
    with _plain_errors():
        return asyncio.run(doing)


@contextmanager
def _plain_errors() -> Iterator[None]:
    from rasr.store.errors import StoreError

    try:
        yield
    except StoreError as error:
        raise click.ClickException(str(error)) from error


def operator() -> str:
    """Who is at this command line, as the audit has it."""
    try:
        import pwd

        # The variables of the environment say what anybody likes.
        return f"local:{pwd.getpwuid(os.getuid()).pw_name}"
    except (ImportError, KeyError):
        return f"local:{os.getuid() if hasattr(os, 'getuid') else os.getlogin()}"


def full_name(one: UserRecord | ProjectRecord | GroupRecord) -> str:
    """How the audit names somebody or something: with the domain, where it is of one."""
    domain = getattr(one, "domain", None)
    return one.name if domain is None else f"{domain}/{one.name}"
