"""What can be said of a field of START's `config`: its kind, its meaning, the modes that have it.

A kind reads a value of JSON and answers with the value that the server works with, or with None
where the value is not allowed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rasr.audio.formats import (
    COMPRESSED_FORMATS,
    FILE_FORMATS,
    FORMATS,
    AudioFormat,
    CompressedFormat,
    FileFormat,
)
from rasr.wire.sis.modes import Mode
from rasr.wire.sis.properties import Property

FieldValue = AudioFormat | CompressedFormat | Property | str | int | bool | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class YesNo:
    """The strings "yes" and "no", which become a bool."""

    allowed = "'yes' or 'no'"

    def read(self, raw: object) -> bool | None:
        """The value of `raw`; None if it is not allowed."""
        return {"yes": True, "no": False}.get(raw) if isinstance(raw, str) else None


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean of JSON."""

    allowed = "true or false"

    def read(self, raw: object) -> bool | None:
        """The value of `raw`; None if it is not allowed."""
        return raw if isinstance(raw, bool) else None


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A number without a fraction, both ends of its range included."""

    lowest: int
    highest: int
    unit: str

    @property
    def allowed(self) -> str:
        """The range in words."""
        return f"a whole number from {self.lowest} to {self.highest} ({self.unit})"

    def read(self, raw: object) -> int | None:
        """The value of `raw`; None if it is not allowed."""
        # bool is an int in Python and not a number in JSON.
        if isinstance(raw, bool) or not isinstance(raw, int):
            return None
        return raw if self.lowest <= raw <= self.highest else None


@dataclass(frozen=True, slots=True)
class Text:
    """Any text that is not empty."""

    allowed: str

    def read(self, raw: object) -> str | None:
        """The value of `raw`; None if it is not allowed."""
        return raw if isinstance(raw, str) and raw else None


@dataclass(frozen=True, slots=True)
class FormatName:
    """A name of the tables in `rasr.audio.formats`, which becomes the format itself."""

    @property
    def allowed(self) -> str:
        """All names, separated by commas."""
        return ", ".join(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return (*FORMATS, *COMPRESSED_FORMATS)

    def read(self, raw: object) -> AudioFormat | CompressedFormat | None:
        """The value of `raw`; None if it is not allowed."""
        return FORMATS.get(raw) or COMPRESSED_FORMATS.get(raw) if isinstance(raw, str) else None


@dataclass(frozen=True, slots=True)
class FileFormatName:
    """The name of a raw format or of a kind of file, which becomes the format itself."""

    @property
    def allowed(self) -> str:
        """All names, separated by commas."""
        return ", ".join(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return (*FORMATS, *FILE_FORMATS)

    def read(self, raw: object) -> AudioFormat | FileFormat | None:
        """The value of `raw`; None if it is not allowed."""
        return FORMATS.get(raw) or FILE_FORMATS.get(raw) if isinstance(raw, str) else None


@dataclass(frozen=True, slots=True)
class PropertyName:
    """The name of a property, which becomes its parts."""

    allowed = "language_rate_domain, such as english_16k_common or chinese_8k_common"

    def read(self, raw: object) -> Property | None:
        """The value of `raw`; None if it is not allowed."""
        return Property.parse(raw) if isinstance(raw, str) else None


@dataclass(frozen=True, slots=True)
class TextList:
    """Any number of texts."""

    allowed = "an array of strings"

    def read(self, raw: object) -> tuple[str, ...] | None:
        """The value of `raw`; None if it is not allowed."""
        if not isinstance(raw, list) or not all(isinstance(item, str) for item in raw):
            return None
        return tuple(raw)


@dataclass(frozen=True, slots=True)
class ChannelName:
    """Part of an address: `/captions/NAME`, and with a dot `/captions/NAME.vtt`."""

    allowed = "1 to 64 characters of A-Z, a-z, 0-9, _ and -"
    PATTERN = "[A-Za-z0-9_-]{1,64}"

    def read(self, raw: object) -> str | None:
        """The value of `raw`; None if it is not allowed."""
        return raw if isinstance(raw, str) and re.fullmatch(self.PATTERN, raw) else None


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some strings."""

    names: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """All of them, in quotes."""
        return " or ".join(repr(name) for name in self.names)

    def read(self, raw: object) -> str | None:
        """The value of `raw`; None if it is not allowed."""
        return raw if isinstance(raw, str) and raw in self.names else None


FieldKind = (
    YesNo
    | Flag
    | OneOf
    | WholeNumber
    | Text
    | FormatName
    | FileFormatName
    | PropertyName
    | TextList
    | ChannelName
)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of START's `config`, as `StartConfig` is annotated with it."""

    kind: FieldKind
    meaning: str
    modes: frozenset[Mode] = frozenset(Mode)
    """In other modes the key is unknown, hence ignored."""
    extension: bool = False
    """True for a key that SIS does not have."""
    default: FieldValue = None
    """Filled in by `rasr.wire.sis.fields`, like `required`: `StartConfig` has the defaults."""
    required: bool = False
