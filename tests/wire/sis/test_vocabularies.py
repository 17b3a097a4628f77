"""What a vocabulary may hold: every limit, at it and past it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.vocabularies import MOST_WORDS, VocabularyContent, VocabularyQuery

GOOD: dict[str, Any] = {
    "name": "team",
    "language": "chinese_mandarin",
    "description": "",
    "contents": ["华为"],
}
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def words(count: int) -> list[str]:
    """So many different ones."""
    return [LETTERS[n % 26] + LETTERS[n // 26 % 26] + LETTERS[n // 676] for n in range(count)]


def read(**changed: Any) -> VocabularyContent:
    return VocabularyContent.read(GOOD | changed, ["english", "russian"])


def refused(**changed: Any) -> tuple[ErrorCode, str]:
    with pytest.raises(ProtocolError) as raised:
        read(**changed)
    return raised.value.code, raised.value.message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a"),
        ("name", "a" * 32),
        ("name", "Team_9-#"),
        ("description", "d" * 255),
        ("description", "中" * 85),
        ("description", "'; DROP TABLE vocabularies; --"),
        ("contents", ["a" * 32]),
        ("contents", ["华" * 10 + "ab"]),
        ("contents", ["华为cloud", "々〇㐀𠀀"]),
        ("contents", words(MOST_WORDS)),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_within_the_limits_is_taken_as_it_is(field: str, value: Any) -> None:
    content = read(**{field: value})
    read_back = {
        "name": content.name,
        "description": content.description,
        "contents": list(content.words),
    }
    assert read_back[field] == value


@pytest.mark.parametrize(
    ("field", "value", "code", "told"),
    [
        ("name", "", ErrorCode.INVALID, "it is ''; allowed: 1 to 32 characters of A-Z"),
        ("name", "a" * 33, ErrorCode.INVALID, "allowed: 1 to 32"),
        ("name", "two words", ErrorCode.INVALID, "it is 'two words'"),
        ("name", "名字", ErrorCode.INVALID, "it is '名字'"),
        ("name", "team\n", ErrorCode.INVALID, r"it is 'team\n'"),
        ("name", 7, ErrorCode.INVALID, "it is 7"),
        ("description", "d" * 256, ErrorCode.INVALID, "at most 255 bytes"),
        ("description", "中" * 85 + "a", ErrorCode.INVALID, "at most 255 bytes"),
        ("description", "two\nlines", ErrorCode.INVALID, "one line"),
        ("description", "\x00", ErrorCode.INVALID, "one line"),
        ("description", "\ud800", ErrorCode.INVALID, "one line"),
        ("description", ["d"], ErrorCode.INVALID, 'it is ["d"]'),
        ("language", 7, ErrorCode.INVALID, "it is 7"),
        ("language", "klingon", ErrorCode.VOCABULARY_LANGUAGE, "chinese_mandarin, english"),
        ("language", "", ErrorCode.VOCABULARY_LANGUAGE, "it is ''"),
        ("contents", "华为", ErrorCode.INVALID, "an array of 1 to 1024 words"),
        ("contents", {}, ErrorCode.INVALID, "an array"),
        ("contents", [], ErrorCode.INVALID, "it has 0 words"),
        ("contents", words(MOST_WORDS + 1), ErrorCode.INVALID, "it has 1025 words"),
        ("contents", ["华为", 7], ErrorCode.INVALID, "an array"),
        ("contents", ["华为", None], ErrorCode.INVALID, "an array"),
        ("contents", ["a", "b" * 33], ErrorCode.BAD_WORD, "'contents[1]' is invalid: it is 'b"),
        ("contents", ["华" * 10 + "abc"], ErrorCode.BAD_WORD, "at most 32 bytes"),
        ("contents", [""], ErrorCode.BAD_WORD, "it is ''"),
        ("contents", ["two words"], ErrorCode.BAD_WORD, "without spaces"),
        ("contents", ["5G"], ErrorCode.BAD_WORD, "write digits as words"),
        ("contents", ["ａｂ"], ErrorCode.BAD_WORD, "'ａｂ'"),
        ("contents", ["été"], ErrorCode.BAD_WORD, "'été'"),
        ("contents", ["\ud800"], ErrorCode.BAD_WORD, "ud800"),
        ("contents", ["a\x00"], ErrorCode.BAD_WORD, "x00"),
    ],
    ids=lambda value: str(value).encode(errors="replace").decode()[:20],
)
def test_what_is_past_them_is_refused_with_its_field(
    field: str, value: Any, code: ErrorCode, told: str
) -> None:
    found, message = refused(**{field: value})
    assert found is code
    assert message.startswith(f"'{field}")
    assert told in message
    assert len(message) < 400
    message.encode()


def test_all_that_is_missing_is_named_at_once() -> None:
    code, message = refused(name=None, contents=None)
    assert code is ErrorCode.MISSING
    assert [part.partition(" is")[0] for part in message.split("; ") if part[0] == "'"] == [
        "'name'",
        "'contents'",
    ]
    assert read(description=None).description == ""


def test_a_word_that_comes_twice_is_kept_once() -> None:
    assert read(contents=["b", "a", "b"]).words == ("b", "a")
    assert len(read(contents=words(MOST_WORDS) * 2).words) == MOST_WORDS


@pytest.mark.parametrize(
    "word",
    ["Doctor Kaelith", "O'Brien", "Jean-Luc Picard", "L’Été", "Привет мир", "नमस्ते", "a" * 64],
)
def test_words_of_other_languages_may_be_phrases(word: str) -> None:
    assert read(language="english", contents=[word]).words == (word,)
    if not word.startswith("a"):
        assert refused(contents=[word])[0] is ErrorCode.BAD_WORD


@pytest.mark.parametrize(
    "word", ["a" * 65, "я" * 33, "two  blanks", " a", "a ", "a-", "a_b", "5G", "a\tb", "a,b", "a/b"]
)
def test_yet_they_are_letters(word: str) -> None:
    code, message = refused(language="russian", contents=[word])
    assert code is ErrorCode.BAD_WORD
    assert "where 'language' is 'russian'" in message


@given(
    st.dictionaries(
        st.sampled_from([*GOOD, "other"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    )
)
def test_whatever_comes_is_read_or_refused_with_a_code(document: dict[str, Any]) -> None:
    told = ""
    try:
        told = VocabularyContent.read(document, ["english"]).name
    except ProtocolError as error:
        told = error.message
    assert told.encode()


@pytest.mark.parametrize(
    ("query", "found"),
    [({}, (10, 0)), ({"limit": "2", "offset": "1"}, (2, 2)), ({"limit": "1000"}, (1000, 0))],
)
def test_offset_counts_pages(query: dict[str, str], found: tuple[int, int]) -> None:
    read = VocabularyQuery.read(query, {"name": "team"})
    assert (read.limit, read.skipped, read.name) == (*found, "team")


@pytest.mark.parametrize(
    ("query", "document", "field"),
    [
        *(({"limit": text}, {}, "limit") for text in ("0", "1001", "-1", "x", "", "１", "9" * 30)),
        *(({"offset": text}, {}, "offset") for text in ("-1", "1000001", "1.5", " 1")),
        *(({}, {"name": name}, "name") for name in ("", "a b", 7, ["a"], "'--")),
    ],
    ids=str,
)
def test_a_query_that_is_none_is_refused(
    query: dict[str, str], document: dict[str, Any], field: str
) -> None:
    with pytest.raises(ProtocolError, match=f"^'{field}' is invalid") as raised:
        VocabularyQuery.read(query, document)
    assert raised.value.code is ErrorCode.INVALID
