"""A book's chapters, by the lines that are headings. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADING = re.compile(
    r"^[ \t\u3000]*(?:#{1,2}[ \t]+(?P<marked>\S.*)"
    r"|(?P<chinese>第[零〇一二三四五六七八九十百千两\d]{1,9}[章回卷部篇节](?:[ \t\u3000:：、].*)?)"
    r"|(?P<english>(?:chapter|part|book)[ \t]+(?:\d{1,4}|[ivxlc]{1,8}|[a-z]{3,12})\b.{0,80})"
    r")[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_LONGEST_HEADING = 100
"""Characters; a longer line is a sentence that begins like one."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of a book with a heading of its own."""

    title: str
    """Empty for what stands before the first heading."""
    text: str
    """The heading is part of it: it is read aloud."""


def chapters(text: str) -> tuple[Chapter, ...]:
    """The chapters of a text, in order; one without a heading where none is found."""
    found = [
        one
        for one in _HEADING.finditer(text)
        if len(one[0].strip()) <= _LONGEST_HEADING and not one[0].rstrip().endswith((".", "。"))
    ]
    starts = [one.start() for one in found]
    parts = []
    before = text[: starts[0]] if starts else text
    if before.strip():
        parts.append(Chapter("", before))
    ends = [*starts[1:], len(text)] if starts else []
    for one, end in zip(found, ends, strict=True):
        title = (one["marked"] or one["chinese"] or one["english"]).strip()
        # A heading has no stop, and is followed by a pause all the same.
        parts.append(Chapter(title, f"{title}\n\n{text[one.end() : end]}"))
    return tuple(parts)
