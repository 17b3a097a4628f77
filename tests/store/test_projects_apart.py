"""What belongs to a project is not seen, changed or counted by another one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from rasr.store.errors import AlreadyThere, Invalid, Unknown
from rasr.store.records import Quota, UsageRow
from rasr.store.schema import BUCKETS, CALLBACK_KEYS
from rasr.store.store import Store

NOW = 1_767_323_045.25
DAY = 86_400.0
ASR = "rasr"
S3: dict[str, Any] = {
    "endpoint": "https://obs.example",
    "region": "r",
    "bucket": "x-1",
    "path_style": True,
}


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


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


async def test_a_bucket_is_of_its_project_alone(store: Store) -> None:
    async with store.writing() as work:
        ours, theirs = [await work.projects.create("default", name, "", NOW) for name in ("a", "b")]
        made = await work.buckets.add(ours, "calls", NOW, key=("AK", "geheim"), **S3)
        assert {name: getattr(made, name) for name in S3} == S3
        with pytest.raises(AlreadyThere, match="the project a has a bucket 'calls' already"):
            await work.buckets.add(ours, "calls", NOW, **S3)
        same = await work.buckets.add(theirs, "calls", NOW, role="arn:aws:iam::1:role/r", **S3)
        open_to_all = await work.buckets.add(ours, "open", NOW, **S3)
        assert await work.buckets.all() == [made, open_to_all, same]
        assert await work.buckets.all(ours) == [made, open_to_all]
        assert await work.buckets.find(ours.id, "calls") == (made, "geheim")
        assert await work.buckets.find(theirs.id, "calls") == (same, None)
        for project, name in (
            (theirs.id, "open"),
            ("x" * 900, "open"),
            ("no such\x00id", "open"),
            (ours.id, "no\x00such"),
        ):
            assert await work.buckets.find(project, name) is None
        with pytest.raises(Unknown, match="the project b has no bucket 'open'"):
            await work.buckets.revoke(theirs, "open")
        await work.buckets.revoke(ours, "calls")
        assert await work.buckets.find(ours.id, "calls") is None
        assert await work.buckets.find(theirs.id, "calls") == (same, None)
        assert "geheim" not in repr(made)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "ab"}, "the name of the bucket is 'ab'; needed: 3 to 63"),
        ({"name": "A" * 900}, "the name of the bucket is 'AAAA"),
        ({"name": "../etc"}, "the name of the bucket"),
        ({"bucket": "a_b/c"}, "bucket is 'a_b/c'"),
        ({"region": ""}, "region is ''; needed: 1 to 64"),
        ({"endpoint": ""}, "endpoint has 0 letters"),
        ({"endpoint": "h" * 300}, "endpoint has 300 letters; needed: 1 to 255"),
        ({"key": ("", "x")}, "access id has 0 letters"),
        ({"key": ("AK", "")}, "the secret of the key is empty"),
        ({"key": ("AK", "SK"), "role": "arn"}, "a key or a role, not both"),
        ({"role": ""}, "role has 0 letters"),
    ],
)
async def test_a_bucket_that_cannot_be_is_refused(
    store: Store, changed: dict[str, Any], said: str
) -> None:
    async with store.writing() as work:
        project = await work.projects.create("default", "a", "", NOW)
        given = {"name": "calls", **S3, **changed}
        with pytest.raises(Invalid, match=said):
            await work.buckets.add(project, given.pop("name"), NOW, **given)


async def test_the_secret_of_a_bucket_is_encrypted_and_rotated(store: Store) -> None:
    async with store.writing() as work:
        project = await work.projects.create("default", "a", "", NOW)
        await work.buckets.add(project, "calls", NOW, key=("AK", "geheim"), **S3)
        await work.buckets.add(project, "open", NOW, **S3)

    async def kept() -> str:
        async with store.reading() as work:
            rows = await work.connection.execute(
                select(BUCKETS.c.secret).where(BUCKETS.c.name == "calls")
            )
            return str(rows.scalar_one())

    before = await kept()
    assert "geheim" not in before
    assert await store.rotate() == 1
    assert await kept() != before
    async with store.reading() as work:
        found = await work.buckets.find(project.id, "calls")
    assert found is not None
    assert found[1] == "geheim"


async def test_a_callback_key_is_of_its_project_alone(store: Store) -> None:
    async with store.writing() as work:
        ours, theirs = [await work.projects.create("default", name, "", NOW) for name in ("a", "b")]
        assert await work.callback_keys.find(ours.id) is None
        await work.callback_keys.put(ours, "geheim 1", NOW)
        await work.callback_keys.put(theirs, "geheim 2", NOW)
        await work.callback_keys.put(ours, "geheim 3", NOW)
    assert await store.rotate() == 2
    async with store.reading() as work:
        assert await work.callback_keys.find(ours.id) == "geheim 3"
        assert await work.callback_keys.find(theirs.id) == "geheim 2"
        kept = await work.connection.execute(select(CALLBACK_KEYS.c.secret))
        assert not any("geheim" in one for one in kept.scalars())
