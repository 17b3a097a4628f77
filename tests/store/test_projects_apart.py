"""What belongs to a project is not seen, changed or counted by another one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rasr.store.errors import AlreadyThere, Invalid, Unknown
from rasr.store.records import Quota, UsageRow
from rasr.store.store import Store

NOW = 1_767_323_045.25
DAY = 86_400.0
ASR = "rasr"


async def two_projects(store: Store, suffix: str = "") -> tuple[str, str]:
    async with store.writing() as work:
        made = [
            await work.projects.create("default", name + suffix, "", NOW) for name in ("a", "b")
        ]
    return made[0].id, made[1].id


async def test_a_vocabulary_is_of_its_project_alone(store: Store) -> None:
    ours, theirs = await two_projects(store)
    async with store.writing() as work:
        tables = work.vocabularies
        known = await tables.create(ours, "names", "chinese_mandarin", "", ["张三", "Bob"], NOW)
        same_name = await tables.create(theirs, "names", "chinese_mandarin", "", [], NOW)
        with pytest.raises(AlreadyThere, match="of this name"):
            await tables.create(ours, "names", "chinese_mandarin", "", [], NOW)
        for refused in (
            tables.get(theirs, known),
            tables.remove(theirs, known),
            tables.replace(theirs, known, "x", "chinese_mandarin", "", ["x"], NOW),
            tables.get(ours, "no such\x00id"),
            tables.remove(ours, "no such\x00id"),
            tables.replace(ours, "no such\x00id", "x", "chinese_mandarin", "", ["x"], NOW),
        ):
            with pytest.raises(Unknown, match="the project has no vocabulary"):
                await refused
        assert await tables.version(theirs, known) is None
        assert await tables.version(ours, "no such\x00id") is None
        assert await tables.version(ours, known) == (1, NOW)
        found = await tables.get(ours, known)
        assert (found.words, found.revision) == (("张三", "Bob"), 1)
        await tables.replace(ours, known, "names", "chinese_mandarin", "new", ["李四"], NOW)
        found = await tables.get(ours, known)
        assert (found.words, found.description, found.revision) == (("李四",), "new", 2)
        second = await tables.create(ours, "places", "chinese_mandarin", "", [], NOW + 1)
        with pytest.raises(AlreadyThere, match="of this name"):
            await tables.replace(ours, second, "names", "chinese_mandarin", "", [], NOW)
        count, (page,) = await tables.page(ours, limit=1, skipped=1)
        assert (count, page.id) == (2, second)
        count, (page,) = await tables.page(ours, limit=10, name="names")
        assert (count, page.id) == (1, known)
        await tables.remove(ours, known)
        assert await tables.get(theirs, same_name)


async def test_usage_is_summed_for_each_day_service_and_key(store: Store) -> None:
    ours, theirs = await two_projects(store)
    midnight = datetime(2026, 1, 2, tzinfo=UTC).timestamp()
    rows = [
        UsageRow("1", ASR, midnight - 0.001, 5, 5000, "AK1"),
        UsageRow("2", ASR, midnight, 7, 7000, "AK1"),
        UsageRow("3", ASR, midnight + 1, 11, 11_000, "AK1"),
        UsageRow("4", "tts", midnight + 2, 1),
        UsageRow("5", ASR, midnight + DAY, 100, 1, "AK1"),
    ]
    async with store.writing() as work:
        await work.usage.write(ours, [])
        await work.usage.write(ours, rows[:3])
        await work.usage.write(ours, rows)  # what was in doubt is written again
        await work.usage.write(theirs, [UsageRow("6", ASR, midnight, 1000)])
        sums = await work.usage.sums(ours, midnight - DAY, midnight + DAY)
        assert [(s.day, s.service, s.access_id, s.calls, s.amount, s.audio_ms) for s in sums] == [
            ("2026-01-01", ASR, "AK1", 1, 5, 5000),
            ("2026-01-02", ASR, "AK1", 2, 18, 18_000),
            ("2026-01-02", "tts", None, 1, 1, 0),
        ]
        assert await work.usage.amount(ours, ASR, midnight, midnight + DAY) == 18
        assert await work.usage.amount(theirs, "tts", midnight, midnight + DAY) == 0


async def test_packages_are_of_one_project(store: Store) -> None:
    ours, theirs = await two_projects(store)
    async with store.writing() as work:
        late = await work.usage.add_package(ours, ASR, 10, NOW, NOW + 3 * DAY)
        soon = await work.usage.add_package(ours, "tts", 10, NOW, NOW + DAY)
        assert await work.usage.packages(ours) == [soon, late]
        assert await work.usage.packages(theirs) == []
        for amount, ends in ((0, NOW + 1), (1, NOW)):
            with pytest.raises(Invalid, match="a package has"):
                await work.usage.add_package(ours, ASR, amount, NOW, ends)


async def test_a_package_that_is_revoked_counts_no_more(store: Store) -> None:
    ours, theirs = await two_projects(store)
    async with store.writing() as work:
        begun = await work.usage.add_package(ours, ASR, 10, NOW, NOW + DAY)
        to_come = await work.usage.add_package(ours, ASR, 10, NOW + DAY, NOW + 2 * DAY)
        for project, package in ((theirs, begun.id), (ours, "no such\x00id")):
            with pytest.raises(Unknown, match="the project has no package"):
                await work.usage.revoke_package(project, package, NOW + 1)
        await work.usage.revoke_package(ours, begun.id, NOW + 1)
        await work.usage.revoke_package(ours, to_come.id, NOW + 1)
        (left,) = await work.usage.packages(ours)
        assert (left.id, left.ends_at) == (begun.id, NOW + 1)
        with pytest.raises(AlreadyThere, match="is over already"):
            await work.usage.revoke_package(ours, begun.id, NOW + 1)


async def test_a_quota_is_of_one_project_and_service(store: Store) -> None:
    ours, theirs = await two_projects(store)
    async with store.writing() as work:
        await work.usage.set_quota(ours, ASR, 10)
        await work.usage.set_quota(ours, ASR, 0)
        assert await work.usage.quota(ours, ASR) == 0
        assert await work.usage.quotas(ours) == [Quota(ASR, 0)]
        assert await work.usage.quotas(theirs) == []
        assert await work.usage.quota(theirs, ASR) is None
        assert await work.usage.quota(ours, "tts") is None
        await work.usage.set_quota(ours, ASR, None)
        assert await work.usage.quota(ours, ASR) is None
        with pytest.raises(Invalid, match="0 or more, not -1"):
            await work.usage.set_quota(ours, ASR, -1)


WORD = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
CHANGES = st.lists(st.tuples(st.booleans(), WORD, st.lists(WORD, max_size=4)), max_size=12)
_runs = iter(range(1_000_000))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=CHANGES)
async def test_each_project_has_what_was_put_into_it_whatever_another_does(
    store: Store, changes: list[tuple[bool, str, list[str]]]
) -> None:
    """Against a model: one dictionary for each project."""
    projects = await two_projects(store, str(next(_runs)))
    model: dict[str, dict[str, tuple[str, list[str]]]] = {one: {} for one in projects}
    async with store.writing() as work:
        for is_first, name, words in changes:
            here, there = projects if is_first else projects[::-1]
            known = model[here].get(name)
            if known is None:
                made = await work.vocabularies.create(here, name, "zh", "", words, NOW)
                model[here][name] = made, words
                continue
            with pytest.raises(Unknown):
                await work.vocabularies.replace(there, known[0], "other", "zh", "", ["x"], NOW)
            if words:
                await work.vocabularies.replace(here, known[0], name, "zh", "", words, NOW)
                model[here][name] = known[0], words
            else:
                await work.vocabularies.remove(here, known[0])
                del model[here][name]
    async with store.reading() as work:
        for project in projects:
            count, tables = await work.vocabularies.page(project, limit=100)
            assert count == len(model[project])
            kept = {
                one.name: (one.id, list((await work.vocabularies.get(project, one.id)).words))
                for one in tables
            }
            assert kept == model[project]
