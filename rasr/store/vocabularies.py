"""Tables of hot words in a transaction. Every call names the project that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.errors import AlreadyThere, Unknown
from rasr.store.names import may_be_kept, new_id
from rasr.store.records import Vocabulary
from rasr.store.schema import VOCABULARIES, VOCABULARY_WORDS

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
    ) -> str:
        """Make a table. Returns its id.

        Raises:
            AlreadyThere: the project has one of this name.
        """
        await self._refuse_taken(project_id, name, "")
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
        words = await self._connection.scalars(
            select(VOCABULARY_WORDS.c.word)
            .where(VOCABULARY_WORDS.c.vocabulary_id == row.id)
            .order_by(VOCABULARY_WORDS.c.position)
        )
        return _record(row, tuple(words))

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
        count = (
            await self._connection.execute(
                select(func.count()).select_from(VOCABULARIES).where(*own)
            )
        ).scalar_one()
        rows = await self._connection.execute(
            select(*_TOLD)
            .where(*own)
            .order_by(VOCABULARIES.c.created_at, VOCABULARIES.c.id)
            .limit(limit)
            .offset(skipped)
        )
        return count, [_record(row, ()) for row in rows]

    async def revision(self, project_id: str, vocabulary_id: str) -> int | None:
        """What whoever keeps a copy compares; None where the project has no such table."""
        return (
            await self._connection.execute(
                select(VOCABULARIES.c.revision).where(
                    VOCABULARIES.c.project_id == project_id, VOCABULARIES.c.id == vocabulary_id
                )
            )
        ).scalar_one_or_none()

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
