"""Projects, users, groups, policies and keys as they are kept."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.identity.directory import AuditEntry
from rasr.identity.policies import FULL_ACCESS, READ_ONLY, Policy
from rasr.settings import StoreSettings
from rasr.store.errors import AlreadyThere, Invalid, LastAdministrator, StoreBusy, Unknown
from rasr.store.names import check_name, is_id, new_id
from rasr.store.records import GroupRecord, UserRecord
from rasr.store.store import Store, Work, open_store

NOW = 1_767_323_045.25
NO_TTS = Policy.parse(
    {"Version": "1.1", "Statement": [{"Effect": "Deny", "Action": ["sis:tts:*"]}]}
)


async def test_projects_and_users_are_found_by_id_and_by_name_in_their_domain(store: Store) -> None:
    async with store.writing() as work:
        project = await work.projects.create("default", "cn-north-4", "first", NOW)
        other = await work.projects.create("shop", "cn-north-4", "", NOW)
        user = await work.users.create("default", "ann", "", NOW)
    async with store.reading() as work:
        assert await work.projects.get("default", "cn-north-4") == project
        assert await work.projects.get("default", other.id) == other
        assert await work.projects.all() == [project, other]
        assert await work.users.get("default", user.id) == user
        assert await work.users.find("shop", "ann") is None
        with pytest.raises(Unknown, match="there is no user 'ann' in the domain 'shop'"):
            await work.users.get("shop", "ann")
    assert is_id(project.id)
    assert project.created_at == NOW


async def test_a_name_is_taken_once(store: Store) -> None:
    async with store.writing() as work:
        await work.projects.create("default", "a", "", NOW)
        await work.users.create("default", "a", "", NOW)
        await work.groups.create("a", "", NOW)
        await work.policies.create("a", NO_TTS, "", NOW)
        for again in (
            work.projects.create("default", "a", "", NOW),
            work.users.create("default", "a", "", NOW),
            work.groups.create("a", "", NOW),
            work.policies.create("a", NO_TTS, "", NOW),
            work.policies.create(READ_ONLY, NO_TTS, "", NOW),
        ):
            with pytest.raises(AlreadyThere, match="already"):
                await again
        await work.projects.create("other", "a", "", NOW)


async def test_a_name_that_cannot_be_one_is_refused(store: Store) -> None:
    async with store.writing() as work:
        for name in ("", " a", "a\n", "a\x00b", "x" * 65, "0" * 32):
            for refused in (
                work.projects.create("default", name, "", NOW),
                work.projects.create(name, "a", "", NOW),
                work.users.create("default", name, "", NOW),
                work.groups.create(name, "", NOW),
                work.policies.create(name, NO_TTS, "", NOW),
            ):
                with pytest.raises(Invalid, match=r"of the (project|user|group|policy) is|domain"):
                    await refused
        with pytest.raises(Invalid, match="description is"):
            await work.groups.create("g", "two\nlines", NOW)


@given(st.text(max_size=70))
def test_no_name_looks_like_an_id(name: str) -> None:
    try:
        assert not is_id(check_name("it", name))
    except Invalid:
        pass
    assert is_id(new_id())


async def test_what_a_transaction_did_is_gone_where_it_fails(store: Store) -> None:
    async def fail() -> None:
        async with store.writing() as work:
            await work.groups.create("team", "", NOW)
            await work.groups.get("nobody")

    with pytest.raises(Unknown):
        await fail()
    async with store.reading() as work:
        assert await work.groups.all() == []


async def test_members_join_and_leave_a_group(store: Store) -> None:
    async with store.writing() as work:
        team = await work.groups.create("team", "", NOW)
        ann = await work.users.create("default", "ann", "", NOW)
        assert await work.groups.add(team.id, ann.id)
        assert not await work.groups.add(team.id, ann.id)
        assert await work.groups.members(team.id) == ["ann"]
        assert await work.groups.of_user(ann.id) == ["team"]
        assert await work.groups.take_out(team.id, ann.id)
        assert not await work.groups.take_out(team.id, ann.id)
        assert await work.groups.members(team.id) == []


async def team_of_ann(work: Work) -> tuple[GroupRecord, UserRecord]:
    team = await work.groups.create("team", "", NOW)
    ann = await work.users.create("default", "ann", "", NOW)
    await work.groups.add(team.id, ann.id)
    return team, ann


async def test_a_user_has_his_own_policies_and_those_of_his_groups(store: Store) -> None:
    async with store.writing() as work:
        team, ann = await team_of_ann(work)
        project = await work.projects.create("default", "a", "", NOW)
        quiet = await work.policies.create("quiet", NO_TTS, "", NOW)
        reads = await work.policies.get(READ_ONLY)
        await work.policies.attach(quiet, team, None, NOW, expires_at=NOW + 60)
        await work.policies.attach(reads, ann, project, NOW)
        with pytest.raises(AlreadyThere, match="applies to 'ann' in project 'a' already"):
            await work.policies.attach(reads, ann, project, NOW, expires_at=NOW)
        own, of_group = await work.policies.grants_of(ann.id)
        assert (own.policy_name, own.project_id, own.group_name) == (READ_ONLY, project.id, None)
        assert (of_group.policy_name, of_group.group_name) == ("quiet", "team")
        assert (of_group.policy, of_group.expires_at) == (NO_TTS, NOW + 60)
        (attached,) = await work.policies.attachments(policy=quiet)
        assert (attached.group, attached.user, attached.project) == ("team", None, None)
        assert len(await work.policies.attachments()) == 2
        assert len(await work.policies.attachments(holder=ann)) == 1
        await work.policies.detach(reads, ann, project)
        with pytest.raises(Unknown, match="does not apply to 'ann' in project 'a'"):
            await work.policies.detach(reads, ann, project)
        await work.policies.remove(quiet.id or "")
        assert await work.policies.grants_of(ann.id) == []


async def test_a_group_that_goes_takes_its_policies_along(store: Store) -> None:
    async with store.writing() as work:
        team, ann = await team_of_ann(work)
        await work.policies.attach(await work.policies.get(READ_ONLY), team, None, NOW)
        await work.groups.remove(team.id)
        assert await work.policies.grants_of(ann.id) == []
        assert await work.policies.attachments() == []


async def test_the_last_administrator_stays(store: Store) -> None:
    async with store.writing() as work:
        team, ann = await team_of_ann(work)
        full = await work.policies.get(FULL_ACCESS)
        async with work.keeping_an_administrator(NOW):
            pass  # where there is none, nothing is kept
        await work.policies.attach(full, team, None, NOW)
        project = await work.projects.create("default", "a", "", NOW)
        bob = await work.users.create("default", "bob", "", NOW)
        await work.policies.attach(full, bob, project, NOW)
        await work.policies.attach(full, bob, None, NOW, expires_at=NOW)
        assert await work.policies.administrators(NOW) == 1
        with pytest.raises(LastAdministrator):
            async with work.keeping_an_administrator(NOW):
                await work.users.block(ann.id, NOW)
        await work.users.block(ann.id, None)
        with pytest.raises(LastAdministrator):
            async with work.keeping_an_administrator(NOW):
                await work.groups.take_out(team.id, ann.id)
        await work.policies.detach(full, bob, None)
        await work.policies.attach(full, bob, None, NOW)
        async with work.keeping_an_administrator(NOW):
            await work.groups.remove(team.id)
        assert await work.policies.administrators(NOW) == 1


@pytest.mark.usefixtures("hasty")
async def test_who_takes_rights_away_waits_for_whoever_does_so_too(
    store: Store, settings: StoreSettings
) -> None:
    """Else two could take each other's rights, each seeing those of the other."""
    async with store.writing() as work:
        full = await work.policies.get(FULL_ACCESS)
        users = [await work.users.create("default", name, "", NOW) for name in ("ann", "bob")]
        for user in users:
            await work.policies.attach(full, user, None, NOW)

    async def block(user_id: str, opened: Store) -> None:
        async with opened.writing() as work, work.keeping_an_administrator(NOW):
            await work.users.block(user_id, NOW)

    async with await open_store(settings, {}) as other:
        async with store.writing() as work, work.keeping_an_administrator(NOW):
            await work.users.block(users[0].id, NOW)
            with pytest.raises(StoreBusy):
                await block(users[1].id, other)
    async with await open_store(settings, {}) as other:
        with pytest.raises(LastAdministrator):
            await block(users[1].id, other)


async def test_a_moment_is_the_same_in_every_time_zone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        async with store.writing() as work:
            made = await work.groups.create("team", "", NOW)
            assert await work.groups.get("team") == made
            at = await work.connection.exec_driver_sql("SELECT created_at FROM groups")
            assert str(at.scalar_one()).startswith("2026-01-02 03:04:05.25")
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_a_key_is_made_listed_and_revoked_once(store: Store) -> None:
    async with store.writing() as work:
        ann = await work.users.create("default", "ann", "", NOW)
        bob = await work.users.create("default", "bob", "", NOW)
        project = await work.projects.create("default", "a", "", NOW)
        key, secret = await work.keys.create(ann, project, "laptop", NOW, expires_at=NOW + 1)
        other, _ = await work.keys.create(bob, project, "", NOW + 1)
    assert len(key.id) == 20
    assert len(secret) == 40
    async with store.writing() as work:
        assert await work.keys.all() == [key, other]
        assert await work.keys.all(user=bob) == [other]
        assert await work.keys.all(user=bob, project=project) == [other]
        await work.keys.revoke(key.id, NOW + 2)
        assert (await work.keys.get(key.id)).revoked_at == NOW + 2
        with pytest.raises(AlreadyThere, match="revoked already"):
            await work.keys.revoke(key.id, NOW + 3)
        with pytest.raises(Unknown, match="there is no key 'x'"):
            await work.keys.revoke("x", NOW)


async def test_the_audit_is_read_from_its_end(store: Store) -> None:
    project = new_id()
    lines = [
        AuditEntry(NOW, "local:ann", "iam:user:create", "bob"),
        AuditEntry(NOW + 1, "local:ann", "iam:key:create", "AK", project, "127.0.0.1"),
    ]
    async with store.writing() as work:
        for line in lines:
            await work.audit.write(line)
        await work.audit.write(AuditEntry(NOW + 2, "x" * 200, "a\x00b\nc\ud800", "t"))
        newest, *rest = await work.audit.newest(10)
        assert rest == lines[::-1]
        assert (len(newest.actor), newest.action) == (128, "a\ufffdb\ufffdc\ufffd")
        assert await work.audit.newest(1) == [newest]
        assert await work.audit.newest(10, project) == [lines[1]]
