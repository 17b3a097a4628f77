"""Recordings that are sent part by part, on both databases."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from rasr.store.errors import Unknown
from rasr.store.jobs import NewJob
from rasr.store.names import new_id
from rasr.store.schema import UPLOAD_PARTS
from rasr.store.store import Store


async def upload(store: Store, *parts: int) -> str:
    """One whose parts have so many bytes."""
    async with store.writing() as work:
        upload_id = await work.uploads.begin("a", 0.0, 10)
        for number, size in enumerate(parts):
            await work.uploads.put("a", upload_id, number, b"x" * size, 1 << 30)
    return upload_id


async def left(store: Store, upload_id: str) -> list[int]:
    """The parts that are left once some are forgotten."""
    async with store.writing() as work:
        assert await work.uploads.drop_parts(upload_id)
        parts = select(UPLOAD_PARTS.c.part).where(UPLOAD_PARTS.c.upload_id == upload_id)
        found = await work.connection.execute(parts.order_by(UPLOAD_PARTS.c.part))
        return list(found.scalars())


async def test_many_small_parts_are_forgotten_together_and_large_ones_one_by_one(
    store: Store,
) -> None:
    upload_id = await upload(store, *[1] * 20, 5 << 20, 3 << 20, 1 << 20, 1)
    assert await left(store, upload_id) == [20, 21, 22, 23]
    assert await left(store, upload_id) == [21, 22, 23]
    assert await left(store, upload_id) == [23]
    assert await left(store, upload_id) == []
    async with store.writing() as work:
        assert not await work.uploads.drop_parts(upload_id)
        assert await work.uploads.needless(1.0) == []


async def test_one_that_is_being_forgotten_takes_no_more_parts_and_goes_to_no_job(
    store: Store,
) -> None:
    upload_id = await upload(store, 5 << 20, 5 << 20)
    assert await left(store, upload_id) == [1]
    async with store.writing() as work:
        with pytest.raises(Unknown):
            await work.uploads.put("a", upload_id, 0, b"again", 1 << 30)
        with pytest.raises(Unknown):
            await work.uploads.parts("a", upload_id)
        # Whoever began it may be gone: others go on.
        assert await work.uploads.needless(-1.0) == [upload_id]
    assert await left(store, upload_id) == []
    async with store.writing() as work:
        assert not await work.uploads.drop_parts(upload_id)
        assert await work.uploads.needless(-1.0) == []


async def test_one_that_is_given_to_a_job_meanwhile_is_not_forgotten(store: Store) -> None:
    upload_id = await upload(store, 1)

    async def is_needed() -> bool:
        async with store.writing() as work:
            return await work.uploads.is_needed("a", upload_id)

    async with store.writing() as work:
        assert await work.uploads.parts("a", upload_id) == [0]
        asked = asyncio.create_task(is_needed())
        # Not a wait for anything: who is not kept waiting has his answer by then.
        await asyncio.wait({asked}, timeout=0.3)
        assert not asked.done()
        job = NewJob(new_id(), "a", None, {}, f"upload:{upload_id}", None, "digest", upload_id)
        await work.jobs.add(job, 1, 0.0)
    assert await asked
    async with store.writing() as work:
        assert not await work.uploads.drop_parts(upload_id)
        assert await work.uploads.parts("a", upload_id) == [0]
