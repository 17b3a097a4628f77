"""Tables of hot words in a transaction. Every call names the project that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.errors import AlreadyThere, TooMany, Unknown
from rasr.store.names import may_be_kept, new_id
from rasr.store.records import Vocabulary
from rasr.store.schema import PROJECTS, VOCABULARIES, VOCABULARY_WORDS

Version = tuple[int, float]
"""How often a table was changed, and when it was the last time. A store that was put back may count
the same number twice, and does not do so at the same time."""

_TOLD: tuple[Column[Any], ...] = (
    VOCABULARIES.c.id,
    VOCABULARIES.c.name,
    VOCABULARIES.c.language,
    VOCABULARIES.c.description,
    VOCABULARIES.c.revision,
)


class Vocabularies:
    """The tables of hot words."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(
        self,
        project_id: str,
        name: str,
        language: str,
        description: str,
        words: Sequence[str],
        now: float,
        *,
        most: int | None = None,
    ) -> str:
        """Make a table. Returns its id.

        Args:
            most: so many tables the project may have; None: any number.

        Raises:
            AlreadyThere: the project has one of this name.
            TooMany: it has as many as it may have.
        """
        await self._take_turns(project_id)
        await self._refuse_taken(project_id, name, "")
        if most is not None and await self._count(VOCABULARIES.c.project_id == project_id) >= most:
            raise TooMany(f"the project has {most} vocabularies, and may have no more")
        vocabulary_id = new_id()
        await self._connection.execute(
            insert(VOCABULARIES).values(
                id=vocabulary_id,
                project_id=project_id,
                name=name,
                language=language,
                description=description,
                revision=1,
                created_at=now,
                changed_at=now,
            )
        )
        await self._write_words(vocabulary_id, words)
        return vocabulary_id

    async def replace(
        self,
        project_id: str,
        vocabulary_id: str,
        name: str,
        language: str,
        description: str,
        words: Sequence[str],
        now: float,
    ) -> None:
        """Put other content into a table.

        Raises:
            Unknown: the project has no such table.
            AlreadyThere: another one of the project has this name.
        """
        if not may_be_kept(vocabulary_id):
            raise _unknown(vocabulary_id)
        await self._take_turns(project_id)
        await self._refuse_taken(project_id, name, vocabulary_id)
        done = await self._connection.execute(
            update(VOCABULARIES)
            .where(VOCABULARIES.c.project_id == project_id, VOCABULARIES.c.id == vocabulary_id)
            .values(
                name=name,
                language=language,
                description=description,
                revision=VOCABULARIES.c.revision + 1,
                changed_at=now,
            )
        )
        if not done.rowcount:
            raise _unknown(vocabulary_id)
        await self._connection.execute(
            delete(VOCABULARY_WORDS).where(VOCABULARY_WORDS.c.vocabulary_id == vocabulary_id)
        )
        await self._write_words(vocabulary_id, words)

    async def remove(self, project_id: str, vocabulary_id: str) -> None:
        """Delete a table.

        Raises:
            Unknown: the project has no such table.
        """
        if not may_be_kept(vocabulary_id):
            raise _unknown(vocabulary_id)
        done = await self._connection.execute(
            delete(VOCABULARIES).where(
                VOCABULARIES.c.project_id == project_id, VOCABULARIES.c.id == vocabulary_id
            )
        )
        if not done.rowcount:
            raise _unknown(vocabulary_id)

    async def get(self, project_id: str, vocabulary_id: str) -> Vocabulary:
        """A table with its words.

        Raises:
            Unknown: the project has no such table.
        """
        row = None
        if may_be_kept(vocabulary_id):
            row = (
                await self._connection.execute(
                    select(*_TOLD).where(
                        VOCABULARIES.c.project_id == project_id,
                        VOCABULARIES.c.id == vocabulary_id,
                    )
                )
            ).one_or_none()
        if row is None:
            raise _unknown(vocabulary_id)
        return _record(row, await self.words(row.id))

    async def find(self, project_id: str, reference: str) -> Vocabulary:
        """The table of this id, or of this name, with its words.

        Raises:
            Unknown: the project has no such table.
        """
        if await self.version(project_id, reference) is not None:
            return await self.get(project_id, reference)
        named = await self.named(project_id, reference)
        if named is None:
            raise _unknown(reference)
        return await self.get(project_id, named.id)

    async def named(self, project_id: str, name: str) -> Vocabulary | None:
        """The table of this name, without its words; None where the project has none."""
        if not may_be_kept(name):
            return None
        _, found = await self.page(project_id, limit=1, name=name)
        return found[0] if found else None

    async def page(
        self, project_id: str, *, limit: int, skipped: int = 0, name: str | None = None
    ) -> tuple[int, list[Vocabulary]]:
        """How many tables a project has, and some of them in the order they were made in, without
        their words.

        Args:
            name: only the one of this name.
        """
        own = [VOCABULARIES.c.project_id == project_id]
        if name is not None:
            own.append(VOCABULARIES.c.name == name)
        count = await self._count(*own)
        rows = await self._connection.execute(
            select(*_TOLD)
            .where(*own)
            .order_by(VOCABULARIES.c.created_at, VOCABULARIES.c.id)
            .limit(limit)
            .offset(skipped)
        )
        return count, [_record(row, ()) for row in rows]

    async def version(self, project_id: str, vocabulary_id: str) -> Version | None:
        """What whoever keeps a copy compares; None where the project has no such table."""
        if not may_be_kept(vocabulary_id):
            return None
        row = (
            await self._connection.execute(
                select(VOCABULARIES.c.revision, VOCABULARIES.c.changed_at).where(
                    VOCABULARIES.c.project_id == project_id, VOCABULARIES.c.id == vocabulary_id
                )
            )
        ).one_or_none()
        return None if row is None else (row.revision, row.changed_at)

    async def words(self, vocabulary_id: str) -> tuple[str, ...]:
        """The words of a table that is there, in their order."""
        words = await self._connection.scalars(
            select(VOCABULARY_WORDS.c.word)
            .where(VOCABULARY_WORDS.c.vocabulary_id == vocabulary_id)
            .order_by(VOCABULARY_WORDS.c.position)
        )
        return tuple(words)

    async def _count(self, *where: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(VOCABULARIES).where(*where)
        return (await self._connection.execute(query)).scalar_one()

    async def _take_turns(self, project_id: str) -> None:
        """Whoever else changes tables of this project waits until this transaction is over, so that
        names and numbers are still true when it is kept. SQLite has one writer at a time anyhow."""
        await self._connection.execute(
            select(PROJECTS.c.id).where(PROJECTS.c.id == project_id).with_for_update(key_share=True)
        )

    async def _refuse_taken(self, project_id: str, name: str, but: str) -> None:
        taken = await self._connection.execute(
            select(VOCABULARIES.c.id).where(
                VOCABULARIES.c.project_id == project_id,
                VOCABULARIES.c.name == name,
                VOCABULARIES.c.id != but,
            )
        )
        if taken.first() is not None:
            raise AlreadyThere("the project has a vocabulary of this name already")

    async def _write_words(self, vocabulary_id: str, words: Sequence[str]) -> None:
        if words:
            await self._connection.execute(
                insert(VOCABULARY_WORDS),
                [
                    {"vocabulary_id": vocabulary_id, "position": position, "word": word}
                    for position, word in enumerate(words)
                ],
            )


def _unknown(vocabulary_id: str) -> Unknown:
    return Unknown(f"the project has no vocabulary {vocabulary_id!r}")


def _record(row: Row[Any], words: tuple[str, ...]) -> Vocabulary:
    return Vocabulary(**row._mapping, words=words)
