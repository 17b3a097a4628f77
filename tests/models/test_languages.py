"""What is recommended for a language, and what takes its place where that cannot be fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from rasr.models.catalogue import Catalogue, Model, load
from rasr.models.languages import (
    SIS_LANGUAGES,
    Language,
    find_language,
    languages,
    meant_language,
    megabytes,
)
from tests.models.conftest import make_model


def packed(**facts: object) -> Model:
    """A model that comes from the package index."""
    return make_model(
        archive=None,
        packages=[{"name": "weights", "version": "1.0", "bytes": 100}],
        contents=[
            {
                "name": "tokens.txt",
                "bytes": 9,
                "sha256": "0" * 64,
                "pieces": [{"package": "weights", "path": "tokens.txt"}],
            }
        ],
        **facts,
    )


def test_every_language_of_the_catalogue_has_one_recommended_model() -> None:
    catalogue = load()
    known = {language for model in catalogue.models for language in model.languages}
    assert {one.name for one in languages(catalogue)} == known
    for one in languages(catalogue):
        assert one.name in one.model.languages
        assert one.model.download_bytes
        assert one.model.memory_mb


def test_the_languages_of_sis_come_first() -> None:
    names = [one.name for one in languages(load())]
    assert tuple(names[: len(SIS_LANGUAGES)]) == SIS_LANGUAGES
    assert names[len(SIS_LANGUAGES) :] == sorted(names[len(SIS_LANGUAGES) :])


def test_the_default_model_is_what_is_recommended_for_english() -> None:
    english = find_language(load(), "english")
    assert english is not None
    assert english.model == load().default_english


def test_a_model_of_the_package_index_takes_the_place_of_one_that_is_not_of_it() -> None:
    release = make_model(recommended=("chinese",))
    index = packed(name="packed", languages=("chinese",))
    chinese = find_language(Catalogue((release, index), ()), "chinese")
    assert chinese is not None
    assert (chinese.model, chinese.substitute) == (release, index)
    assert chinese.command == "rasr setup chinese"


def test_what_comes_from_the_package_index_needs_no_substitute() -> None:
    first = packed(name="first", languages=("chinese",), recommended=("chinese",))
    other = packed(name="other", languages=("chinese",))
    chinese = find_language(Catalogue((first, other), ()), "chinese")
    assert chinese is not None
    assert chinese.substitute is None


def test_the_page_of_models_has_the_recommended_one_of_every_language() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    of_models: dict[str, list[Language]] = {}
    for one in languages(load()):
        of_models.setdefault(one.model.name, []).append(one)
    rows = [
        f"| {', '.join(one.name for one in known)} | `{name}` | "
        f"{megabytes(known[0].model.download_bytes)} MB | {known[0].model.memory_mb} MB |"
        for name, known in of_models.items()
    ]
    assert [row for row in rows if row not in page] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Chinese", "chinese"),
        ("mandarin", "chinese"),
        ("zh-CN", "chinese"),
        ("yue", "cantonese"),
        ("de", "german"),
        ("english_8k_common", "english"),
        (" shanghai ", "shanghai"),
    ],
)
def test_a_language_is_known_by_what_people_call_it(text: str, name: str) -> None:
    found = meant_language(load(), text)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("name", ["klingon", "Chinese", ""])
def test_a_language_that_nobody_knows_is_none(name: str) -> None:
    assert find_language(load(), name) is None
