"""The catalogue of the package is whole, and one that is not is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from rasr.models.catalogue import Model, load, parse
from rasr.models.store import open_store
from tests.models.archives import STEM
from tests.models.conftest import make_model

HEAD = 'release = "https://release.example/"\nmirrors = ["https://mirror.example/models"]\n'
MODEL = """
[[models]]
name = "a"
kind = "streaming"
languages = ["chinese"]
family = "zipformer transducer"
rate = 16000
licence = "unknown"
good_for = "tests"
files = ["tokens.txt"]
archive = "a.tar.bz2"
"""


def test_streaming_models_for_the_languages_of_sis_are_there() -> None:
    languages = {language for model in load().models for language in model.languages}
    assert languages == {"chinese", "english", "cantonese", "sichuan"}


def test_what_is_to_be_fetched_has_an_address_on_the_release_page() -> None:
    catalogue = load()
    for model in catalogue.models:
        if not model.bundled:
            first = catalogue.addresses(model)[0]
            assert first.startswith("https://github.com/k2-fsa/sherpa-onnx/releases/download/")
            assert first.endswith(f"/{model.archive}")


def test_of_each_archive_size_and_digest_are_known() -> None:
    models = [model for model in load().models if model.archive is not None]
    assert all(model.bytes and model.sha256 for model in models)
    assert len({model.sha256 for model in models}) == len(models)


def test_every_model_wants_tokens_and_at_least_one_network() -> None:
    for model in load().models:
        assert "tokens.txt" in model.files
        assert any(name.endswith(".onnx") for name in model.files)


def test_a_bundled_model_is_in_the_package_and_comes_last() -> None:
    bundled = [model for model in load().models if model.bundled]
    assert [model.bundled for model in load().models] == sorted(
        model.bundled for model in load().models
    )
    for model in bundled:
        assert not model.missing(open_store("", {}).path(model))


def test_a_model_is_found_by_its_name_and_by_that_of_its_release_file() -> None:
    catalogue = load()
    by_file = catalogue.find("sherpa-onnx-streaming-paraformer-bilingual-zh-en")
    assert by_file is not None
    assert by_file == catalogue.find("paraformer-zh-en")
    assert catalogue.find("tiny") is None


def test_the_release_page_comes_first_then_mirrors_and_before_both_ones_own() -> None:
    catalogue = parse(HEAD + MODEL)
    (model,) = catalogue.models
    assert catalogue.addresses(model) == (
        "https://release.example/a.tar.bz2",
        "https://mirror.example/models/a.tar.bz2",
    )
    assert catalogue.addresses(model, "http://own.example")[0] == "http://own.example/a.tar.bz2"


def test_there_is_room_for_offline_models() -> None:
    (model,) = parse(HEAD + MODEL.replace("streaming", "offline")).models
    assert model.kind == "offline"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"a"', '"A b"'),
        ('"a"', '"../a"'),
        ('"chinese"', '"Chinese"'),
        ('["chinese"]', "[]"),
        ('["tokens.txt"]', "[]"),
        ("16000", "44100"),
        ("streaming", "quick"),
        ('archive = "a.tar.bz2"', ""),
        ('archive = "a.tar.bz2"', 'archive = "a.tar.bz2"\nbundled = true'),
        ('archive = "a.tar.bz2"', 'archive = "a.tar.bz2"\nsha256 = "abc"'),
        ('archive = "a.tar.bz2"', 'archive = "a.tar.bz2"\nbytes = 0'),
        ("family", "famly"),
        ("rate = 16000", "rate = "),
        ("[[models]]", "[[models]]" + MODEL.split("[[models]]")[1] + "[[models]]"),
    ],
)
def test_a_catalogue_with_a_mistake_is_refused(old: str, new: str) -> None:
    assert parse(HEAD + MODEL)
    with pytest.raises(ValueError, match=r"."):
        parse(HEAD + MODEL.replace(old, new, 1))


def test_what_a_model_lacks_is_told_by_pattern(tmp_path: Path) -> None:
    model = make_model()
    assert model.stem == STEM
    for name in ("decoder.onnx", "joiner.int8.onnx"):
        (tmp_path / name).touch()
    # A folder is no file.
    (tmp_path / "tokens.txt").mkdir()
    assert model.missing(tmp_path) == ("encoder.int8.onnx", "tokens.txt")


SOURCES = {"X-ASR README": 1, "icefall RESULTS, multi_zh-hans": 2}


def table_row(model: Model) -> str:
    """The model's row in docs/models.md."""
    rates = ", ".join(
        f"{rate.test} {rate.percent} ({SOURCES[rate.source]})" for rate in model.error_rates
    )
    download = f"{model.bytes / 1e6:.0f} MB" if model.bytes else "–"
    cells = (
        f"`{model.name}`",
        ", ".join(model.languages),
        model.family,
        download,
        model.weights or "–",
        rates or "–",
        model.licence,
    )
    return f"| {' | '.join(cells)} |"


def test_the_page_of_models_has_every_model() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    assert [row for row in map(table_row, load().models) if row not in page] == []
