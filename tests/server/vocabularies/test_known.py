"""The copies of words that a server keeps: asked for each time, read once, and bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import update

from rasr.server import vocabularies
from rasr.server.vocabularies import KnownVocabularies
from rasr.settings import StoreSettings
from rasr.store.on_demand import StoreOnDemand
from rasr.store.schema import VOCABULARIES
from rasr.store.store import Store
from rasr.store.vocabularies import Vocabularies

NOW = 1_767_323_045.25
ENGLISH = "english"


@pytest.fixture
async def on_demand(store_settings: StoreSettings) -> AsyncIterator[StoreOnDemand]:
    opened = StoreOnDemand(store_settings, {})
    yield opened
    await opened.close()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of vocabularies whose words were read."""
    ids: list[str] = []
    words = Vocabularies.words

    async def counted(self: Vocabularies, vocabulary_id: str) -> Sequence[str]:
        ids.append(vocabulary_id)
        return await words(self, vocabulary_id)

    monkeypatch.setattr(Vocabularies, "words", counted)
    return ids


async def made(store: Store, *names: str) -> list[str]:
    async with store.writing() as work:
        await work.projects.keep("a", "default", NOW)
        return [
            await work.vocabularies.create("a", name, ENGLISH, "", [name], NOW) for name in names
        ]


async def replace(store: Store, vocabulary: str, *words: str, now: float = NOW) -> None:
    async with store.writing() as work:
        await work.vocabularies.replace("a", vocabulary, "n", ENGLISH, "", words, now)


async def test_words_are_read_when_they_have_changed_and_not_before(
    on_demand: StoreOnDemand, read: list[str]
) -> None:
    known = KnownVocabularies({"team": ["Elinor"]}, on_demand)
    (one,) = await made(await on_demand.kept(), "one")
    for _ in range(3):
        assert await known.words("a", None, one) == ("one",)
    assert read == [one]
    await replace(await on_demand.kept(), one, "other", "words")
    for _ in range(3):
        assert await known.words("a", None, one) == ("other", "words")
    assert read == [one, one]
    assert await known.words("b", None, one) is None
    assert await known.words("a", None, "\x00") is None
    assert await known.words("\x00", None, one) is None
    assert await known.words("b", None, "team") == ("Elinor",)
    assert read == [one, one]


async def test_a_store_that_was_put_back_may_count_the_same_number_twice(
    on_demand: StoreOnDemand,
) -> None:
    known = KnownVocabularies({}, on_demand)
    store = await on_demand.kept()
    (one,) = await made(store, "one")
    await replace(store, one, "lost")
    assert await known.words("a", None, one) == ("lost",)
    async with store.writing() as work:
        # As a backup of before that change would have it.
        await work.connection.execute(update(VOCABULARIES).values(revision=1, changed_at=NOW))
    await replace(store, one, "kept", now=NOW + 1)
    assert await known.words("a", None, one) == ("kept",)


async def test_those_that_were_used_last_are_kept(
    on_demand: StoreOnDemand, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabularies, "_MOST_KEPT", 2)
    known = KnownVocabularies({}, on_demand)
    one, two, three = await made(await on_demand.kept(), "one", "two", "three")
    for asked in (one, two, one, three, one, two):
        await known.words("a", None, asked)
    assert read == [one, two, three, two]


async def test_without_a_store_there_are_those_of_the_settings(tmp_path: Any) -> None:
    for store in (None, StoreOnDemand(StoreSettings(url=f"sqlite:///{tmp_path}/none.db"), {})):
        known = KnownVocabularies({"team": ["Elinor"]}, store)
        assert await known.words("a", None, "team") == ("Elinor",)
        assert await known.words("a", None, "other") is None
    assert not list(tmp_path.iterdir())


async def test_words_that_are_changed_through_one_server_count_at_another_one_at_once(
    on_demand: StoreOnDemand, store_settings: StoreSettings
) -> None:
    there = StoreOnDemand(store_settings, {})
    try:
        here, other = KnownVocabularies({}, on_demand), KnownVocabularies({}, there)
        (one,) = await made(await on_demand.kept(), "n")
        assert await other.words("a", None, one) == ("n",)
        await replace(await on_demand.kept(), one, "Elinor", now=NOW + 1)
        assert await other.words("a", None, one) == ("Elinor",)
        assert await here.words("a", None, one) == ("Elinor",)
    finally:
        await there.close()
