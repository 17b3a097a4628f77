"""A user's own keys over HTTP: who sees and changes which."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from rasr.server.http.keys import MOST_DAYS, MOST_KEYS
from rasr.server.service import Service
from rasr.store.location import SqliteFile
from tests.identity.signing import PROJECT
from tests.server.auth.conftest import Place, Signer, place, refused, web_of
from tests.server.stored import PASSWORD, StoredAccounts, stored_accounts

__all__ = ["place"]


@dataclass
class Team:
    accounts: StoredAccounts
    service: Service
    web: httpx.AsyncClient

    @property
    def path(self) -> str:
        return f"/v1/{self.accounts.project}/keys"

    async def token(self, user: str = "anna") -> dict[str, str]:
        """Headers of somebody who has signed in."""
        who = {"name": user, "password": PASSWORD, "domain": {"name": "default"}}
        identity = {"methods": ["password"], "password": {"user": who}}
        scope = {"project": {"name": "team"}}
        answer = await self.web.post(
            "/v3/auth/tokens", json={"auth": {"identity": identity, "scope": scope}}
        )
        assert answer.status_code == 201, answer.text
        return {"x-auth-token": answer.headers["x-subject-token"]}

    def signer(self, user: str = "anna") -> Signer:
        return Signer(self.web, *self.accounts.keys[user])

    async def audit(self) -> list[tuple[str, str, str]]:
        """Actor, action and target of the lines about keys, the oldest first."""
        store = await self.accounts.store.kept()
        async with store.reading() as work:
            lines = await work.audit.newest(1000)
        return [(one.actor, one.action, one.target) for one in lines[::-1] if ":key:" in one.action]


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    accounts = await stored_accounts(tmp_path)
    async with accounts.service() as service, web_of(service) as web:
        yield Team(accounts, service, web)


async def test_a_key_is_made_signs_and_is_revoked(team: Team) -> None:
    anna = await team.token()
    wanted = {"description": "nightly job", "expires_in_days": 30}
    answer = await team.web.post(team.path, json=wanted, headers=anna)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    assert (len(made["access_id"]), len(made["secret"])) == (20, 40)
    assert made["description"] == "nightly job"
    assert made["counts"] is True
    assert made["expires_at"] > made["created_at"]
    own = Signer(team.web, made["access_id"], made["secret"])
    listed = (await own.send("GET", team.path)).json()["keys"]
    assert [one["description"] for one in listed] == ["nightly job", "key of anna"]
    assert "secret" not in str(listed)
    assert made["secret"] not in str(listed)
    gone = await team.web.delete(f"{team.path}/{made['access_id']}", headers=anna)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await own.send("GET", team.path)).status_code == 401
    [line, _] = (await team.web.get(team.path, headers=anna)).json()["keys"]
    assert line["counts"] is False
    assert line["revoked_at"] is not None
    target = f"{made['access_id']} of default/anna"
    user = team.accounts.users["anna"]
    assert await team.audit() == [
        (user, "iam:key:create", target),
        (user, "iam:key:revoke", target),
    ]


async def test_revoking_twice_is_as_once(team: Team) -> None:
    anna = await team.token()
    path = f"{team.path}/{team.accounts.keys['anna'][0]}"
    answers = [await team.web.delete(path, headers=anna) for _ in range(2)]
    assert [one.status_code for one in answers] == [204, 204]
    assert len(await team.audit()) == 1


async def test_keys_of_others_are_not_there(team: Team) -> None:
    anna = await team.token()
    listed = (await team.web.get(team.path, headers=anna)).json()["keys"]
    assert [one["access_id"] for one in listed] == [team.accounts.keys["anna"][0]]
    theirs, none = team.accounts.keys["otto"][0], "A" * 20
    told = [
        refused(await team.web.delete(f"{team.path}/{one}", headers=anna), 404, "APIG.0101")
        for one in (theirs, none)
    ]
    assert told[0].replace(theirs, "?") == told[1].replace(none, "?")
    assert (await team.signer("otto").send("GET", team.path)).status_code == 200


async def test_a_key_of_another_project_is_not_there(team: Team) -> None:
    store = await team.accounts.store.kept()
    async with store.writing() as work:
        user = await work.users.get("default", "anna")
        elsewhere, _ = await work.keys.create(
            user, await work.projects.get("default", "rest"), "", 1.0
        )
    anna = await team.token()
    refused(await team.web.delete(f"{team.path}/{elsewhere.id}", headers=anna), 404, "APIG.0101")
    listed = (await team.web.get(team.path, headers=anna)).json()["keys"]
    assert elsewhere.id not in [one["access_id"] for one in listed]
    path = f"/v1/{team.accounts.projects['rest']}/keys"
    refused(await team.web.get(path, headers=anna), 401, "SIS.0101")


async def test_a_key_makes_and_revokes_none(team: Team) -> None:
    """Whoever found it could not be shut out otherwise."""
    signer = team.signer()
    told = refused(await signer.send("POST", team.path, b"{}"), 403, "APIG.0302")
    assert "sign in with user and password" in told
    path = f"{team.path}/{team.accounts.keys['anna'][0]}"
    refused(await signer.send("DELETE", path), 403, "APIG.0302")
    assert len((await signer.send("GET", team.path)).json()["keys"]) == 1


async def test_who_may_only_read_sees_his_keys_and_changes_none(team: Team) -> None:
    rita = await team.token("rita")
    assert len((await team.web.get(team.path, headers=rita)).json()["keys"]) == 1
    told = refused(await team.web.post(team.path, json={}, headers=rita), 403, "APIG.0302")
    assert "iam:key:create" in told
    path = f"{team.path}/{team.accounts.keys['rita'][0]}"
    assert "iam:key:revoke" in refused(await team.web.delete(path, headers=rita), 403, "APIG.0302")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"description": 7}, "'description' is invalid: it is 7; allowed: a text"),
        ({"description": "x" * 256}, "255 letters at most"),
        ({"description": "two\nlines"}, "one line"),
        (
            {"expires_in_days": 0},
            "'expires_in_days' is invalid: it is 0; allowed: a whole number from 1 to",
        ),
        ({"expires_in_days": MOST_DAYS + 1}, f"to {MOST_DAYS}"),
        ({"expires_in_days": True}, "'expires_in_days' is invalid: it is true"),
        ({"expires_in_days": 1.5}, "'expires_in_days' is invalid: it is 1.5"),
        ({"expires_in_days": "x" * 500}, "…'; allowed"),
        ([], "no JSON object"),
    ],
)
async def test_a_key_that_cannot_be(team: Team, body: Any, told: str) -> None:
    anna = await team.token()
    answer = await team.web.post(team.path, json=body, headers=anna)
    assert told in refused(answer, 400, "SIS.0032")
    assert len((await team.web.get(team.path, headers=anna)).json()["keys"]) == 1


async def test_a_body_that_is_too_long(team: Team) -> None:
    answer = await team.web.post(team.path, content=b" " * 5000, headers=await team.token())
    assert "4096 bytes at most" in refused(answer, 413, "APIG.0201")


@pytest.mark.parametrize("access_id", ["%00", "'; DROP TABLE access_keys; --", "a" * 4000, "密钥"])
async def test_odd_ids_are_no_keys(team: Team, access_id: str) -> None:
    anna = await team.token()
    refused(await team.web.delete(f"{team.path}/{access_id}", headers=anna), 404, "APIG.0101")


async def test_a_user_has_so_many_keys_that_count_and_no_more(team: Team) -> None:
    anna = await team.token()
    made = [await team.web.post(team.path, json={}, headers=anna) for _ in range(MOST_KEYS)]
    assert [one.status_code for one in made] == [201] * (MOST_KEYS - 1) + [403]
    assert f"{MOST_KEYS} is the most; revoke one" in refused(made[-1], 403, "APIG.0302")
    path = f"{team.path}/{made[0].json()['access_id']}"
    await team.web.delete(path, headers=anna)
    assert (await team.web.post(team.path, json={}, headers=anna)).status_code == 201


async def test_a_store_that_is_away_is_said(team: Team) -> None:
    anna = await team.token()
    store = await team.accounts.store.kept()
    assert isinstance(store.location, SqliteFile)
    path = store.location.path
    moved = path.with_suffix(".moved")
    await asyncio.to_thread(path.rename, moved)
    refused(await team.web.get(team.path, headers=anna), 500, "SIS.0001")
    await asyncio.to_thread(moved.rename, path)
    assert (await team.web.get(team.path, headers=anna)).status_code == 200


async def test_a_server_that_asks_nobody_has_no_keys(service: Service) -> None:
    async with web_of(service) as web:
        for method, path in (("GET", ""), ("POST", ""), ("DELETE", "/some")):
            answer = await web.request(method, f"/v1/any/keys{path}", json={})
            assert "nobody has keys" in refused(answer, 404, "APIG.0101")


async def test_accounts_that_are_kept_elsewhere_have_no_keys_here(place: Place) -> None:
    answer = await place.signer.send("GET", f"/v1/{PROJECT}/keys")
    assert "keeps no keys" in refused(answer, 404, "APIG.0101")
