"""The live sessions of a project, for those who have the right to them."""

from __future__ import annotations

import json
import time

from websockets.asyncio.client import connect

from rasr.identity.directory import Token
from rasr.identity.policies import Policy, PolicyGrant
from rasr.identity.tokens import digest, new_token
from tests.identity.signing import PROJECT
from tests.server.auth.conftest import ALICE, OTHER, READER_AK, READER_SK, Place, Signer
from tests.server.auth.test_handshake import START

PATH = f"/v1/{PROJECT}/sessions"


def token_for(place: Place, project: str) -> dict[str, str]:
    """Headers of Alice, who has signed in to a project."""
    text, now = new_token(), time.time()
    home = place.directory.projects[project]
    place.directory.tokens[digest(text)] = Token(digest(text), ALICE, home, now, now + 60.0)
    return {"X-Auth-Token": text}


async def test_a_project_sees_its_own_sessions_and_no_others(place: Place) -> None:
    everything = Policy.parse(
        {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": ["sis:*:*"]}]}
    )
    place.directory.grant(ALICE, PolicyGrant("both", everything))
    base = place.service.url
    for_ours, for_theirs = token_for(place, PROJECT), token_for(place, OTHER)
    async with (
        connect(
            f"{base}/v1/{PROJECT}/rasr/continue-stream", additional_headers=for_ours, proxy=None
        ) as ours,
        connect(
            f"{base}/v1/{OTHER}/rasr/short-stream", additional_headers=for_theirs, proxy=None
        ) as theirs,
    ):
        for socket in (ours, theirs):
            await socket.send(START)
            assert json.loads(await socket.recv())["resp_type"] == "START"
        told = (await place.signer.send("GET", PATH)).json()
        elsewhere = await place.web.get(f"/v1/{OTHER}/sessions", headers=for_theirs)
    assert told["project_id"] == PROJECT
    assert [one["mode"] for one in told["sessions"]] == ["continue"]
    assert [one["mode"] for one in elsewhere.json()["sessions"]] == ["short"]
    other = await place.web.get(PATH, headers=for_theirs)
    assert (other.status_code, other.json()["error_code"]) == (401, "SIS.0101")


async def test_who_may_read_may_see_them_and_who_may_not_is_told_the_right(place: Place) -> None:
    reader = Signer(place.web, READER_AK, READER_SK)
    assert (await reader.send("GET", PATH)).json()["sessions"] == []
    place.directory.grants[ALICE.id] = []
    answer = await place.signer.send("GET", PATH)
    assert answer.status_code == 403
    assert "sis:session:list" in answer.json()["error_msg"]


async def test_whoever_shows_nothing_sees_nothing(place: Place) -> None:
    assert (await place.web.get(PATH)).status_code == 401
