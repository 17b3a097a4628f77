"""What `rasr doctor` finds: how bad it is, in a sentence, with its cure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"
    """Nothing is wrong, and somebody who wants to do a certain thing should know it."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found."""

    check: str
    status: Status
    message: str
    cure: str = ""
    """What to do; empty where there is nothing to do."""
