"""Tables of hot words with several writers at once, and the projects that are made for them."""

from __future__ import annotations

import asyncio

import pytest

from rasr.settings import StoreSettings
from rasr.store.errors import AlreadyThere, StoreError, TooMany
from rasr.store.store import Store, open_store

NOW = 1_767_323_045.25
LANGUAGE = "chinese_mandarin"


async def project(store: Store, name: str = "a") -> str:
    async with store.writing() as work:
        return (await work.projects.create("default", name, "", NOW)).id


async def create(store: Store, where: str, name: str, words: list[str], most: int = 10) -> str:
    async with store.writing() as work:
        return await work.vocabularies.create(where, name, LANGUAGE, "", words, NOW, most=most)


async def test_the_last_of_several_writers_wins_and_words_are_never_mixed(
    settings: StoreSettings, store: Store
) -> None:
    where = await project(store)
    table = await create(store, where, "team", ["first"])
    lists = {name: [f"{name}{n}" for n in range(200)] for name in "abcdef"}
    async with await open_store(settings, {}) as other:

        async def replace(writer: Store, name: str) -> None:
            async with writer.writing() as work:
                await work.vocabularies.replace(
                    where, table, name, LANGUAGE, name, lists[name], NOW + ord(name)
                )

        await asyncio.gather(
            *(replace(writer, name) for writer, name in zip([store, other] * 3, lists, strict=True))
        )
        async with store.reading() as work:
            found = await work.vocabularies.get(where, table)
            version = await work.vocabularies.version(where, table)
    assert list(found.words) == lists[found.name]
    assert found.description == found.name
    assert version == (1 + len(lists), NOW + ord(found.name))


@pytest.mark.parametrize("names", [["x", "x", "x"], ["x", "y", "z"]], ids=["one name", "names"])
async def test_several_that_make_the_last_table_are_one_too_many(
    settings: StoreSettings, store: Store, names: list[str]
) -> None:
    where = await project(store)
    await create(store, where, "first", [])
    async with await open_store(settings, {}) as other:
        made = await asyncio.gather(
            *(
                create(writer, where, name, ["a"], most=2)
                for writer, name in zip([store, other, store], names, strict=True)
            ),
            return_exceptions=True,
        )
    kinds = sorted(type(one).__name__ for one in made)
    refusal = AlreadyThere if names[0] == names[1] else TooMany
    assert kinds == sorted(["str", refusal.__name__, refusal.__name__])
    async with store.reading() as work:
        count, _ = await work.vocabularies.page(where, limit=0)
    assert count == 2


async def test_a_change_that_fails_changes_nothing(store: Store) -> None:
    where = await project(store)
    table = await create(store, where, "team", ["old"])
    await create(store, where, "other", [])
    with pytest.raises(AlreadyThere):
        async with store.writing() as work:
            await work.vocabularies.replace(where, table, "other", LANGUAGE, "", ["new"], NOW)
    async with store.reading() as work:
        found = await work.vocabularies.get(where, table)
    assert (found.name, found.words, found.revision) == ("team", ("old",), 1)


async def test_a_project_is_made_once_for_an_id_that_a_path_names(
    settings: StoreSettings, store: Store
) -> None:
    known = await project(store)

    async def keep(writer: Store, reference: str) -> None:
        async with writer.writing() as work:
            await work.projects.keep(reference, "default", NOW)

    async with await open_store(settings, {}) as other:
        for wanted in ("my-project", "0" * 32, known):
            await asyncio.gather(*(keep(writer, wanted) for writer in (store, other) * 3))
    async with store.reading() as work:
        made = await work.projects.all()
        assert sorted(one.name for one in made) == ["0" * 32, "a", "my-project"]
        assert (await work.projects.get("default", "my-project")).id == "my-project"
        assert (await work.projects.get("default", "0" * 32)).id == "0" * 32
    with pytest.raises(StoreError, match="'a' of the domain 'default' has another id"):
        await keep(store, "a")
