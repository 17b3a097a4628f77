"""Tokens of an identity provider (OpenID Connect): whose they are, if they are for this server.

The provider's keys are fetched when the first token comes, kept for an hour, and fetched again when
a token names a key that is not among them, as after a rotation; then at most once in a while, as
anybody can name a key. While the provider cannot be reached the keys that are known go on counting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from joserfc import jwk, jwt
from joserfc.errors import InvalidKeyIdError, JoseError

from rasr.asgi.addresses import is_loopback
from rasr.identity.tokens import LONGEST_TOKEN
from rasr.server.auth.foreign_tokens import ForeignIdentity, ForeignTokenFault, ProviderUnreachable
from rasr.server.errors import StartError
from rasr.settings import OidcSettings

_log = structlog.get_logger("rasr.auth")

KEEP_S = 3600.0
AGAIN_S = 30.0
"""Between two fetches, at least."""
_TIMEOUT = httpx.Timeout(5.0)
_WHOLE_S = 10.0
"""For both documents together."""
_LARGEST_DOCUMENT = 1 << 20
_LEEWAY_S = 60
_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""None with a shared secret: the key that checks such a token could make it."""


class OidcVerifier:
    """Checks the tokens of one provider."""

    def __init__(
        self,
        settings: OidcSettings,
        clock: Callable[[], float],
        client: Callable[[], httpx.AsyncClient] = lambda: httpx.AsyncClient(timeout=_TIMEOUT),
    ) -> None:
        """
        Raises:
            StartError: the settings say too little.
        """
        if not settings.audience:
            raise StartError(
                "oidc.audience is empty; with oidc.issuer it has to name this server as the "
                "provider does in tokens for it, or tokens for others would open it"
            )
        for name, url in (("issuer", settings.issuer), ("keys_url", settings.keys_url)):
            if url and not _is_safe(url):
                raise StartError(
                    f"oidc.{name}: {url[:80]!r}; needed: an address that begins with https://, or "
                    "with http:// on this machine"
                )
        self._settings = settings
        self._clock = clock
        self._client = client
        self._keys: list[jwk.Key] = []
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()
        self._claims = jwt.JWTClaimsRegistry(
            lambda: int(clock()),
            _LEEWAY_S,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def identify(self, token: str) -> ForeignIdentity:
        """Whose token it is.

        Raises:
            ForeignTokenFault: it is not for this server, not of the provider, or not of this time.
            ProviderUnreachable: nobody knows.
        """
        if len(token) > LONGEST_TOKEN or token.count(".") != 2:
            raise ForeignTokenFault("it has not the form of a token")
        if self._clock() - self._fetched_at > KEEP_S:
            await self._fetch(self._fetched_at)
        if not self._keys:
            raise ProviderUnreachable("the keys of the identity provider are not known")
        fetched_at = self._fetched_at
        try:
            claims = self._decode(token)
        except InvalidKeyIdError:
            await self._fetch(fetched_at)
            try:
                claims = self._decode(token)
            except InvalidKeyIdError as error:
                raise ForeignTokenFault("it names a key that the provider does not have") from error
        return self._identity(claims)

    def _decode(self, token: str) -> Mapping[str, Any]:
        keys = jwk.KeySet(self._keys)
        try:
            claims: dict[str, Any] = jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
            self._claims.validate(claims)
        except InvalidKeyIdError:
            raise
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            # Names of faults and of claims alone: values of claims are of a person.
            raise ForeignTokenFault(
                f"{type(error).__name__} {getattr(error, 'claim', '')}".strip()
            ) from (error)
        return claims

    def _identity(self, claims: Mapping[str, Any]) -> ForeignIdentity:
        settings = self._settings
        subject, name = claims["sub"], claims.get(settings.name_claim)
        named = claims.get(settings.project_claim)
        projects: list[Any] = named if isinstance(named, list) else [named]
        if not isinstance(subject, str) or not subject:
            raise ForeignTokenFault("sub is no text")
        if not projects or not all(isinstance(one, str) and one for one in projects):
            raise ForeignTokenFault(f"the claim {settings.project_claim} names no project")
        return ForeignIdentity(subject, name if isinstance(name, str) else "", tuple(projects))

    async def _fetch(self, known: float) -> None:
        """Fetch the keys, unless somebody has just done so.

        Args:
            known: when the keys were fetched that do not do.
        """
        async with self._fetching:
            now = self._clock()
            if self._fetched_at != known or now - self._tried_at < AGAIN_S:
                return
            self._tried_at = now
            try:
                async with asyncio.timeout(_WHOLE_S):
                    async with self._client() as client:
                        self._keys = await self._fetched(client)
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError) as error:
                _log.warning("oidc_keys_not_fetched", why=str(error)[:200] or type(error).__name__)
                return
            self._fetched_at = now
            _log.info("oidc_keys_fetched", keys=len(self._keys))

    async def _fetched(self, client: httpx.AsyncClient) -> list[jwk.Key]:
        url = self._settings.keys_url
        if not url:
            issuer = self._settings.issuer
            place = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            document = await _json(client, place)
            if document.get("issuer") != issuer:
                raise ValueError(f"{place} is of another issuer")
            told = document.get("jwks_uri")
            if not isinstance(told, str) or not _is_safe(told):
                raise ValueError(f"{place} has no jwks_uri that can be used")
            url = told
        listed = (await _json(client, url)).get("keys")
        if not isinstance(listed, list):
            raise ValueError(f"{url} has no keys")
        keys = [key for one in listed if (key := _public_key(one)) is not None]
        if not keys:
            raise ValueError(f"{url} has no key that can be used")
        return keys


async def _json(client: httpx.AsyncClient, url: str) -> Mapping[str, Any]:
    content = bytearray()
    async with client.stream("GET", url, headers={"accept": "application/json"}) as response:
        response.raise_for_status()
        async for part in response.aiter_bytes():
            content += part
            if len(content) > _LARGEST_DOCUMENT:
                raise ValueError(f"{url} is longer than {_LARGEST_DOCUMENT} bytes")
    try:
        document = httpx.Response(200, content=bytes(content)).json()
    except RecursionError as error:
        raise ValueError(f"{url} is nested too deeply") from error
    if not isinstance(document, dict):
        raise ValueError(f"{url} is no object")
    return document


def _public_key(listed: object) -> jwk.Key | None:
    """A key that checks signatures; None for one of another use, or of a kind that is not known."""
    if not isinstance(listed, dict) or listed.get("use", "sig") != "sig":
        return None
    if listed.get("kty") not in ("RSA", "EC", "OKP"):
        return None
    try:
        return jwk.import_key(listed)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _is_safe(url: str) -> bool:
    """True if nobody in between can answer in the provider's place."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host:
        return False
    here = host == "localhost" or is_loopback(host)
    return parts.scheme == "https" or (parts.scheme == "http" and here)
