"""Callers who show a token: one of this server, or of the identity provider of the settings."""

from __future__ import annotations

from collections.abc import Callable

from rasr.identity.directory import Directory, DirectoryUnavailable
from rasr.identity.principals import DIGEST_NAME_LENGTH, CredentialKind, Principal
from rasr.identity.tokens import digest, has_form
from rasr.server.auth import answers
from rasr.server.auth.foreign_tokens import (
    ForeignTokenFault,
    ForeignTokens,
    ProviderUnreachable,
)


class TokenCheck:
    """Checks tokens."""

    def __init__(
        self,
        directory: Directory | None,
        clock: Callable[[], float],
        provider: ForeignTokens | None,
        domain: str,
    ) -> None:
        """
        Args:
            clock: seconds since 1970.
            provider: None: there is no identity provider.
            domain: where the provider's users are to have accounts; empty: nowhere.
        """
        self._directory = directory
        self._clock = clock
        self._provider = provider
        self._domain = domain

    async def check(self, text: str, project_id: str | None) -> Principal:
        """Whose token it is.

        Args:
            project_id: of the path, if it has one.

        Raises:
            Refused: it is nobody's.
            DirectoryUnavailable: the tokens cannot be looked up.
        """
        if not has_form(text):
            return await self._foreign(text, project_id)
        known = digest(text)
        token = None if self._directory is None else await self._directory.find_token(known)
        if token is None:
            raise answers.incorrect("there is no such token")
        fault = token.fault(self._clock())
        if fault is not None:
            raise answers.incorrect(f"token {known[:DIGEST_NAME_LENGTH]}: {fault}")
        user = token.user
        return Principal(
            user.id,
            user.name,
            user.domain,
            token.project.id,
            CredentialKind.TOKEN,
            known[:DIGEST_NAME_LENGTH],
        )

    async def _foreign(self, text: str, project_id: str | None) -> Principal:
        if self._provider is None:
            raise answers.incorrect("the token has not the form of ours")
        try:
            identity = await self._provider.identify(text)
        except ForeignTokenFault as error:
            raise answers.incorrect(f"token of the identity provider: {error}") from None
        except ProviderUnreachable as error:
            raise DirectoryUnavailable(str(error)) from None
        # Of several projects the path's; another one's is refused as that of any credential.
        of_path = project_id in identity.projects
        project = project_id if of_path and project_id is not None else identity.projects[0]
        user_id, name = f"oidc:{identity.subject}", identity.name or identity.subject
        domain = self._domain
        if domain:
            user = None
            if self._directory is not None:
                user = await self._directory.find_user(domain, name)
            if user is None or user.is_blocked:
                raise answers.incorrect(f"no user {name!r} of domain {domain} who may call")
            user_id = user.id
        if self._directory is not None:
            known = await self._directory.find_project(project)
            if domain and known is None:
                raise answers.incorrect(f"there is no project {project[:64]!r}")
            if known is not None and known.is_blocked:
                raise answers.incorrect("the project is blocked")
        return Principal(
            user_id,
            name,
            domain,
            project,
            CredentialKind.OIDC,
            f"oidc:{digest(user_id)[:DIGEST_NAME_LENGTH]}",
        )
