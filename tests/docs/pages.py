"""The documents, taken apart: blocks of code, code within sentences, links, tables, headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
README_ZH = ROOT / "README.zh.md"
EXAMPLES = ROOT / "docs" / "clients" / "examples"
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
"""Every document that people are meant to read."""


@dataclass(frozen=True, slots=True)
class Code:
    """A piece of code in a document."""

    page: Path
    line: int
    language: str
    """Of a block, as its fence says; empty where nothing is said, and within a sentence."""
    text: str

    @property
    def place(self) -> str:
        """Where it stands, for people and for the names of tests."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def tokens(page: Path) -> list[Token]:
    """The page, parsed."""
    return MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))


def blocks(page: Path) -> Iterator[Code]:
    """The blocks of code, fenced and indented."""
    for token in tokens(page):
        if token.type in ("fence", "code_block"):
            assert token.map is not None
            yield Code(page, token.map[0] + 1, token.info.strip(), token.content)


def inline_code(page: Path) -> Iterator[Code]:
    """The code within sentences and tables."""
    for token in tokens(page):
        if token.type == "inline":
            assert token.map is not None
            for child in token.children or ():
                if child.type == "code_inline":
                    yield Code(page, token.map[0] + 1, "", child.content)


def all_blocks(language: str | None = None) -> list[Code]:
    """The blocks of all documents; of one language, if it is given."""
    found = [block for page in PAGES for block in blocks(page)]
    return [one for one in found if language is None or one.language == language]


def links(page: Path) -> list[str]:
    """Where the page's links and pictures lead, in their order."""
    return [
        str(child.attrs["href" if child.type == "link_open" else "src"])
        for token in tokens(page)
        for child in token.children or ()
        if child.type in ("link_open", "image")
    ]


def table_shapes(page: Path) -> list[tuple[int, int]]:
    """Columns and rows of each table."""
    shapes: list[tuple[int, int]] = []
    for token in tokens(page):
        match token.type:
            case "table_open":
                shapes.append((0, 0))
            case "th_open":
                shapes[-1] = (shapes[-1][0] + 1, shapes[-1][1])
            case "tr_open":
                shapes[-1] = (shapes[-1][0], shapes[-1][1] + 1)
            case _:
                pass
    return shapes


def heading_levels(page: Path) -> list[str]:
    """The level of each heading, as `h1`."""
    return [token.tag for token in tokens(page) if token.type == "heading_open"]


def anchors(page: Path) -> set[str]:
    """The names by which headings can be linked to, as GitHub makes them."""
    found: set[str] = set()
    parsed = tokens(page)
    for token, inside in pairwise(parsed):
        if token.type == "heading_open":
            text = "".join(child.content for child in inside.children or ())
            found.add(re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-"))
    return found


def without_comments(text: str) -> str:
    """Shell without its comments, which are in the language of the page."""
    return re.sub(r"[ \t]+#[^\n]*", "", text)
