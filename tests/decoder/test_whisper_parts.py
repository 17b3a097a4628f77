"""Options, files, prompts and guards of the Whisper engine: what needs no model."""

from __future__ import annotations

import json
import struct
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from decoder import EngineUnavailable, HotWord
from decoder.languages import split_languages, unknown_languages
from decoder.registry import EngineSpec, load
from decoder.whisper.decoded import Decoded
from decoder.whisper.folder import check_folder, read_vocabulary
from decoder.whisper.guards import echoes, goes_in_circles, is_speech
from decoder.whisper.options import WhisperOptions
from decoder.whisper.prompt import make_prompt

OPTIONS = WhisperOptions(model="somewhere")
SPOKEN = Decoded((1, 2, 3), " He was not.", log_probability=-0.2, no_speech=0.05)


def write_folder(folder: Path, version: int = 6, name: bytes = b"WhisperSpec") -> None:
    """Files that look like a model, as far as they are looked at before they are loaded."""
    for file, content in (("config.json", {}), ("tokenizer.json", {}), ("vocabulary.json", ["a"])):
        (folder / file).write_text(json.dumps(content))
    head = struct.pack("<IH", version, len(name) + 1) + name + bytes(5)
    (folder / "model.bin").write_bytes(head)


def refusal(folder: Path) -> str:
    with pytest.raises(EngineUnavailable) as refused:
        check_folder(folder)
    return str(refused.value)


# Files


def test_a_whole_folder_passes(tmp_path: Path) -> None:
    write_folder(tmp_path)
    check_folder(tmp_path)
    assert read_vocabulary(tmp_path) == ["a"]


def test_a_vocabulary_may_be_lines_whatever_characters_they_hold(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.txt").write_text("a\n\u2028\n<|endoftext|>\n", "utf-8")
    assert read_vocabulary(tmp_path) == ["a", "\u2028", "<|endoftext|>"]


@pytest.mark.parametrize("name", ["config.json", "model.bin", "tokenizer.json", "vocabulary.json"])
def test_a_file_that_is_missing_is_told(tmp_path: Path, name: str) -> None:
    write_folder(tmp_path)
    (tmp_path / name).unlink()
    said = refusal(tmp_path)
    assert f"lacks {name}" in said
    assert "pull the model again" in said


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "there is no model folder" in refusal(tmp_path / "none")


def test_a_file_that_is_broken_off_is_told(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "config.json").write_text('{"lang')
    assert "config.json is no JSON" in refusal(tmp_path)
    write_folder(tmp_path)
    (tmp_path / "model.bin").write_bytes(b"\x06\x00")
    assert "model.bin has 2 bytes; pull the model again" in refusal(tmp_path)


def test_a_vocabulary_of_another_shape_is_told(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.json").write_text('{"a": 1}')
    with pytest.raises(EngineUnavailable, match="is no list of tokens"):
        read_vocabulary(tmp_path)


@pytest.mark.parametrize("version", [0, 7, 1819043176])
def test_weights_of_another_format_are_told(tmp_path: Path, version: int) -> None:
    write_folder(tmp_path, version)
    said = refusal(tmp_path)
    assert f"model.bin is of format {version}" in said
    assert "formats 2 to 6" in said


def test_weights_of_another_model_are_told(tmp_path: Path) -> None:
    write_folder(tmp_path, name=b"TransformerSpec")
    assert "is a 'TransformerSpec', not a 'WhisperSpec'" in refusal(tmp_path)


# Options


def test_options_out_of_range_are_told_in_one_sentence() -> None:
    wrong = WhisperOptions(
        precision="int4",
        beam=0,
        padding_s=31.0,
        threads=0,
        readings=-1,
        lowest_log_probability=0.1,
        no_speech=1.1,
        compression=1.0,
    )
    with pytest.raises(EngineUnavailable) as refused:
        wrong.check()
    assert str(refused.value) == (
        "model is empty; it names the folder of a model; precision is 'int4'; allowed: int8, fp32;"
        " beam is 0; allowed: 1 to 16; padding_s is 31.0; allowed: 0 to 30;"
        " threads is 0; allowed: 1 to 64; readings is -1; allowed: 0 to 64;"
        " lowest_log_probability is 0.1; allowed: 0 or less; no_speech is 1.1; allowed: 0 to 1;"
        " compression is 1.0; allowed: more than 1"
    )
    OPTIONS.check()


def test_languages_are_told_by_name() -> None:
    assert split_languages(" chinese,English,,chinese") == ("chinese", "english")
    assert unknown_languages(("english",), ("english",), "it") == ""
    said = unknown_languages(("sichuan", "english"), ("english", "chinese"), "it")
    assert said.startswith("it does not know sichuan; it knows chinese, english; map")


def test_an_engine_that_is_not_installed_says_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.startswith("decoder.whisper")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(
        EngineUnavailable, match=r"faster_whisper is not installed; .*pip install '.\[whisper"
    ):
        load(EngineSpec("whisper", {"model": str(tmp_path)}))


# The prompt


def letters(text: str) -> list[int]:
    """A token for each letter."""
    return [ord(letter) for letter in text]


def told(tokens: tuple[int, ...]) -> str:
    return "".join(map(chr, tokens))


def test_a_prompt_is_hot_words_and_then_the_context() -> None:
    prompt = make_prompt([HotWord("one"), HotWord("two")], "said before", letters, 100)
    assert told(prompt.tokens) == " one, two. said before"
    assert prompt.refused == ()
    assert make_prompt([], "", letters, 100).tokens == ()


def test_hot_words_that_find_no_room_are_refused_and_the_most_wanted_ones_find_it() -> None:
    words = [HotWord("first"), HotWord("much too long"), HotWord("best", boost=2.0), HotWord(" ")]
    prompt = make_prompt(words, "", letters, 14)
    assert told(prompt.tokens) == " best, first."
    assert [word.text for word in prompt.refused] == ["much too long", " "]


def test_a_context_loses_its_beginning_and_keeps_a_quarter_of_the_room() -> None:
    prompt = make_prompt([HotWord("abcdefgh")], "0123456789", letters, 16)
    assert told(prompt.tokens) == " abcdefgh.456789"[:10] + "456789"
    crowded = make_prompt([HotWord("abcdefghijkl")], "0123456789", letters, 16)
    assert told(crowded.tokens) == " 0123456789"
    assert len(crowded.refused) == 1


# Guards


def test_speech_is_believed_and_noise_is_not() -> None:
    assert is_speech(SPOKEN, OPTIONS)
    assert not is_speech(replace(SPOKEN, tokens=()), OPTIONS)
    assert not is_speech(replace(SPOKEN, log_probability=-1.01), OPTIONS)
    assert is_speech(replace(SPOKEN, log_probability=-0.99), OPTIONS)


def test_where_nobody_seems_to_speak_more_is_asked_for() -> None:
    doubtful = replace(SPOKEN, no_speech=0.6)
    assert is_speech(replace(doubtful, log_probability=-0.49), OPTIONS)
    assert not is_speech(replace(doubtful, log_probability=-0.51), OPTIONS)


def test_a_reading_that_only_repeats_its_prompt_is_found() -> None:
    told = "Dashwood He was not an ill-disposed young man."
    assert echoes(" he was, an ill-disposed man!", told)
    assert not echoes(" He is not.", told)
    assert echoes("模型，识别", "语音识别模型")
    assert not echoes("模型吗", "语音识别模型")
    assert not echoes(" ...", told)


def test_a_reading_that_goes_in_circles_is_found() -> None:
    assert goes_in_circles(" unless to be rather cold-hearted" * 6, OPTIONS)
    assert goes_in_circles(" I don't know what it is." * 3, OPTIONS)
    assert not goes_in_circles(" No, no, no, no.", OPTIONS)
    assert not goes_in_circles(SPOKEN.text, OPTIONS)
    assert not goes_in_circles("", OPTIONS)
    assert not is_speech(replace(SPOKEN, text="nice, " * 30), OPTIONS)
