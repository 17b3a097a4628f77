"""`rasr vocabularies`: lists of words in files, and what becomes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from rasr.cli.accounts.word_lists import ListFault, ListFormat, read_list, write_list
from tests.cli.conftest import Rasr


@pytest.fixture
def words(done: Rasr) -> Any:
    """`rasr vocabularies … --project north`, which must succeed."""
    done("projects", "create", "north")

    def run(*arguments: object, input: bytes | None = None) -> Result:
        return done("vocabularies", *arguments, "--project", "north", input=input)

    return run


@pytest.fixture
def refused(refused: Any, words: Any) -> Any:
    """The one sentence of a command of vocabularies that must fail."""

    def run(*arguments: object, input: bytes | None = None) -> Any:
        return refused("vocabularies", *arguments, input=input)

    return run


def told(result: Result) -> Any:
    return json.loads(result.stdout)


def test_a_list_is_imported_shown_exported_changed_and_deleted(words: Any, tmp_path: Path) -> None:
    file = tmp_path / "team.txt"
    file.write_bytes("\ufeff张三\r\n\r\n  Kaelith \n张三\n".encode())
    made = told(words("import", file, "--description", "who is who", "--json"))
    assert (made["name"], made["language"], made["words"]) == ("team", "chinese_mandarin", 2)
    assert words("export", "team").stdout == "张三\nKaelith\n"
    heading, row = words("list").stdout.splitlines()
    assert heading.split() == ["NAME", "VOCABULARY", "ID", "LANGUAGE", "WORDS", "DESCRIPTION"]
    assert row.split()[:4] == ["team", made["vocabulary_id"], "chinese_mandarin", "2"]
    whole = told(words("show", made["vocabulary_id"], "--json"))
    del made["words"]
    assert whole == {**made, "contents": ["张三", "Kaelith"]}
    again = told(words("import", file, "--language", "english", "--json"))
    assert again == {**made, "language": "english", "words": 2}
    # What is not said stays as it was.
    again = told(words("import", "-", "--name", "team", "--json", input=b"Doctor Kaelith"))
    assert again == {**made, "language": "english", "words": 1}
    assert "team is deleted" in words("delete", "team").stdout
    assert told(words("list", "--json")) == []


@pytest.mark.parametrize("name", ["team.txt", "team.CSV", "team.json"])
def test_what_is_exported_can_be_imported(words: Any, tmp_path: Path, name: str) -> None:
    phrases = "Doctor Kaelith\nO'Brien\n"
    words("import", "-", "--name", "team", "--language", "english", input=phrases.encode())
    file = tmp_path / name
    words("export", "team", file)
    more = () if name.endswith("json") else ("--language", "english")
    made = told(words("import", file, "--name", "copy", *more, "--json"))
    assert (made["name"], made["language"], made["words"]) == ("copy", "english", 2)
    assert words("export", "copy").stdout == phrases


def test_what_is_wrong_is_one_sentence(refused: Any, words: Any, tmp_path: Path) -> None:
    team = tmp_path / "team.txt"
    team.write_bytes(b"Kaelith\n")
    at = ("--project", "north")
    words("import", team)
    assert "--name is needed" in refused("import", "-", *at, input=b"a")
    assert "'contents[1]' is invalid: it is '5G'" in refused(
        "import", "-", "--name", "x", *at, input=b"a\n5G"
    )
    assert "'name' is invalid: it is 'my team'" in refused("import", team, "--name", "my team", *at)
    assert "'language' is invalid" in refused("import", team, "--language", "klingon", *at)
    assert "it has 0 words" in refused("import", "-", "--name", "x", *at, input=b"\n")
    assert "is no list of words: it is not UTF-8" in refused(
        "import", "-", "--name", "x", *at, input=b"\xff\xfe"
    )
    for content in (b"{", b"7", b"[" * 9000):
        assert "is no list of words" in refused(
            "import", "-", "--name", "x", "--format", "json", *at, input=content
        )
    assert "'name' is invalid: it is 7" in refused(
        "import", "-", "--format", "json", *at, input=b'{"name":7,"contents":["a"]}'
    )
    assert refused("show", "other", *at) == "Error: the project has no vocabulary 'other'"
    assert "no project 'south'" in refused("list", "--project", "south")
    assert "cannot be written" in refused("export", "team", tmp_path / "no" / "team.txt", *at)
    for number in range(9):
        words("import", team, "--name", f"n{number}")
    assert "the project has 10 vocabularies" in refused("import", team, "--name", "n10", *at)


def test_the_audit_says_which_was_changed_and_no_word(rasr: Rasr, words: Any) -> None:
    words("import", "-", "--name", "team", input=b"Kaelith")
    words("import", "-", "--name", "team", input=b"Thornvik")
    words("delete", "team")
    lines = told(rasr("store", "audit", "--json"))
    assert [one["action"] for one in lines][:3] == [
        f"sis:vocabulary:{what}" for what in ("delete", "update", "create")
    ]
    assert "Kaelith" not in json.dumps(lines)


@pytest.mark.parametrize(
    ("content", "format", "found"),
    [
        ("a\nb", ListFormat.TEXT, ["a", "b"]),
        ("Word\nDoctor Kaelith\n\n", ListFormat.CSV, ["Doctor Kaelith"]),
        ('"a";1\nb;2\n', ListFormat.CSV, ["a", "b"]),
        ("a,whose\nb,it is\n", ListFormat.CSV, ["a", "b"]),
        ('["a"]', ListFormat.JSON, ["a"]),
        ('{"contents":["a"],"other":1}', ListFormat.JSON, ["a"]),
        ("", ListFormat.CSV, []),
    ],
)
def test_lists_are_read(content: str, format: ListFormat, found: list[str]) -> None:
    assert read_list(content.encode(), format)["contents"] == found


def test_a_table_that_is_none_is_told() -> None:
    with pytest.raises(ListFault, match="no table"):
        read_list(b'"a\n', ListFormat.CSV)


WORD = st.from_regex(r"[a-z华为]{2,9}( [a-z]{2,9})?", fullmatch=True).filter(
    lambda it: it != "word"
)


@given(st.lists(WORD, max_size=5), st.sampled_from(ListFormat))
def test_a_list_that_was_written_is_read_as_it_was(words: list[str], format: ListFormat) -> None:
    written = write_list({"contents": words}, format)
    assert read_list(written.encode(), format) == {"contents": words}
