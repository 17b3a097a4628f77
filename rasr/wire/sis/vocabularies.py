"""What a vocabulary, a table of hot words, may hold: by the rules of SIS, and by ours beside them.

Source: SIS API reference, «Creating a hot word table». SIS has tables of Mandarin alone. Where a
table is said to be of another language its words may be phrases, in the letters of that language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.faults import fault, invalid

MANDARIN = "chinese_mandarin"
"""The language of a table as SIS names it, and the only one that it has."""
MOST_VOCABULARIES = 10
"""Of one project."""
MOST_WORDS = 1024
"""Of one table."""
MOST_DESCRIPTION_BYTES = 255

_NAME = re.compile(r"[A-Za-z0-9_#-]{1,32}")
_NAME_ALLOWED = "1 to 32 characters of A-Z, a-z, 0-9, _, - and #"
_HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_OF_MANDARIN = re.compile(f"[A-Za-z{_HAN}]+")
_BETWEEN_LETTERS = re.compile(r"[ '’-]")
_OF_WORDS = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc"}
"""The categories of Unicode of which words of any language are made: letters and their marks."""


@dataclass(frozen=True, slots=True)
class _WordRule:
    """What a hot word may be."""

    fits: Callable[[str], object]
    most_bytes: int
    of: str

    @property
    def allowed(self) -> str:
        """In words."""
        return f"at most {self.most_bytes} bytes of {self.of}"

    def admits(self, word: str) -> bool:
        """True if this is one."""
        # What JSON can spell and UTF-8 cannot is no letter.
        return (
            len(word) <= self.most_bytes
            and bool(self.fits(word))
            and len(word.encode()) <= self.most_bytes
        )


def _is_phrase(text: str) -> bool:
    return all(
        part.isalpha() or (part and _OF_WORDS.issuperset(map(unicodedata.category, part)))
        for part in _BETWEEN_LETTERS.split(text)
    )


_MANDARIN_RULE = _WordRule(
    _OF_MANDARIN.fullmatch,
    32,
    "Chinese characters and A-Z, a-z, without spaces and digits (write digits as words)",
)
_PHRASE_RULE = _WordRule(
    _is_phrase,
    64,
    "letters, with single spaces, apostrophes or hyphens between them, without digits (write "
    "digits as words)",
)


@dataclass(frozen=True, slots=True)
class VocabularyContent:
    """A vocabulary as somebody wants it to be, checked."""

    name: str
    language: str
    description: str
    words: tuple[str, ...]
    """Each once, in the order in which they came."""

    @classmethod
    def read(cls, document: Mapping[str, Any], languages: Collection[str]) -> Self:
        """The content in the body of a call. Keys that nobody knows are ignored.

        Args:
            languages: beside that of SIS, those that a table may be of here.

        Raises:
            ProtocolError: with every fault of the first kind that there is: a field is missing, a
                field is not valid, the language, the words.
        """
        missing = [name for name in ("name", "language", "contents") if document.get(name) is None]
        if missing:
            told = (fault(name, None, _ALLOWED[name], missing=True) for name in missing)
            raise ProtocolError(ErrorCode.MISSING, "; ".join(told))
        values: dict[str, Any] = {name: document.get(name) for name in _ALLOWED}
        values["description"] = values["description"] or ""
        faults = [
            fault(name, values[name], allowed)
            for name, allowed in _ALLOWED.items()
            if not _IS_VALID[name](values[name])
        ]
        if faults:
            raise ProtocolError(ErrorCode.INVALID, "; ".join(faults))
        language: str = values["language"]
        if language != MANDARIN and language not in languages:
            allowed = ", ".join([MANDARIN, *languages])
            raise ProtocolError(ErrorCode.VOCABULARY_LANGUAGE, fault("language", language, allowed))
        words = _checked(values["contents"], language)
        return cls(values["name"], language, values["description"], words)


def vocabulary_body(
    vocabulary_id: str, name: str, language: str, description: str
) -> dict[str, Any]:
    """What is told of a vocabulary, but for its words, in JSON's types."""
    return {
        "vocabulary_id": vocabulary_id,
        "name": name,
        "language": language,
        "description": description,
    }


def _checked(words: list[str], language: str) -> tuple[str, ...]:
    """The words, each once.

    Raises:
        ProtocolError: there are none or too many, or one of them is not as it must be.
    """
    different = tuple(dict.fromkeys(words))
    if not 1 <= len(different) <= MOST_WORDS:
        raise ProtocolError(
            ErrorCode.INVALID,
            f"'contents' is invalid: it has {len(different)} words; allowed: 1 to {MOST_WORDS}",
        )
    rule = _MANDARIN_RULE if language == MANDARIN else _PHRASE_RULE
    for number, word in enumerate(words):
        if not rule.admits(word):
            raise ProtocolError(
                ErrorCode.BAD_WORD,
                f"{fault(f'contents[{number}]', word, rule.allowed)}, where 'language' is "
                f"{language!r}",
            )
    return different


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_description(value: object) -> bool:
    # Control characters and halves of surrogate pairs are no text.
    return (
        isinstance(value, str)
        and len(value) <= MOST_DESCRIPTION_BYTES
        and all(unicodedata.category(letter) not in ("Cc", "Cs") for letter in value)
        and len(value.encode()) <= MOST_DESCRIPTION_BYTES
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


_ALLOWED: Mapping[str, str] = {
    "name": _NAME_ALLOWED,
    "language": f"a text such as {MANDARIN}",
    "description": f"one line of at most {MOST_DESCRIPTION_BYTES} bytes",
    "contents": f"an array of 1 to {MOST_WORDS} words",
}
"""What each field of the body may be."""
_IS_VALID: Mapping[str, Callable[[object], bool]] = {
    "name": _is_name,
    "language": _is_text,
    "description": _is_description,
    "contents": _is_list_of_texts,
}


@dataclass(frozen=True, slots=True)
class VocabularyQuery:
    """Which vocabularies of a project are asked for."""

    limit: int
    page: int
    """From 0."""
    name: str | None
    """Only the one of this name."""

    @property
    def skipped(self) -> int:
        """So many come before the page."""
        return self.limit * self.page

    @classmethod
    def read(cls, query: Mapping[str, str], document: Mapping[str, Any]) -> Self:
        """What the query of the address and the body, which GET may have here, say.

        Raises:
            ProtocolError: something of it is not valid.
        """
        name = document.get("name")
        if name is not None and not _is_name(name):
            raise invalid("name", name, _NAME_ALLOWED)
        return cls(
            limit=_whole(query, "limit", 10, 1, 1000),
            page=_whole(query, "offset", 0, 0, 1_000_000),
            name=name,
        )


_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")


def _whole(query: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    number = int(text) if _WHOLE_NUMBER.fullmatch(text) else -1
    if not lowest <= number <= highest:
        raise invalid(name, text, f"a whole number from {lowest} to {highest}")
    return number
