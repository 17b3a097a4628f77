"""The store answers the doors as `rasr.identity.directory.Directory` says."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select

from rasr.identity.directory import AuditEntry, Directory, Project, Token, User
from rasr.identity.policies import READ_ONLY
from rasr.identity.principals import CredentialKind, Principal
from rasr.store.directory import StoredDirectory
from rasr.store.schema import TOKENS
from rasr.store.store import Store

NOW = 1_767_323_045.25
MANY = 40_000


@pytest.fixture
def directory(store: Store) -> Directory:
    return StoredDirectory(store)


async def ann_and_a(store: Store) -> tuple[User, Project]:
    """A user and a project as the doors see them."""
    async with store.writing() as work:
        user = await work.users.create("shop", "ann", "", NOW, "$argon2id$…")
        project = await work.projects.create("shop", "a", "", NOW)
    return User(user.id, "ann", "shop", "$argon2id$…"), Project(project.id, "a", "shop")


async def test_an_empty_store_has_no_accounts(store: Store, directory: Directory) -> None:
    assert not await directory.has_accounts()
    await ann_and_a(store)
    assert await directory.has_accounts()


async def test_a_user_and_a_project_are_found(store: Store, directory: Directory) -> None:
    user, project = await ann_and_a(store)
    assert await directory.find_user("shop", "ann") == user
    assert await directory.find_user("default", "ann") is None
    assert await directory.find_project(project.id) == project
    assert await directory.find_project_by_name("shop", "a") == project
    assert await directory.find_project_by_name("default", "a") is None
    async with store.writing() as work:
        await work.users.block(user.id, NOW)
        await work.projects.block(project.id, NOW)
    blocked = await directory.find_user("shop", "ann")
    assert blocked is not None
    assert blocked.is_blocked
    stopped = await directory.find_project(project.id)
    assert stopped is not None
    assert stopped.is_blocked
    async with store.writing() as work:
        await work.users.block(user.id, None)
        await work.users.set_password(user.id, None)
        assert not (await work.users.get("shop", user.id)).has_password
    again = await directory.find_user("shop", "ann")
    assert again is not None
    assert (again.is_blocked, again.password_hash) == (False, None)


async def test_a_key_is_found_with_its_secret(store: Store, directory: Directory) -> None:
    user, project = await ann_and_a(store)
    async with store.writing() as work:
        made, secret = await work.keys.create(
            await work.users.get("shop", "ann"),
            await work.projects.get("shop", "a"),
            "",
            NOW,
            expires_at=NOW + 60,
        )
    found = await directory.find_key(made.id)
    assert found is not None
    assert (found.secret, found.user, found.project) == (secret, user, project)
    assert (found.expires_at, found.revoked_at) == (NOW + 60, None)
    async with store.writing() as work:
        await work.keys.revoke(made.id, NOW + 1)
        kept = await work.connection.exec_driver_sql("SELECT secret FROM access_keys")
        assert secret not in kept.scalar_one()
    revoked = await directory.find_key(made.id)
    assert revoked is not None
    assert revoked.fault(NOW + 1) == "the key is revoked"
    assert await directory.find_key(made.id.lower()) is None


async def test_policies_come_as_they_are_judged(store: Store, directory: Directory) -> None:
    user, project = await ann_and_a(store)
    async with store.writing() as work:
        await work.policies.attach(
            await work.policies.get(READ_ONLY),
            await work.users.get("shop", "ann"),
            await work.projects.get("shop", "a"),
            NOW,
            expires_at=NOW + 1,
        )
    (grant,) = await directory.policies_of(user.id)
    assert grant.applies(project.id, NOW)
    assert not grant.applies(project.id, NOW + 1)
    assert await directory.policies_of("nobody") == []


async def test_a_token_lives_until_it_is_revoked_or_expires(
    store: Store, directory: Directory
) -> None:
    user, project = await ann_and_a(store)
    old = Token("a" * 64, user, project, NOW, NOW + 10)
    await directory.save_token(old)
    assert await directory.find_token(old.digest) == old
    assert await directory.revoke_token(old.digest, NOW + 1)
    assert await directory.revoke_token(old.digest, NOW + 2)
    revoked = await directory.find_token(old.digest)
    assert revoked is not None
    assert revoked.revoked_at == NOW + 1
    assert not await directory.revoke_token("c" * 64, NOW)
    new = Token("b" * 64, user, project, NOW + 10.5, NOW + 100)
    await directory.save_token(new)
    assert await directory.find_token(old.digest) is None
    assert await directory.find_token(new.digest) == new


async def test_many_tokens_that_are_over_go_some_at_a_time(
    store: Store, directory: Directory
) -> None:
    user, project = await ann_and_a(store)
    row = {"user_id": user.id, "project_id": project.id, "issued_at": NOW, "expires_at": NOW + 1}
    async with store.writing() as work:
        over = [row | {"digest": f"{number:064}"} for number in range(1500)]
        await work.connection.execute(insert(TOKENS), over)

    async def left() -> int:
        async with store.reading() as work:
            query = select(func.count()).where(TOKENS.c.expires_at < NOW + 2)
            return int((await work.connection.execute(query)).scalar_one())

    for letter, count in (("a", 500), ("b", 0)):
        await directory.save_token(Token(letter * 64, user, project, NOW + 2, NOW + 9))
        assert await left() == count
    assert await directory.find_token("a" * 64) is not None


async def test_those_whose_credentials_were_lost_are_found(
    store: Store, directory: Directory
) -> None:
    user, project = await ann_and_a(store)
    async with store.writing() as work:
        ann = await work.users.get("shop", user.id)
        here = await work.projects.get("shop", project.id)
        bob = await work.users.create("shop", "bob", "", NOW)
        elsewhere = await work.projects.create("shop", "b", "", NOW)
        good, revoked, expired, late = [
            (await work.keys.create(ann, here, "", NOW, expires_at=expires_at))[0]
            for expires_at in (None, None, NOW + 5, NOW + 50)
        ]
        await work.keys.revoke(revoked.id, NOW)
    tokens = [Token(letter * 64, user, project, NOW, NOW + 1) for letter in "ab"]
    for one in tokens:
        await directory.save_token(one)
    await directory.revoke_token("b" * 64, NOW)

    def by(kind: CredentialKind, credential: str, **other: str) -> Principal:
        whose = {"user_id": user.id, "project_id": project.id} | other
        return Principal(whose["user_id"], "n", "shop", whose["project_id"], kind, credential)

    keys = {one: by(CredentialKind.KEY, one.id) for one in (good, revoked, expired, late)}
    ours, theirs = CredentialKind.TOKEN, CredentialKind.OIDC
    # A token that is over by itself ends nobody's round.
    fresh, gone = by(ours, "a" * 12), by(ours, "b" * 12)
    unknown, foreign = by(ours, "c" * 12), by(theirs, "oidc:1", user_id="oidc:subject")
    of_bob = by(theirs, "oidc:2", user_id=bob.id, project_id=elsewhere.id)
    everybody = {*keys.values(), fresh, gone, unknown, foreign, of_bob}
    lost = {keys[revoked], keys[expired], gone}
    assert await directory.lapsed(everybody, NOW + 10) == lost
    assert await directory.lapsed([], NOW) == set()
    async with store.writing() as work:
        await work.users.block(bob.id, NOW)
    assert await directory.lapsed(everybody, NOW + 10) == {*lost, of_bob}
    # More than a statement takes parameters.
    crowd = {by(theirs, f"oidc:{one}", user_id=f"oidc:{one}") for one in range(MANY)}
    # What no row can have.
    crowd |= {by(theirs, f"oidc:{one}", user_id=one, project_id=one) for one in ("\x00", "\ud800")}
    assert await directory.lapsed(crowd | everybody, NOW + 10) == {*lost, of_bob}
    async with store.writing() as work:
        await work.projects.block(project.id, NOW)
    assert await directory.lapsed(everybody, NOW + 10) == everybody


async def test_a_line_of_the_audit_is_kept(store: Store, directory: Directory) -> None:
    line = AuditEntry(NOW, "1" * 32, "iam:token:create", "ann", "2" * 32, "192.0.2.1")
    await directory.write_audit(line)
    async with store.reading() as work:
        assert await work.audit.newest(5) == [line]


ANY_TEXT = st.one_of(
    st.text(max_size=300),
    # What no text of a database may have, and what somebody may try.
    st.sampled_from(["\x00", "\ud800", "' OR 1=1 --", '"; DROP TABLE users; --', "%", "\\"]),
    st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=ANY_TEXT)
async def test_any_text_may_be_asked_for(store: Store, text: str) -> None:
    directory = StoredDirectory(store)
    assert await directory.find_key(text) is None
    assert await directory.find_user(text, "ann") is None
    assert await directory.find_user("shop", text) is None
    assert await directory.find_project(text) is None
    assert await directory.find_project_by_name("shop", text) is None
    assert await directory.find_token(text) is None
    assert not await directory.revoke_token(text, NOW)
    assert not await directory.policies_of(text)
    await directory.write_audit(AuditEntry(NOW, text, text, text, None, text))
