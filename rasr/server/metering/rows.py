"""Rows of the ledger as lines of a journal."""

from __future__ import annotations

import json
from dataclasses import dataclass

from rasr.identity.principals import CredentialKind, Principal
from rasr.store.records import UsageRow
from rasr.usage.meter import Charge
from rasr.usage.services import Service

_ID_LENGTH = 32
_MOST_MS = 1 << 50


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A row, and the project that it is of."""

    project_id: str
    row: UsageRow

    @classmethod
    def of(cls, charge: Charge) -> LedgerRow:
        """What is billed of a charge."""
        principal = charge.principal
        by_key = principal.kind is CredentialKind.KEY
        return cls(
            principal.project_id,
            UsageRow(
                id=charge.id,
                service=charge.service,
                at=charge.at,
                amount=charge.service.amount(charge.audio_s, charge.channels),
                audio_ms=round(charge.audio_s * 1000),
                access_id=principal.credential if by_key else None,
                user_id=_user_id(principal),
            ),
        )

    def line(self) -> bytes:
        """As a line of a journal."""
        row = self.row
        return json.dumps(
            [
                *(row.id, self.project_id, row.service, row.at, row.amount, row.audio_ms),
                *(row.access_id, row.user_id),
            ],
            separators=(",", ":"),
        ).encode()

    @classmethod
    def read(cls, line: bytes) -> LedgerRow | None:
        """The row of a line; None where it is torn, or not one of ours."""
        try:
            match json.loads(line):
                case [
                    str(identifier),
                    str(project_id),
                    str(service),
                    int() | float() as at,
                    int(amount),
                    int(audio_ms),
                    str() | None as access_id,
                    str() | None as user_id,
                ] if (
                    len(identifier) <= 2 * _ID_LENGTH
                    and all(map(str.isprintable, (identifier, access_id or "", user_id or "")))
                    and service in set(Service)
                    and 0 <= at < 1 << 33
                    and 0 <= amount < _MOST_MS
                    and 0 <= audio_ms < _MOST_MS
                    and max(map(len, (access_id or "", user_id or ""))) <= _ID_LENGTH
                ):
                    row = UsageRow(
                        identifier, service, float(at), amount, audio_ms, access_id, user_id
                    )
                    return cls(project_id, row)
        except (ValueError, RecursionError):
            pass
        return None


def _user_id(principal: Principal) -> str:
    # An identity provider calls its users whatever it likes.
    user_id = principal.user_id
    if len(user_id) <= _ID_LENGTH and user_id.isprintable():
        return user_id
    return principal.credential[:_ID_LENGTH]
