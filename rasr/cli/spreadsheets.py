"""Tables for spreadsheets. Whatever somebody has named himself, no cell of them is a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import TextIO

Cell = str | int | float | date | None
Row = Mapping[str, Cell]

_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(rows: Iterable[Row], columns: Sequence[str], file: TextIO) -> None:
    """A table of values that are separated by commas, with a heading."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_harmless(row[name]) for name in columns])


def write_xlsx(rows: Iterable[Row], columns: Sequence[str], file: Path, title: str) -> None:
    """A workbook with one sheet, numbers and days as such.

    Raises:
        OSError: it cannot be written.
    """
    # Whole or not at all.
    file.write_bytes(xlsx_of(rows, columns, title))


def xlsx_of(rows: Iterable[Row], columns: Sequence[str], title: str) -> bytes:
    """The same as bytes."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.append(list(columns))
    for row in rows:
        cells = []
        for name in columns:
            cell = WriteOnlyCell(sheet)
            cell.value = row[name]
            if isinstance(row[name], str):
                # It would make a formula of a text that begins with "=".
                cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    content = BytesIO()
    book.save(content)
    return content.getvalue()


def _harmless(value: Cell) -> Cell:
    if isinstance(value, str) and value.startswith(_BEGINS_FORMULA):
        return f"'{value}"
    return value
