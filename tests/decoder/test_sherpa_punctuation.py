"""Punctuation models load and write marks; what is wrong with a folder is said, with the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from decoder.errors import EngineUnavailable
from decoder.sherpa.punctuation import load_punctuation
from tests.decoder.models.punctuation import CASING, make_casing, make_transformer

pytest.importorskip("sherpa_onnx", reason="the package sherpa-onnx is not installed")

CHINESE = {"好": "，", "你": "_", "去": "_", "吗": "？", "hello": "，"}
ENGLISH = {"hello": (2, 1), "how": (0, 0), "are": (0, 0), "you": (0, 3), "ok": (1, 2)}


def test_a_transformer_writes_marks_into_chinese_and_english(tmp_path: Path) -> None:
    model = load_punctuation(make_transformer(tmp_path, CHINESE))
    assert model.punctuated("你好你去吗") == "你好，你去吗？"
    assert not model.case


def test_a_casing_model_writes_marks_and_capital_letters(tmp_path: Path) -> None:
    model = load_punctuation(make_casing(tmp_path, ENGLISH))
    assert model.punctuated("hello how are you ok zebra") == "Hello, how are you? OK. zebra"
    assert model.case


def test_the_quantised_file_of_two_is_taken(tmp_path: Path) -> None:
    make_transformer(tmp_path, CHINESE)
    (tmp_path / "model.onnx").rename(tmp_path / "model.int8.onnx")
    (tmp_path / "model.onnx").write_bytes(b"not read")
    assert load_punctuation(tmp_path).punctuated("你好") == "你好。"


def refusal(folder: Path) -> str:
    with pytest.raises(EngineUnavailable) as caught:
        load_punctuation(folder)
    return str(caught.value)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none").startswith(f"there is no model folder {tmp_path / 'none'};")
    assert refusal(tmp_path).startswith(f"{tmp_path} holds no .onnx file;")
    (tmp_path / "model.onnx").write_bytes(b"broken")
    assert "is no ONNX model or was cut off" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["tokens", "vocab_size", "punctuations", "unk_symbol"])
def test_a_transformer_that_lacks_metadata_is_refused(tmp_path: Path, name: str) -> None:
    said = refusal(make_transformer(tmp_path, CHINESE, without=name))
    assert f"lacks the metadata {name} of a CT-transformer" in said


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ({"vocab_size": 3}, "metadata 'vocab_size' is 3 and there are 8 tokens"),
        ({"vocab_size": "x"}, "metadata 'vocab_size' is 'x'; allowed: a whole number"),
        ({"punctuations": "a|b"}, "the metadata 'punctuations' lacks 。 ， ？ 、 _;"),
        ({"unk_symbol": "?"}, "the metadata 'unk_symbol' is '?', which is no token"),
        ({"punctuations": "_|，|。|？|、"}, "allowed: 3 dimensions, the last one 5"),
    ],
)
def test_a_transformer_whose_metadata_is_wrong_is_refused(
    tmp_path: Path, metadata: dict[str, object], sentence: str
) -> None:
    assert sentence in refusal(make_transformer(tmp_path, CHINESE, metadata=metadata))


def test_a_casing_model_that_lacks_metadata_or_has_other_is_refused(tmp_path: Path) -> None:
    assert "lacks the metadata CAP" in refusal(make_casing(tmp_path / "a", ENGLISH, without="CAP"))
    assert "metadata 'PERIOD' is 5; allowed: 2" in refusal(
        make_casing(tmp_path / "b", ENGLISH, metadata={"PERIOD": 5})
    )


def test_a_model_of_another_shape_is_refused(tmp_path: Path) -> None:
    folder = make_casing(tmp_path / "casing", ENGLISH)
    make_transformer(folder, CHINESE, metadata=CASING)
    assert "allowed: 3 inputs and 2 outputs of 2 dimensions" in refusal(folder)


def test_a_vocabulary_that_would_end_the_process_is_refused(tmp_path: Path) -> None:
    folder = make_casing(tmp_path, ENGLISH)
    (folder / "bpe.vocab").write_text("")
    assert refusal(folder) == f"{folder / 'bpe.vocab'} is empty; unpack the model again"
    (folder / "bpe.vocab").write_bytes(b"\xe2\x96\x81so\t-1\n\xff garbage\n")
    assert "bpe.vocab, line 2: it is no piece with its score; allowed: a piece, a tab" in refusal(
        folder
    )
