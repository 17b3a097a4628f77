"""What the sections of the settings have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Strict, StringConstraints

MANY = 1_000_000
"""More than any machine carries of anything that is counted here."""

Texts = Annotated[
    tuple[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)], ...],
    # TOML has lists, and a frozen tree tuples.
    Strict(False),
]


class Section(BaseModel):
    """A table of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Secret:
    """Marks a setting whose value is never shown."""
