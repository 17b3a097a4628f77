"""Which replica has which channel, in both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import ColumnElement

from rasr.store.caption_channels import StoredChannel
from rasr.store.store import Store

ONE, TWO, THREE = "1" * 12, "2" * 12, "3" * 12


async def of(store: Store, replica: str, *names: str) -> set[str]:
    async with store.reading() as work:
        return {one.name for one in await work.caption_channels.of(replica, names)}


async def test_a_channel_is_of_the_replica_that_claims_it_first(store: Store) -> None:
    async with store.writing() as work:
        await work.replicas.beat(ONE, "ws://one:1", {}, {})
        first = await work.caption_channels.claim("stage", ONE, TWO, "p")
        again = await work.caption_channels.claim("stage", ONE, TWO, "p")
        other = await work.caption_channels.claim("stage", TWO, ONE, "p")
        foreign = await work.caption_channels.claim("stage", ONE, TWO, "q")
    assert first == StoredChannel("stage", ONE, "ws://one:1", TWO, None, "p", 1)
    assert again == other == foreign == replace(first, claims=2)


async def test_it_moves_only_as_it_was_read(store: Store) -> None:
    async with store.writing() as work:
        read = await work.caption_channels.claim("stage", ONE, TWO, "")
        moved = await work.caption_channels.move(read, TWO, THREE, is_claim=True)
        again = await work.caption_channels.move(read, THREE, ONE, is_claim=True)
        assert moved is not None
        inherited = await work.caption_channels.move(moved, THREE, ONE, is_claim=False)
    assert again is None
    assert (moved.replica, moved.keeper, moved.claims) == (TWO, THREE, 2)
    assert inherited == replace(moved, replica=THREE, keeper=ONE)


async def test_it_is_removed_only_as_it_was_read(store: Store) -> None:
    async with store.writing() as work:
        read = await work.caption_channels.claim("stage", ONE, TWO, "")
        await work.caption_channels.claim("stage", ONE, TWO, "")
        await work.caption_channels.remove(read)
        now = await work.caption_channels.find("stage")
        assert now is not None
        await work.caption_channels.remove(now)
        assert await work.caption_channels.find("stage") is None


async def test_a_replica_is_told_of_its_own_of_those_it_keeps_and_of_those_it_asks_for(
    store: Store,
) -> None:
    async with store.writing() as work:
        for name, replica, keeper in (("a", ONE, TWO), ("b", TWO, ONE), ("c", TWO, THREE)):
            await work.caption_channels.claim(name, replica, keeper, "")
    assert await of(store, ONE) == {"a", "b"}
    assert await of(store, ONE, "c", "d") == {"a", "b", "c"}
    assert await of(store, THREE) == {"c"}


async def test_what_neither_its_replica_nor_its_keeper_has_any_more_is_forgotten(
    store: Store,
) -> None:
    async with store.writing() as work:
        await work.replicas.beat(TWO, "ws://two:1", {}, {})
        kept = await work.caption_channels.claim("kept", ONE, TWO, "")
        await work.caption_channels.claim("own", TWO, ONE, "")
        await work.caption_channels.claim("lost", ONE, THREE, "")
        await work.caption_channels.claim("alone", ONE, "", "")
        await work.caption_channels.forget_lost()
        assert (kept.address, kept.keeper_address) == (None, "ws://two:1")
    assert await of(store, ONE, "kept", "own", "lost", "alone") == {"kept", "own"}


async def test_another_keeper_can_be_named(store: Store) -> None:
    async with store.writing() as work:
        read = await work.caption_channels.claim("stage", ONE, "", "")
        await work.caption_channels.keep(read, THREE)
    assert await of(store, THREE) == {"stage"}


async def test_one_that_is_removed_just_when_it_is_claimed_is_claimed_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with store.writing() as work:
        await work.replicas.beat(ONE, "ws://one:1", {}, {})
        channels = work.caption_channels
        theirs = await channels.claim("stage", TWO, ONE, "")
        those = channels._those

        async def removed_before(which: ColumnElement[bool]) -> list[StoredChannel]:
            monkeypatch.undo()
            await channels.remove(theirs)
            return await those(which)

        monkeypatch.setattr(channels, "_those", removed_before)
        ours = await channels.claim("stage", ONE, TWO, "")
    assert (ours.replica, ours.claims) == (ONE, 1)


async def test_many_names_may_be_asked_for(store: Store) -> None:
    names = [f"stage-{number}" for number in range(40_000)]
    async with store.writing() as work:
        await work.caption_channels.claim(names[-1], ONE, TWO, "")
        await work.caption_channels.claim("mine", THREE, TWO, "")
    assert await of(store, THREE, *names, "mine") == {"mine", names[-1]}
