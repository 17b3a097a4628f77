"""Lists of words in files: one word a line, a column of a table (CSV), or JSON as the calls of SIS
have it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

_COLUMN = "word"
"""What the column of words is called in a table that has headings."""


class ListFormat(Enum):
    """How a list is written."""

    TEXT = "txt"
    CSV = "csv"
    JSON = "json"

    @classmethod
    def of(cls, file: Path) -> ListFormat:
        """As the end of its name says; lines of text where that says nothing."""
        suffix = file.suffix.lower().removeprefix(".")
        return next((one for one in cls if one.value == suffix), cls.TEXT)


class ListFault(ValueError):
    """A list is not as it must be; the text says how."""


def read_list(content: bytes, format: ListFormat) -> dict[str, Any]:
    """What a list says: its words under `contents`; JSON may say more of the vocabulary.

    Raises:
        ListFault: it is no such list.
    """
    try:
        # Programs of Windows begin files with a mark.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ListFault(f"it is not UTF-8: {error.reason} at byte {error.start}") from error
    match format:
        case ListFormat.TEXT:
            lines = (line.strip() for line in text.splitlines())
            return {"contents": [line for line in lines if line]}
        case ListFormat.CSV:
            return {"contents": _column(text)}
        case ListFormat.JSON:
            return _document(text)


def _column(text: str) -> list[str]:
    # Tables of countries that write decimal commas are parted by semicolons.
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ListFault(f"it is no table: {error}") from error
    first = [row[0].strip() for row in rows if row]
    if first and first[0].lower() == _COLUMN:
        del first[0]
    return [word for word in first if word]


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ListFault(f"it is not JSON: {error}") from error
    if isinstance(document, list):
        return {"contents": document}
    if not isinstance(document, dict):
        raise ListFault("it is neither an array of words nor an object with contents")
    return document


def write_list(vocabulary: Mapping[str, Any], format: ListFormat) -> str:
    """A vocabulary, as `read_list` reads it."""
    words: list[str] = vocabulary["contents"]
    match format:
        case ListFormat.TEXT:
            return "".join(f"{word}\n" for word in words)
        case ListFormat.CSV:
            table = io.StringIO()
            writer = csv.writer(table, lineterminator="\n")
            writer.writerows([[_COLUMN], *([word] for word in words)])
            return table.getvalue()
        case ListFormat.JSON:
            return json.dumps(vocabulary, ensure_ascii=False, indent=2) + "\n"
