"""A folder that is no good is refused at load, with a sentence that names file and cure."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import helper

from decoder import EngineUnavailable
from decoder.registry import EngineSpec, load
from decoder.sherpa import SherpaEngine, SherpaOptions
from decoder.sherpa.folder import find_files
from decoder.sherpa.model import read_model
from decoder.sherpa.vocabulary import read_vocabulary
from tests.decoder.models.catalogue import WRITERS
from tests.decoder.models.ctc import write_nemo_ctc, write_wenet_ctc
from tests.decoder.models.paraformer import write_paraformer
from tests.decoder.models.transducer import write_lstm, write_zipformer2
from tests.decoder.models.vocabulary import MIXED, write_tokens


def refusal(folder: Path, **options: object) -> str:
    with pytest.raises(EngineUnavailable) as refused:
        read_model(SherpaOptions(model=str(folder), **options))  # type: ignore[arg-type]
    return str(refused.value)


def edit(path: Path, change: Callable[[onnx.ModelProto], None]) -> None:
    model = onnx.load(str(path))
    change(model)
    onnx.save(model, str(path))


def with_metadata(path: Path, **entries: object) -> None:
    def change(model: onnx.ModelProto) -> None:
        kept = {entry.key: entry.value for entry in model.metadata_props}
        kept |= {key: str(value) for key, value in entries.items()}
        del model.metadata_props[:]
        helper.set_model_props(model, {key: value for key, value in kept.items() if value})

    edit(path, change)


@pytest.mark.parametrize("missing", ["encoder", "decoder", "joiner"])
def test_a_transducer_that_lacks_a_part_is_told(tmp_path: Path, missing: str) -> None:
    write_lstm(tmp_path)
    (tmp_path / f"{missing}.onnx").unlink()
    said = refusal(tmp_path)
    assert f"{missing}…onnx" in said
    assert "pull the model again" in said


def test_a_folder_without_tokens_is_told(tmp_path: Path) -> None:
    write_lstm(tmp_path)
    (tmp_path / "tokens.txt").unlink()
    assert "lacks tokens.txt; pull the model again" in refusal(tmp_path)


def test_a_folder_that_is_not_there_or_empty_is_told(tmp_path: Path) -> None:
    assert "there is no model folder" in refusal(tmp_path / "none")
    (tmp_path / "tokens.txt").write_text("<blk> 0\n")
    assert "holds no .onnx files" in refusal(tmp_path)


@pytest.mark.parametrize("part", ["encoder", "joiner"])
@pytest.mark.parametrize("damage", ["cut", "page"])
def test_a_corrupt_onnx_file_is_told(tmp_path: Path, part: str, damage: str) -> None:
    path = write_lstm(tmp_path) / f"{part}.onnx"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"<html>Not found</html>")
    said = refusal(tmp_path)
    assert f"{part}.onnx is no ONNX model or was cut off" in said


@pytest.mark.parametrize("tokens", [MIXED[:-1], (*MIXED, "more")])
def test_tokens_of_another_model_are_told_with_both_numbers(
    tmp_path: Path, tokens: tuple[str, ...]
) -> None:
    write_lstm(tmp_path)
    write_tokens(tmp_path, tokens)
    said = refusal(tmp_path)
    assert f"tokens.txt has {len(tokens)} tokens, the model has {len(MIXED)}" in said


def test_marks_of_a_lexicon_after_the_tokens_are_allowed(tmp_path: Path) -> None:
    write_lstm(tmp_path)
    write_tokens(tmp_path, (*MIXED, "#0", "#1"))
    read_model(SherpaOptions(model=str(tmp_path)))


@pytest.mark.parametrize("name", ["decoder", "joiner", "encoder"])
def test_files_of_two_models_are_told(tmp_path: Path, name: str) -> None:
    write_lstm(tmp_path / "one")
    write_lstm(tmp_path / "two", tokens=MIXED[:-3])
    shutil.copy(tmp_path / "two" / f"{name}.onnx", tmp_path / "one")
    said = refusal(tmp_path / "one")
    assert f"{name}.onnx" in said
    assert "of two models" in said


@pytest.mark.parametrize("rate", [22050, 44100])
def test_a_rate_that_no_audio_has_here_is_told(tmp_path: Path, rate: int) -> None:
    write_lstm(tmp_path, metadata={"sample_rate": rate})
    assert f"encoder.onnx is for audio of {rate} Hz; allowed: 8000 or 16000" in refusal(tmp_path)


def test_metadata_that_is_missing_is_named(tmp_path: Path) -> None:
    path = write_lstm(tmp_path) / "encoder.onnx"
    with_metadata(path, decode_chunk_len="", d_model="")
    assert "lacks the metadata decode_chunk_len, d_model of a lstm transducer" in refusal(tmp_path)


def test_metadata_that_is_no_number_is_named(tmp_path: Path) -> None:
    with_metadata(write_lstm(tmp_path) / "encoder.onnx", T="many")
    assert "metadata 'T' is 'many'; allowed: a whole number" in refusal(tmp_path)


def test_metadata_that_do_not_fit_the_graph_are_told(tmp_path: Path) -> None:
    with_metadata(write_lstm(tmp_path) / "encoder.onnx", T=60)
    assert "takes 41 frames at a time, its metadata 'T' says 60" in refusal(tmp_path)


def test_a_model_for_whole_recordings_is_told_from_a_streaming_one(tmp_path: Path) -> None:
    with_metadata(write_lstm(tmp_path) / "encoder.onnx", model_type="zipformer-offline")
    said = refusal(tmp_path)
    assert "'model_type' is 'zipformer-offline'; allowed for a streaming transducer" in said
    one_file = write_nemo_ctc(tmp_path / "one")
    with_metadata(one_file / "model.onnx", chunk_shift="")
    assert "is no streaming model that is known here" in refusal(one_file)


def test_a_paraformer_whose_mean_does_not_fit_is_told(tmp_path: Path) -> None:
    with_metadata(write_paraformer(tmp_path) / "encoder.onnx", neg_mean="0,0,0")
    assert "neg_mean and inv_stddev do not fit 7 frames" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("<blk> 0\na b c\n", "line 2 is 'a b c'"),
        ("<blk> 0\na 0\n", "gives the number 0 twice"),
        ("<blk> zero\n", "line 1 is '<blk> zero'"),
    ],
)
def test_a_table_of_tokens_that_is_none_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "tokens.txt"
    path.write_text(text)
    with pytest.raises(EngineUnavailable, match=sentence):
        read_vocabulary(path)


def test_int8_is_taken_where_it_is_and_fp32_if_it_is_asked_for(tmp_path: Path) -> None:
    write_lstm(tmp_path)
    write_lstm(tmp_path, suffix="-epoch-99.int8")
    (tmp_path / "decoder-epoch-99.int8.onnx").unlink()
    files = find_files(SherpaOptions(model=str(tmp_path)))
    assert [path.name for path in files.graphs] == [
        "encoder-epoch-99.int8.onnx",
        "decoder.onnx",
        "joiner-epoch-99.int8.onnx",
    ]
    files = find_files(SherpaOptions(model=str(tmp_path), precision="fp32"))
    assert [path.name for path in files.graphs] == ["encoder.onnx", "decoder.onnx", "joiner.onnx"]


def test_a_precision_that_is_not_there_is_refused_if_it_was_asked_for(tmp_path: Path) -> None:
    write_lstm(tmp_path)
    said = refusal(tmp_path, precision="int8")
    assert "holds no encoder in int8, only encoder.onnx; set the option precision" in said


def test_several_models_in_a_folder_are_told_apart_by_the_variant(tmp_path: Path) -> None:
    write_lstm(tmp_path, suffix="-chunk-16")
    write_lstm(tmp_path, suffix="-chunk-32", chunk=64)
    assert "set the option variant" in refusal(tmp_path)
    model, _ = read_model(SherpaOptions(model=str(tmp_path), variant="chunk-32"))
    assert model.files.encoder == tmp_path / "encoder-chunk-32.onnx"


def test_of_wenets_two_models_the_streaming_one_is_taken(tmp_path: Path) -> None:
    write_wenet_ctc(tmp_path)
    shutil.copy(tmp_path / "model-streaming.onnx", tmp_path / "model.onnx")
    model, _ = read_model(SherpaOptions(model=str(tmp_path)))
    assert model.files.model == tmp_path / "model-streaming.onnx"
    assert (model.chunk_size, model.left_chunks) == (8, 2)


def test_languages_are_those_asked_for_or_of_the_metadata_and_else_unknown(tmp_path: Path) -> None:
    write_lstm(tmp_path / "silent")
    write_lstm(tmp_path / "told")
    with_metadata(tmp_path / "told" / "encoder.onnx", languages="cantonese, chinese")

    def languages(folder: str, asked: str = "") -> tuple[str, ...]:
        options = SherpaOptions(model=str(tmp_path / folder), languages=asked)
        return read_model(options)[0].languages

    assert languages("silent") == ()
    assert languages("told") == ("cantonese", "chinese")
    assert languages("told", "sichuan, english") == ("sichuan", "english")


@pytest.mark.parametrize("family", list(WRITERS))
def test_each_family_is_told_from_its_folder(tmp_path: Path, family: str) -> None:
    model, _ = read_model(SherpaOptions(model=str(WRITERS[family](tmp_path))))
    said = model.name.lower().replace(" ", "-")
    assert said in (family, f"{family}-transducer")
    assert model.sample_rate == (8000 if family == "t-one-ctc" else 16000)


def test_an_exit_of_sherpa_onnx_ends_the_preflight_and_not_this_process(tmp_path: Path) -> None:
    write_nemo_ctc(tmp_path)
    write_tokens(tmp_path, (*MIXED[1:], "<nothing>"))
    with pytest.raises(EngineUnavailable) as refused:
        SherpaEngine(SherpaOptions(model=str(tmp_path)))
    said = str(refused.value)
    assert "a preflight process ended with 255 while it loaded the model" in said
    assert "tokens.txt contains" in said, "what sherpa-onnx said is part of the sentence"
    assert len(said) < 700


def test_a_graph_that_does_not_run_is_found_by_the_preflight(tmp_path: Path) -> None:
    def narrow(model: onnx.ModelProto) -> None:
        # The input says nothing of its width any more, so that only running it tells.
        model.graph.input[0].type.tensor_type.shape.dim[2].ClearField("dim_value")
        model.graph.input[1].type.tensor_type.shape.dim[2].dim_value = 3

    edit(write_zipformer2(tmp_path) / "encoder.onnx", narrow)
    with pytest.raises(EngineUnavailable, match=r"preflight process ended|does not"):
        SherpaEngine(SherpaOptions(model=str(tmp_path)))


def test_a_preflight_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    write_lstm(tmp_path)
    with pytest.raises(EngineUnavailable, match=r"within 0\.001 s; .*raise the option preflight_s"):
        SherpaEngine(SherpaOptions(model=str(tmp_path), preflight_s=0.001))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "model is empty"),
        ({"precision": "int4"}, "precision is 'int4'; allowed: auto, int8, fp32"),
        ({"streams": 0}, "streams is 0; allowed: 1 or more"),
        ({"preflight_s": 0.0}, "preflight_s is 0.0; allowed: more than 0"),
    ],
)
def test_options_out_of_range_are_told(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(EngineUnavailable) as refused:
        load(EngineSpec("sherpa-onnx", options))  # type: ignore[arg-type]
    assert sentence in str(refused.value)
