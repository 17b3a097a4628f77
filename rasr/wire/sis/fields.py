"""The fields of START's `config` as one table, for the parser, the command line and the documents.

The table is read off `StartConfig`, where each field stands once, with its type and its default.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import get_type_hints

from rasr.wire.sis.kinds import Field, FileFormatName
from rasr.wire.sis.messages import StartConfig
from rasr.wire.sis.modes import Mode


def _start_fields() -> dict[str, Field]:
    hints = get_type_hints(StartConfig, include_extras=True)
    table = {}
    for one in dataclasses.fields(StartConfig):
        (field,) = hints[one.name].__metadata__
        assert isinstance(field, Field)
        table[one.name] = (
            dataclasses.replace(field, required=True)
            if one.default is dataclasses.MISSING
            else dataclasses.replace(field, default=one.default)
        )
    return table


START_FIELDS: Mapping[str, Field] = _start_fields()
"""By the key of the field, in the order in which they are told."""

FILE_FORMAT = dataclasses.replace(START_FIELDS["audio_format"], kind=FileFormatName())
"""`audio_format` where the audio is a whole file, which may be of more formats than a stream."""


def fields_of(mode: Mode) -> dict[str, Field]:
    """Those that a mode has; in it the others are unknown keys."""
    return {name: field for name, field in START_FIELDS.items() if mode in field.modes}
