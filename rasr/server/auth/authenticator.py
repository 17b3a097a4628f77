"""Who calls, and may he: the answer for every request and every handshake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

import structlog
from starlette.types import Receive

from rasr.asgi.addresses import is_loopback
from rasr.identity.directory import Directory, DirectoryUnavailable
from rasr.identity.guards import RateLimit
from rasr.identity.policies import SYSTEM_POLICIES, PolicyGrant, decide
from rasr.identity.principals import CredentialKind, Principal
from rasr.identity.tickets import Tickets
from rasr.server.auth import answers
from rasr.server.auth.answers import Refused
from rasr.server.auth.bodies import Body, Room
from rasr.server.auth.by_signature import SignatureCheck
from rasr.server.auth.by_token import TokenCheck
from rasr.server.auth.call import Call, network_of
from rasr.server.auth.credentials import BearerToken, Signed, Ticket, credential_of, shows
from rasr.server.auth.foreign_tokens import ForeignTokens
from rasr.server.auth.paths import Place, Right
from rasr.server.errors import StartError
from rasr.settings import Settings

_log = structlog.get_logger("rasr.auth")

_IN_A_ROW_S = 10.0
"""A caller may send the requests of so many seconds at once."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call that was let in."""

    principal: Principal
    body: Body | None = None
    """Where it had to be read: the application has none to receive but this one."""
    is_signed: bool = False
    """The application is to read the query as it was signed."""


class Authenticator:
    """Knows callers by their credentials and asks their policies. One for a server."""

    def __init__(
        self, settings: Settings, directory: Directory | None, clock: Callable[[], float]
    ) -> None:
        """
        Args:
            directory: None: there are no accounts.
            clock: seconds since 1970.

        Raises:
            StartError: callers are to be asked who they are, and nobody could say.
        """
        self.directory = directory
        self.clock = clock
        self.tickets = Tickets()
        self.bodies = Room()
        """Where bodies of requests are read."""
        auth = settings.auth
        self._kind = auth.kind
        self._oidc = settings.oidc
        provider: ForeignTokens | None = None
        if settings.oidc.issuer:
            # It takes a while to import, and few have one.
            from rasr.server.auth.oidc import OidcVerifier

            provider = OidcVerifier(settings.oidc, clock)
        self._tokens = TokenCheck(directory, clock, provider, settings.oidc.domain)
        self._signatures = (
            None
            if directory is None
            else SignatureCheck(directory, clock, auth.public_hosts, self.bodies)
        )
        if auth.kind == "accounts" and directory is None and not settings.oidc.issuer:
            raise StartError(
                'auth.kind is "accounts", and there is neither a store with accounts nor an '
                "oidc.issuer in the settings"
            )
        self._metrics_are_open = auth.open_metrics
        self._metrics_token = settings.metrics.token
        self._has_accounts = False
        self._was_open = False
        self._key_rate = RateLimit(auth.requests_per_key, auth.requests_per_key * _IN_A_ROW_S)
        self._address_rate = RateLimit(
            auth.requests_per_address, auth.requests_per_address * _IN_A_ROW_S
        )

    @property
    def is_open(self) -> bool:
        """True if nobody is asked, because the settings say so."""
        return self._kind == "none"

    async def begin(self) -> bool:
        """See `asks`; where callers are asked, the accounts are read once, whatever is set.

        Raises:
            DirectoryUnavailable: they cannot be read.
        """
        asks = await self.asks()
        if asks and self.directory is not None and not self._has_accounts:
            self._has_accounts = await self.directory.has_accounts()
        self._was_open = not asks
        return asks

    async def asks(self) -> bool:
        """True if callers are asked who they are.

        Raises:
            DirectoryUnavailable: nobody knows whether there are accounts.
        """
        if self.is_open:
            return False
        if self._kind == "accounts" or self._oidc.issuer or self._has_accounts:
            return True
        # From then on it stays so: a store that is emptied does not open the server.
        self._has_accounts = self.directory is not None and await self.directory.has_accounts()
        if self._has_accounts and self._was_open:
            self._was_open = False
            _log.info("callers_asked", why="there is an account now")
        return self._has_accounts

    async def sign_in(self) -> str:
        """How a person shows who he is, as pages are told: none, password, or token.

        `token` is one of the identity provider: this server has no passwords.
        """
        try:
            if not await self.asks():
                return "none"
            if self.directory is None:
                return "token"
            # Without an identity provider whoever has no account yet gets one that has a password.
            is_password = not self._oidc.issuer or await self.directory.has_accounts()
        except DirectoryUnavailable:
            return "password"
        return "password" if is_password else "token"

    def may_read_metrics(self, call: Call) -> bool:
        """True if this caller gets the numbers, whoever he is."""
        return (
            self._metrics_are_open or is_loopback(call.address) or shows(call, self._metrics_token)
        )

    def check_address(self, address: str) -> None:
        """Count a call of this address.

        Raises:
            Refused: there are too many.
        """
        wait_s = self._address_rate.take(network_of(address), self.clock())
        if wait_s:
            raise answers.too_many("address", wait_s)

    async def admit(self, call: Call, place: Place, right: Right, receive: Receive) -> Admitted:
        """Let a call in.

        Raises:
            Refused: it is not let in.
            DirectoryUnavailable: the accounts cannot be looked up.
            PeerGone: it has left.
        """
        credential = credential_of(call)
        match credential:
            case None:
                raise answers.missing()
            case Signed():
                if self._signatures is None:
                    raise answers.incorrect("there are no keys")
                signed = await self._signatures.check(call, receive, changes=right.changes)
                admitted = Admitted(signed.principal, signed.body, is_signed=True)
            case BearerToken():
                principal = await self._tokens.check(credential.text, place.project_id)
                admitted = Admitted(principal)
            case Ticket():
                holder = self.tickets.redeem(credential.text, self.clock())
                if holder is None:
                    raise answers.incorrect("the ticket is none, was used or is too old")
                admitted = Admitted(holder)
            case _:
                assert_never(credential)
        try:
            await self._check(admitted.principal, place, right)
        except BaseException as error:
            if isinstance(error, Refused):
                error.project_id = admitted.principal.project_id
            if admitted.body is not None:
                admitted.body.let_go()
            raise
        return admitted

    async def _check(self, principal: Principal, place: Place, right: Right) -> None:
        """Whether somebody who is known may do this."""
        if place.project_id is not None and place.project_id != principal.project_id:
            raise answers.other_project(place.project_id, principal.project_id)
        # Of tokens a user can have as many as he likes.
        by_key = principal.kind is CredentialKind.KEY
        name = principal.credential if by_key else principal.user_id
        wait_s = self._key_rate.take(name, self.clock())
        if wait_s:
            raise answers.too_many("key", wait_s)
        grants = await self._grants(principal)
        decision = decide(grants, principal.project_id, right.action, self.clock())
        if not decision.is_allowed:
            raise answers.not_allowed(right.action, f"{principal.user_name}: {decision.sentence}")

    async def _grants(self, principal: Principal) -> Sequence[PolicyGrant]:
        if principal.kind is CredentialKind.OIDC and not self._oidc.domain:
            name = self._oidc.policy
            return (PolicyGrant(name, SYSTEM_POLICIES[name]),)
        return () if self.directory is None else await self.directory.policies_of(principal.user_id)
