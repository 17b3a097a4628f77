"""Callers who sign with an access key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.types import Receive

from rasr.identity.directory import Directory
from rasr.identity.guards import Lockouts, UsedSignatures
from rasr.identity.principals import CredentialKind, Principal
from rasr.identity.signatures import (
    EMPTY_HASH,
    LARGEST_BODY,
    UNSIGNED_PAYLOAD,
    Signature,
    SignatureExpired,
    SignatureFault,
    read_signature,
)
from rasr.server.auth import answers
from rasr.server.auth.bodies import Body, Room
from rasr.server.auth.call import Call, network_of


@dataclass(frozen=True, slots=True)
class SignedCall:
    """A call whose signature fits."""

    principal: Principal
    body: Body | None
    """Where it had to be read: the application has none to receive but this one."""


class SignatureCheck:
    """Checks signatures, and remembers wrong ones and those that are used up."""

    def __init__(
        self,
        directory: Directory,
        clock: Callable[[], float],
        names: Sequence[str],
        room: Room,
    ) -> None:
        """
        Args:
            clock: seconds since 1970.
            names: by which clients reach the server beside what `Host` says.
            room: for the bodies that are signed.
        """
        self._directory = directory
        self._clock = clock
        self._names = [name.encode() for name in names]
        self._lockouts = Lockouts()
        self._used = UsedSignatures()
        self._room = room

    async def check(self, call: Call, receive: Receive, *, changes: bool) -> SignedCall:
        """Whose signature it is.

        Args:
            changes: the call changes something, so the signature is good for it once.

        Raises:
            Refused: it is nobody's.
            DirectoryUnavailable: the keys cannot be looked up.
            PeerGone: the peer has left.
        """
        try:
            signature = read_signature(call.request, self._clock())
        except SignatureExpired as error:
            raise answers.expired(str(error)) from None
        except SignatureFault as error:
            raise answers.incorrect(str(error)) from None
        access = signature.access_id
        key = await self._directory.find_key(access)
        if key is None:
            raise answers.incorrect(f"there is no key {access!r}")
        # A body that only the signature could vouch for is not read for a key that is locked.
        self._check_lock(access)
        declared = signature.declared_hash
        if declared is not None:
            self._check_fits(call, signature, key.secret, "" if call.has_body else EMPTY_HASH)
        body = None
        try:
            if call.has_body and declared != UNSIGNED_PAYLOAD:
                body = await self._room.read(
                    receive, LARGEST_BODY, network_of(call.address), is_hashed=True
                )
            body_hash = EMPTY_HASH if body is None else body.sha256
            if declared is None:
                # Others may have tried while the body came.
                self._check_lock(access)
                self._check_fits(call, signature, key.secret, body_hash)
            elif not signature.body_fits(body_hash):
                raise answers.incorrect("the body is not the one whose hash is signed")
            self._lockouts.right(access)
            fault = key.fault(self._clock())
            if fault is not None:
                raise answers.incorrect(f"{access}: {fault}")
            if changes:
                self._check_replay(signature)
        except BaseException:
            if body is not None:
                body.let_go()
            raise
        user = key.user
        principal = Principal(
            user.id, user.name, user.domain, key.project.id, CredentialKind.KEY, access
        )
        return SignedCall(principal, body)

    def _check_lock(self, access: str) -> None:
        if self._lockouts.is_locked(access, self._clock()):
            raise answers.incorrect(f"key {access} is locked after wrong signatures")

    def _check_fits(self, call: Call, signature: Signature, secret: str, body_hash: str) -> None:
        if signature.fits(call.request, secret, body_hash, self._names):
            return
        access = signature.access_id
        locked = self._lockouts.wrong(access, self._clock())
        raise answers.incorrect(
            f"the signature with key {access} does not fit"
            + ("; the key is locked for five minutes" if locked else "")
        )

    def _check_replay(self, signature: Signature) -> None:
        now = self._clock()
        if self._used.is_used(signature.text, now):
            raise answers.incorrect(f"key {signature.access_id}: the signature was used before")
        if self._used.is_full(signature.access_id, now):
            raise answers.too_many("key", 60.0)
        self._used.use(signature.access_id, signature.text, signature.usable_until)
