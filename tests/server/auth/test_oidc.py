"""Tokens of an identity provider, against one that this test runs on loopback."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

import rasr.asgi
from rasr.server.auth.foreign_tokens import ForeignTokenFault, ProviderUnreachable
from rasr.server.auth.oidc import AGAIN_S, KEEP_S, OidcVerifier
from rasr.server.errors import StartError
from rasr.server.service import Service
from rasr.settings import OidcSettings, StoreSettings
from rasr.store.on_demand import DirectoryOnDemand, StoreOnDemand
from rasr.store.store import open_store
from tests.identity.memory_directory import MemoryDirectory
from tests.identity.signing import PROJECT
from tests.server.auth.conftest import ALICE, HOME, OTHER, accounts, refused, web_of
from tests.server.auth.test_door import VOCABULARIES, passed
from tests.server.conftest import fake_settings

Key = RSAKey | ECKey
FIRST = ECKey.generate_key("P-256", {"kid": "first", "use": "sig"})
SECOND = ECKey.generate_key("P-256", {"kid": "second", "use": "sig"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})


class Provider:
    """An identity provider."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: list[Any] = [FIRST.as_dict(private=False), RSA.as_dict(private=False)]
        self.issuer: str | None = None
        self.document: bytes | None = None
        """In place of its keys."""
        self.asked: list[str] = []
        self.is_down = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope["path"])
        if scope["path"] == "/.well-known/openid-configuration":
            told = {"issuer": self.issuer or self.url, "jwks_uri": f"{self.url}/keys"}
            content = json.dumps(told).encode()
        else:
            content = self.document or json.dumps({"keys": self.keys}).encode()
        status = 503 if self.is_down else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": content})

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Of a token that is good; None leaves one out."""
        whole = {
            "iss": self.url,
            "aud": ["account", "rasr"],
            "sub": "4711",
            "preferred_username": "alice",
            "project_id": PROJECT,
            "exp": int(time.time()) + 300,
        } | changed
        return {name: value for name, value in whole.items() if value is not None}

    def token(self, key: Key = FIRST, algorithm: str = "ES256", **changed: Any) -> str:
        header = {"alg": algorithm, "kid": key.kid}
        return jwt.encode(header, self.claims(**changed), key, algorithms=[algorithm])


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    one = Provider()
    server = rasr.asgi.Server(one, rasr.asgi.Limits(connections=50))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    await server.start(listener)
    one.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield one
    finally:
        await server.stop(0.1)


def settings_of(provider: Provider, **more: Any) -> OidcSettings:
    return OidcSettings(issuer=provider.url, audience="rasr", **more)


class Clock:
    """Seconds since 1970, as the test likes."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


async def fault(verifier: OidcVerifier, token: str) -> str:
    with pytest.raises(ForeignTokenFault) as raised:
        await verifier.identify(token)
    return str(raised.value)


@pytest.mark.parametrize(("key", "algorithm"), [(FIRST, "ES256"), (RSA, "RS256"), (RSA, "PS512")])
async def test_a_token_says_whose_it_is(provider: Provider, key: Key, algorithm: str) -> None:
    verifier = OidcVerifier(settings_of(provider), time.time)
    identity = await verifier.identify(provider.token(key, algorithm))
    assert (identity.subject, identity.name) == ("4711", "alice")
    assert identity.projects == (PROJECT,)


async def test_a_token_may_be_for_several_projects(provider: Provider) -> None:
    verifier = OidcVerifier(settings_of(provider, project_claim="projects"), time.time)
    identity = await verifier.identify(provider.token(projects=[OTHER, PROJECT]))
    assert identity.projects == (OTHER, PROJECT)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"iss": "https://other.example"}, "InvalidClaimError iss"),
        ({"iss": None}, "MissingClaimError iss"),
        ({"aud": "account"}, "InvalidClaimError aud"),
        ({"aud": None}, "MissingClaimError aud"),
        ({"exp": 1}, "ExpiredTokenError exp"),
        ({"exp": None}, "MissingClaimError exp"),
        ({"exp": "soon"}, "InvalidClaimError exp"),
        ({"nbf": int(time.time()) + 3600}, "InvalidClaimError nbf"),
        ({"sub": None}, "MissingClaimError sub"),
        ({"sub": 7}, "sub"),
        ({"project_id": None}, "the claim project_id names no project"),
        ({"project_id": []}, "names no project"),
        ({"project_id": [PROJECT, 7]}, "names no project"),
        ({"project_id": {"id": PROJECT}}, "names no project"),
    ],
)
async def test_claims_that_do_not_do(
    provider: Provider, changed: dict[str, Any], told: str
) -> None:
    verifier = OidcVerifier(settings_of(provider), time.time)
    assert told in await fault(verifier, provider.token(**changed))


async def test_a_token_that_somebody_else_signed(provider: Provider) -> None:
    verifier = OidcVerifier(settings_of(provider), time.time)
    forger = ECKey.generate_key("P-256", {"kid": "first"})
    assert "BadSignature" in await fault(verifier, provider.token(forger))
    good = provider.token()
    head, body, signature = good.split(".")
    other = provider.token(project_id=OTHER).split(".")[1]
    assert "BadSignature" in await fault(verifier, f"{head}.{other}.{signature}")
    for cut in (good[:-1], f"{head}.{body}.", f"{head}.{body}", good + "a", "..", "a.b.c"):
        await fault(verifier, cut)
    assert "form" in await fault(verifier, f"{head}.{'a' * 17_000}.{signature}")


async def test_an_algorithm_that_anybody_could_use(provider: Provider) -> None:
    verifier = OidcVerifier(settings_of(provider), time.time)
    public = json.dumps(FIRST.as_dict(private=False))
    shared = OctKey.import_key(public.encode(), {"kid": "first"})
    forged = jwt.encode({"alg": "HS256", "kid": "first"}, provider.claims(), shared)
    assert "Algorithm" in await fault(verifier, forged)
    none = provider.token().split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none","kid":"first"}').rstrip(b"=").decode()
    assert await fault(verifier, f"{header}.{none[1]}.")


async def test_keys_are_fetched_once_and_kept(provider: Provider) -> None:
    clock = Clock()
    verifier = OidcVerifier(settings_of(provider), clock)
    await asyncio.gather(*(verifier.identify(provider.token()) for _ in range(5)))
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]
    clock.now += KEEP_S + 1
    await verifier.identify(provider.token(exp=int(clock.now) + 60))
    assert len(provider.asked) == 4


async def test_keys_that_were_rotated_are_fetched_and_old_ones_go(provider: Provider) -> None:
    clock = Clock()
    verifier = OidcVerifier(settings_of(provider), clock)
    await verifier.identify(provider.token())
    provider.keys = [SECOND.as_dict(private=False)]
    clock.now += AGAIN_S + 1
    assert (await verifier.identify(provider.token(SECOND))).subject == "4711"
    assert "does not have" in await fault(verifier, provider.token(FIRST))


async def test_who_names_keys_that_nobody_has_makes_no_requests(provider: Provider) -> None:
    verifier = OidcVerifier(settings_of(provider), Clock())
    await verifier.identify(provider.token())
    for number in range(20):
        stranger = ECKey.generate_key("P-256", {"kid": f"stranger {number}"})
        assert "does not have" in await fault(verifier, provider.token(stranger))
    assert len(provider.asked) == 2


async def test_while_the_provider_is_down_known_keys_count(provider: Provider) -> None:
    clock = Clock()
    verifier = OidcVerifier(settings_of(provider), clock)
    provider.is_down = True
    with pytest.raises(ProviderUnreachable):
        await verifier.identify(provider.token())
    provider.is_down = False
    clock.now += AGAIN_S + 1
    await verifier.identify(provider.token())
    provider.is_down = True
    clock.now += KEEP_S + 1
    late = provider.token(exp=int(clock.now) + 60)
    assert (await verifier.identify(late)).subject == "4711"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"keys": []}',
        b'{"keys": [7, {"kty": "none"}, {"kty": "EC"}, {"kty": "oct", "k": "AAAA"}]}',
        b"[" * 100_000,
        b" " * (2 << 20),
    ],
)
async def test_keys_that_are_none(provider: Provider, document: bytes) -> None:
    provider.document = document or b" "
    verifier = OidcVerifier(settings_of(provider), time.time)
    with pytest.raises(ProviderUnreachable):
        await verifier.identify(provider.token())


async def test_a_configuration_of_another_issuer_is_not_believed(provider: Provider) -> None:
    provider.issuer = "https://other.example"
    verifier = OidcVerifier(settings_of(provider), time.time)
    with pytest.raises(ProviderUnreachable):
        await verifier.identify(provider.token())
    assert provider.asked == ["/.well-known/openid-configuration"]


async def test_an_address_of_keys_may_be_given(provider: Provider) -> None:
    verifier = OidcVerifier(settings_of(provider, keys_url=f"{provider.url}/certs"), time.time)
    await verifier.identify(provider.token())
    assert provider.asked == ["/certs"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (OidcSettings(issuer="https://a.example"), "audience is empty"),
        (OidcSettings(issuer="http://a.example", audience="rasr"), r"oidc\.issuer: 'http://a"),
        (OidcSettings(issuer="a.example", audience="rasr"), r"oidc\.issuer: 'a\.example'"),
        (OidcSettings(issuer="https://[", audience="rasr"), r"oidc\.issuer"),
        (
            OidcSettings(issuer="https://a.example", audience="rasr", keys_url="file:///keys"),
            r"oidc\.keys_url: 'file:///keys'",
        ),
    ],
)
def test_settings_that_do_not_do(settings: OidcSettings, told: str) -> None:
    with pytest.raises(StartError, match=told):
        OidcVerifier(settings, time.time)


# At the door


def served(provider: Provider, directory: MemoryDirectory | None = None, **more: object) -> Service:
    oidc = {"issuer": provider.url, "audience": "rasr"} | more
    return Service(fake_settings(oidc=oidc), directory)


async def test_with_a_provider_callers_are_asked_without_accounts(provider: Provider) -> None:
    async with served(provider) as service, web_of(service) as web:
        assert "Nobody is asked" not in service.ready_message
        refused(await web.get(VOCABULARIES), 401, "APIG.0301")
        for name, prefix in (("authorization", "Bearer "), ("x-auth-token", "")):
            passed(await web.get(VOCABULARIES, headers={name: prefix + provider.token()}))
        wrong = {"x-auth-token": provider.token(aud="other")}
        told = refused(await web.get(VOCABULARIES, headers=wrong), 401, "APIG.0301")
        assert told.endswith("the credentials are not valid")


async def test_a_page_may_show_its_token_at_the_handshake(provider: Provider) -> None:
    async with served(provider) as service:
        async with connect(
            f"{service.url}/v1/{PROJECT}/rasr/continue-stream",
            proxy=None,
            subprotocols=[Subprotocol("sis"), Subprotocol(f"sis.token.{provider.token()}")],
        ) as ws:
            assert ws.subprotocol == "sis"


async def test_the_project_of_the_path_is_one_of_the_token(provider: Provider) -> None:
    async with served(provider) as service, web_of(service) as web:
        headers = {"x-auth-token": provider.token(project_id=[OTHER, PROJECT])}
        passed(await web.get(VOCABULARIES, headers=headers))
        passed(await web.get(f"/v1/{OTHER}/asr/vocabularies", headers=headers))
        third = f"/v1/{'e' * 32}/asr/vocabularies"
        refused(await web.get(third, headers=headers), 401, "SIS.0101")


async def test_one_policy_may_be_for_all(provider: Provider) -> None:
    async with served(provider, policy="SIS ReadOnlyAccess") as service, web_of(service) as web:
        headers = {"x-auth-token": provider.token()}
        passed(await web.get(VOCABULARIES, headers=headers))
        refused(await web.post(VOCABULARIES, headers=headers), 403, "APIG.0302")


async def test_users_of_a_domain_have_their_own_policies(provider: Provider) -> None:
    directory = accounts()
    async with served(provider, directory, domain="acme") as service, web_of(service) as web:
        alice = {"x-auth-token": provider.token()}
        reader = {"x-auth-token": provider.token(preferred_username="reader")}
        nobody = {"x-auth-token": provider.token(preferred_username="nobody")}
        passed(await web.post(VOCABULARIES, headers=alice))
        passed(await web.get(VOCABULARIES, headers=reader))
        refused(await web.post(VOCABULARIES, headers=reader), 403, "APIG.0302")
        refused(await web.get(VOCABULARIES, headers=nobody), 401, "APIG.0301")
        elsewhere = {"x-auth-token": provider.token(project_id="e" * 32)}
        there = f"/v1/{'e' * 32}/asr/vocabularies"
        refused(await web.get(there, headers=elsewhere), 401, "APIG.0301")
        directory.add(replace(ALICE, is_blocked=True))
        refused(await web.get(VOCABULARIES, headers=alice), 401, "APIG.0301")


async def test_a_project_that_is_blocked_is_so_for_everybody(provider: Provider) -> None:
    directory = accounts()
    directory.add(replace(HOME, is_blocked=True))
    async with served(provider, directory) as service, web_of(service) as web:
        headers = {"x-auth-token": provider.token()}
        refused(await web.get(VOCABULARIES, headers=headers), 401, "APIG.0301")


async def test_a_provider_that_is_down_is_no_fault_of_the_caller(provider: Provider) -> None:
    provider.is_down = True
    async with served(provider) as service, web_of(service) as web:
        headers = {"x-auth-token": provider.token()}
        refused(await web.get(VOCABULARIES, headers=headers), 500, "SIS.0001")


async def test_a_project_that_the_provider_alone_knows_keeps_vocabularies(
    provider: Provider, tmp_path: Path
) -> None:
    kept = StoreSettings(url=f"sqlite:///{tmp_path}/store/store.db")
    async with await open_store(kept, {}, make=True) as other:
        async with other.writing() as work:
            await work.projects.create("default", "north", "", 0.0)
    store = StoreOnDemand(kept, {})
    settings = fake_settings(oidc={"issuer": provider.url, "audience": "rasr"})
    body = {"name": "team", "language": "english", "contents": ["Doctor Kaelith"]}
    async with Service(settings, DirectoryOnDemand(store), store) as service:
        async with web_of(service) as web:
            headers = {"x-auth-token": provider.token(project_id=["team-1", OTHER, "north"])}
            made = await web.post("/v1/team-1/asr/vocabularies", json=body, headers=headers)
            path = f"asr/vocabularies/{made.json()['vocabulary_id']}"
            found = await web.get(f"/v1/team-1/{path}", headers=headers)
            assert found.json()["contents"] == ["Doctor Kaelith"]
            refused(await web.get(f"/v1/{OTHER}/{path}", headers=headers), 400, "SIS.0201")
            # A name is not the project: that of the command line has an id of its own.
            taken = await web.post("/v1/north/asr/vocabularies", json=body, headers=headers)
            assert "'project_id' is invalid" in refused(taken, 400, "SIS.0032")
