"""What an offline model is, is read from its folder; one that is no good is refused."""

from __future__ import annotations

import base64
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sherpa_onnx import OfflineRecognizer

from decoder import EngineUnavailable
from decoder.engine import Writing
from decoder.registry import EngineSpec, load
from decoder.sherpa.offline.engine import SherpaOfflineEngine
from decoder.sherpa.offline.families import TRAITS, Detection, Family, HotWords
from decoder.sherpa.offline.model import OfflineModel, read_offline_model
from decoder.sherpa.offline.options import SherpaOfflineOptions
from decoder.sherpa.offline.recogniser import factory_arguments, fits_prompt, instruct
from decoder.sherpa.offline.writing import writing_of
from decoder.sherpa.vocabulary import Style, Vocabulary, read_vocabulary
from tests.decoder.models.catalogue import WRITERS
from tests.decoder.models.ctc import write_wenet_ctc
from tests.decoder.models.offline import (
    OFFLINE_WRITERS,
    write_graph,
    write_offline_nemo_ctc,
    write_offline_paraformer,
    write_offline_transducer,
    write_sense_voice,
)
from tests.decoder.models.vocabulary import MIXED, write_tokens
from tests.decoder.test_sherpa_folders import with_metadata

_WHISPER = dict.fromkeys(TRAITS[Family.WHISPER].needed, 1) | {
    "model_type": "whisper-base",
    "all_language_codes": "en,zh,jw,yue",
    "all_language_tokens": "1,2,3,4",
}
_FIRE_RED = dict.fromkeys(TRAITS[Family.FIRE_RED].needed, 1) | {"model_type": "fire-red-asr"}
_CANARY = {
    "model_type": "EncDecMultiTaskModel",
    "vocab_size": 5,
    "subsampling_factor": 8,
    "feat_dim": 128,
}


def options(folder: Path, **given: Any) -> SherpaOfflineOptions:
    return SherpaOfflineOptions(model=str(folder), **given)


def model_of(folder: Path, **given: Any) -> OfflineModel:
    return read_offline_model(options(folder, **given))[0]


def refusal(folder: Path, **given: Any) -> str:
    with pytest.raises(EngineUnavailable) as refused:
        read_offline_model(options(folder, **given))
    return str(refused.value)


def base64_tokens(folder: Path, name: str = "tokens.txt") -> None:
    symbols = (b" And", b" so", b",", "你".encode()[:2], b"<|endoftext|>")
    lines = (
        f"{base64.b64encode(symbol).decode()} {number}\n" for number, symbol in enumerate(symbols)
    )
    (folder / name).write_text("".join(lines), "utf-8")


def write_whisper(folder: Path, *, name: str = "base", outputs: int = 3, **changed: object) -> Path:
    write_graph(folder / f"{name}-encoder.int8.onnx", _WHISPER | changed)
    write_graph(folder / f"{name}-decoder.int8.onnx", {}, outputs=outputs)
    base64_tokens(folder, f"{name}-tokens.txt")
    return folder


def write_moonshine(folder: Path) -> Path:
    for part in ("preprocess", "encode.int8", "uncached_decode.int8", "cached_decode.int8"):
        write_graph(folder / f"{part}.onnx", {})
    base64_tokens(folder)
    return folder


def write_moonshine_v2(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("encoder_model", "decoder_model_merged"):
        (folder / f"{part}.ort").write_bytes(b"ORTM")
    base64_tokens(folder)
    return folder


def write_encoder_decoder(folder: Path, metadata: Mapping[str, object]) -> Path:
    write_graph(folder / "encoder.int8.onnx", metadata)
    write_graph(folder / "decoder.onnx", {})
    write_tokens(folder, ("▁so", ",", ".", "<|en|>", "<|de|>"))
    return folder


def write_parts_with_tokenizer(folder: Path, *parts: str) -> Path:
    for part in parts:
        write_graph(folder / f"{part}.onnx", {})
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer" / "vocab.json").write_text("{}")
    (folder / "test_wavs").mkdir()
    return folder


def write_any(family: Family, folder: Path) -> OfflineModel:
    """A folder of any family, read."""
    match family:
        case Family.WHISPER:
            return model_of(write_whisper(folder, outputs=4), language="chinese")
        case Family.MOONSHINE:
            return model_of(write_moonshine(folder))
        case Family.MOONSHINE_V2:
            return model_of(write_moonshine_v2(folder))
        case Family.CANARY:
            return model_of(write_encoder_decoder(folder, _CANARY), language="german")
        case Family.COHERE:
            metadata = {"model_type": "cohere-transcribe-03-2026"}
            return model_of(write_encoder_decoder(folder, metadata), language="french")
        case Family.FIRE_RED:
            return model_of(write_encoder_decoder(folder, _FIRE_RED))
        case Family.QWEN3_ASR:
            parts = ("conv_frontend", "encoder.int8", "decoder.int8")
            return model_of(write_parts_with_tokenizer(folder, *parts), language="korean")
        case Family.FUNASR_NANO:
            parts = ("encoder_adaptor.int8", "llm.int8", "embedding.int8")
            return model_of(write_parts_with_tokenizer(folder, *parts), language="chinese")
        case _:
            return model_of(OFFLINE_WRITERS[family](folder))


@pytest.mark.parametrize("family", list(Family))
def test_a_family_is_told_by_its_files_and_loaded_with_arguments_that_there_are(
    tmp_path: Path, family: Family
) -> None:
    model = write_any(family, tmp_path)
    assert model.family is family
    factory = getattr(OfflineRecognizer, model.traits.factory)
    arguments = factory_arguments(model, threads=3)
    bound = inspect.signature(factory).bind(**arguments)
    assert bound.arguments["num_threads"] == 3
    paths = [value for value in arguments.values() if isinstance(value, str) and "/" in value]
    assert len(paths) == len(model.files.graphs) + 1
    assert all(Path(path).exists() for path in paths)


def test_every_factory_of_the_package_has_a_family() -> None:
    factories = {name for name in dir(OfflineRecognizer) if name.startswith("from_")}
    assert {traits.factory for traits in TRAITS.values()} == factories
    assert set(TRAITS) == set(Family)


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (Family.WHISPER, {"language": "zh", "enable_token_timestamps": True}),
        (Family.CANARY, {"src_lang": "de", "tgt_lang": "de"}),
        (Family.COHERE, {"language": "fr", "use_punct": True, "use_itn": True}),
        (Family.FUNASR_NANO, {"language": "中文", "itn": True}),
        (Family.SENSE_VOICE, {"language": "", "use_itn": True, "feature_dim": 80}),
        (Family.NEMO_TRANSDUCER, {"model_type": "nemo_transducer", "feature_dim": 80}),
    ],
)
def test_a_model_is_loaded_as_it_has_to_be(
    tmp_path: Path, family: Family, expected: dict[str, object]
) -> None:
    arguments = factory_arguments(write_any(family, tmp_path), threads=1)
    assert {name: arguments[name] for name in expected} == expected


def test_what_a_model_is_told_for_one_utterance(tmp_path: Path) -> None:
    class Stream:
        def __init__(self) -> None:
            self.options: dict[str, str] = {}

        def set_option(self, key: str, value: str) -> None:
            self.options[key] = value

    stream: Any = Stream()
    instruct(stream, write_any(Family.QWEN3_ASR, tmp_path / "q"), ("Thornvik", "华为"))
    assert stream.options == {"hotwords": "Thornvik,华为", "language": "Korean"}
    other: Any = Stream()
    instruct(other, write_any(Family.FUNASR_NANO, tmp_path / "f"), ())
    assert other.options == {}
    assert not fits_prompt("Knightley, George")


def test_whisper_of_english_alone_finds_out_nothing(tmp_path: Path) -> None:
    english = model_of(write_whisper(tmp_path, name="base.en", is_multilingual=0))
    assert (english.languages, english.detects_language) == (("english",), False)
    many = model_of(write_whisper(tmp_path / "many"))
    assert (many.languages, many.detects_language, many.word_times) == ((), True, False)
    assert many.writing == Writing(punctuation=True, case=True, digits=True)
    told = model_of(tmp_path / "many", language="cantonese")
    assert (told.languages, told.detects_language, told.told) == (("cantonese",), False, "yue")


def test_one_of_several_whispers_is_chosen(tmp_path: Path) -> None:
    write_whisper(tmp_path, name="tiny")
    write_whisper(tmp_path, name="base")
    assert "base-encoder.int8.onnx, tiny-encoder.int8.onnx" in refusal(tmp_path)
    chosen = model_of(tmp_path, variant="tiny")
    assert chosen.files.table.name == "tiny-tokens.txt"


@pytest.mark.parametrize(
    ("family", "sentence"),
    [
        (Family.CANARY, "set the option language to one of: english, german"),
        (Family.COHERE, "set the option language to one of: arabic, chinese, dutch, english"),
    ],
)
def test_a_model_that_has_to_be_told_the_language_is(
    tmp_path: Path, family: Family, sentence: str
) -> None:
    assert TRAITS[family].detection is Detection.NEVER
    write_any(family, tmp_path)
    assert sentence in refusal(tmp_path)


def test_a_language_that_a_model_does_not_know_is_told(tmp_path: Path) -> None:
    write_sense_voice(tmp_path)
    assert (
        "does not know the language 'french'; set the option language to one of: cantonese, "
        "chinese, english, japanese, korean"
    ) in refusal(tmp_path, language="french")
    write_offline_nemo_ctc(tmp_path / "ctc")
    assert "cannot be told the language, but the option language is 'english'; leave it out" in (
        refusal(tmp_path / "ctc", language="english")
    )


@pytest.mark.parametrize(
    ("write", "part"),
    [
        (write_moonshine, "cached_decode.int8.onnx"),
        (write_moonshine_v2, "encoder_model.ort"),
        (write_whisper, "base-decoder.int8.onnx"),
        (write_offline_transducer, "decoder-epoch-1.onnx"),
    ],
)
def test_a_part_that_is_missing_is_told(tmp_path: Path, write: Any, part: str) -> None:
    write(tmp_path)
    (tmp_path / part).unlink()
    said = refusal(tmp_path)
    assert f"{tmp_path} lacks its " in said
    assert "pull the model again (a part was not downloaded?)" in said


def test_a_missing_table_or_tokenizer_is_told(tmp_path: Path) -> None:
    write_offline_paraformer(tmp_path / "p")
    (tmp_path / "p" / "tokens.txt").unlink()
    assert "lacks tokens.txt; pull the model again" in refusal(tmp_path / "p")
    write_parts_with_tokenizer(tmp_path / "q", "conv_frontend", "encoder", "decoder")
    (tmp_path / "q" / "tokenizer" / "vocab.json").unlink()
    assert "lacks folder with tokenizer.json or vocab.json" in refusal(tmp_path / "q")


def test_two_candidates_are_told_with_the_cure(tmp_path: Path) -> None:
    write_offline_nemo_ctc(tmp_path)
    (tmp_path / "other.onnx").write_bytes((tmp_path / "model.onnx").read_bytes())
    assert "2 files that could be its model (fp32): model.onnx, other.onnx; set the option " in (
        refusal(tmp_path)
    )
    assert model_of(tmp_path, variant="other").files.graphs["model"].name == "other.onnx"


def test_the_streaming_model_beside_the_offline_one_is_left_alone(tmp_path: Path) -> None:
    OFFLINE_WRITERS["WeNet CTC"](tmp_path)
    (streaming,) = write_wenet_ctc(tmp_path / "streaming").glob("*.onnx")
    streaming.rename(tmp_path / "model-streaming.onnx")
    assert model_of(tmp_path).files.graphs["model"].name == "model.onnx"


@pytest.mark.parametrize("name", list(WRITERS))
def test_a_streaming_model_is_told_apart(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path)
    said = refusal(tmp_path)
    assert "is of a streaming model; set the engine's kind to sherpa-onnx" in said


@pytest.mark.parametrize("name", ["transducer", "NeMo CTC", "SenseVoice", "paraformer"])
def test_the_streaming_engine_names_the_kind_for_an_offline_model(
    tmp_path: Path, name: str
) -> None:
    OFFLINE_WRITERS[name](tmp_path)
    with pytest.raises(EngineUnavailable, match="kind to sherpa-onnx-offline"):
        load(EngineSpec("sherpa-onnx", {"model": str(tmp_path)}))


@pytest.mark.parametrize(
    ("name", "file", "entry"),
    [
        ("NeMo CTC", "model", "vocab_size"),
        ("SenseVoice", "model", "lang_yue"),
        ("SenseVoice", "model", "neg_mean"),
        ("paraformer", "model", "lfr_window_shift"),
        ("FireRed CTC", "model", "cmvn_inv_stddev"),
        ("NeMo transducer", "encoder", "pred_hidden"),
        ("transducer", "decoder-epoch-1", "context_size"),
    ],
)
def test_metadata_of_another_version_are_told(
    tmp_path: Path, name: str, file: str, entry: str
) -> None:
    OFFLINE_WRITERS[name](tmp_path)
    with_metadata(tmp_path / f"{file}.onnx", **{entry: ""})
    said = refusal(tmp_path)
    assert f"{file}.onnx lacks the metadata {entry} of a {name}" in said


def test_a_model_of_no_known_family_is_told(tmp_path: Path) -> None:
    write_offline_nemo_ctc(tmp_path)
    with_metadata(tmp_path / "model.onnx", model_type="later_ctc")
    assert "is no offline model that is known here (its model_type: later_ctc)" in refusal(tmp_path)
    write_encoder_decoder(tmp_path / "two", {"model_type": "later"})
    assert "allowed: NeMo Canary, Cohere Transcribe, FireRed, Whisper" in refusal(tmp_path / "two")


@pytest.mark.parametrize("name", ["NeMo CTC", "transducer", "SenseVoice", "zipformer CTC"])
def test_tokens_of_another_model_are_told(tmp_path: Path, name: str) -> None:
    folder = OFFLINE_WRITERS[name](tmp_path)
    with (folder / "tokens.txt").open("a", encoding="utf-8") as table:
        table.write("extra 5000\n")
    assert "they are of two models: pull the model again" in refusal(folder)


def test_tokens_without_a_blank_are_told(tmp_path: Path) -> None:
    OFFLINE_WRITERS["zipformer CTC"](tmp_path)
    write_tokens(tmp_path, ("a", *MIXED[1:]))
    assert "has no blank, which is <blank>, <blk>, <eps>" in refusal(tmp_path)


def test_a_table_that_is_not_in_base64_is_told(tmp_path: Path) -> None:
    write_moonshine(tmp_path)
    write_tokens(tmp_path, ("▁so", "well"))
    assert "has '▁so', which is no base64; pull the model again" in refusal(tmp_path)


def test_options_that_do_not_fit_the_model_are_told(tmp_path: Path) -> None:
    write_offline_paraformer(tmp_path)
    for given, sentence in (
        ({"search": "beam"}, "has no beam search; set the option search to greedy"),
        ({"hot_words": True}, "knows no hot words; set the option hot_words to false"),
    ):
        with pytest.raises(EngineUnavailable, match=sentence):
            SherpaOfflineEngine(options(tmp_path, **given))
    with pytest.raises(EngineUnavailable) as refused:
        SherpaOfflineEngine(options(tmp_path, threads=0, precision="fp64"))
    assert str(refused.value) == (
        "precision is 'fp64'; allowed: auto, int8, fp32; threads is 0; allowed: 1 to 64"
    )


def test_a_model_that_ends_the_process_ends_a_child(tmp_path: Path) -> None:
    # sherpa-onnx knows "per_feature" alone.
    with_metadata(write_offline_nemo_ctc(tmp_path) / "model.onnx", normalize_type="per_day")
    with pytest.raises(EngineUnavailable) as refused:
        SherpaOfflineEngine(options(tmp_path))
    said = str(refused.value)
    assert "a preflight process ended with" in said
    assert f"while it tried to read with the model in {tmp_path}; pull the model again" in said
    assert "per_day" in said


def test_a_file_that_is_no_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable) as refused:
        SherpaOfflineEngine(options(write_moonshine_v2(tmp_path)))
    assert f"does not load the Moonshine v2 model in {tmp_path}" in str(refused.value)


def test_families_that_are_told_hot_words_take_them_without_a_search() -> None:
    told = {family for family, one in TRAITS.items() if one.hot_words is HotWords.PROMPT}
    assert told == {Family.QWEN3_ASR, Family.FUNASR_NANO}


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        (("▁so", ",", "."), (True, False, False)),
        (("你", "，", "。"), (True, False, False)),
        (("你", "，", "."), (False, False, False)),
        (tuple("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"), (False, True, False)),
        (tuple("abcdefghijklmnopqrstuvwxyzABC"), (False, False, False)),
        (tuple("0123456789"), (False, False, True)),
        (tuple("012345678"), (False, False, False)),
    ],
)
def test_what_a_model_writes_follows_from_its_symbols(
    symbols: tuple[str, ...], expected: tuple[bool, bool, bool]
) -> None:
    vocabulary = Vocabulary(dict(enumerate(symbols)), Style.MARKED, lower=False)
    written = writing_of(vocabulary)
    assert (written.punctuation, written.case, written.digits) == expected


def test_the_symbols_of_letters_are_known_where_words_have_times(tmp_path: Path) -> None:
    _, symbols = read_offline_model(options(write_whisper(tmp_path, outputs=4)))
    assert symbols is not None
    assert symbols.symbols[0] == " And"
    assert 3 not in symbols.symbols, "a part of a letter"
    assert len(read_vocabulary(tmp_path / "base-tokens.txt").symbols) == 5
