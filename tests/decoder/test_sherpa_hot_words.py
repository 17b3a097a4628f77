"""Hot words: how they are spelled for a model, and that they hold for their stream alone."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.recordings import load as recording
from decoder import DecodeFailed, EngineUnavailable, HotWord, Hypothesis
from decoder.sherpa import SherpaEngine, SherpaOptions
from decoder.sherpa.hot_words import HotWordPlan, plan_hot_words, spell
from decoder.sherpa.model import read_model
from decoder.sherpa.vocabulary import byte_letters, read_pieces, write_pieces
from tests.decoder.models.catalogue import WRITERS
from tests.decoder.models.transducer import write_lstm
from tests.decoder.models.vocabulary import HAN, MIXED

PIECES = {piece: -float(rank) for rank, piece in enumerate(MIXED) if piece not in ("<blk>", *HAN)}
BOTH = HotWordPlan("cjkchar+bpe", pieces=PIECES, tokens=frozenset(MIXED))


def spelled(plan: HotWordPlan, *texts: str) -> tuple[str, list[str]]:
    result = spell([HotWord(text, 2.0) for text in texts], plan, 1.5)
    return result.phrases, [word.text for word in result.refused]


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("北京", "北 京"),
        ("hello", "hello"),
        ("Hello World", "hello world"),
        ("北京 HELLO", "北 京 hello"),
        ("你好hello人", "你 好 hello 人"),
        ("hello-world", "hello world"),
        ("北京/上海", "北 京 上 海"),
        ("hello :3", None),
        ("龙", None),
        ("café", None),
        ("5G", None),
        ("/:#@", None),
    ],
)
def test_words_are_spelled_in_characters_and_pieces(text: str, phrase: str | None) -> None:
    phrases, refused = spelled(BOTH, text)
    assert phrases == (f"{phrase} :3.0000" if phrase else "")
    assert refused == ([] if phrase else [text])


def test_what_cannot_be_spelled_is_given_back_and_the_rest_holds() -> None:
    assert spelled(BOTH, "北京", "龙门", "hello") == ("北 京 :3.0000/hello :3.0000", ["龙门"])


def test_capitals_are_spelled_for_a_model_of_capitals() -> None:
    plan = HotWordPlan("bpe", pieces={"▁HE": -1.0, "LLO": -2.0}, tokens=frozenset(("▁HE", "LLO")))
    assert spelled(plan, "hello") == ("HELLO :3.0000", [])


def test_whole_tokens_are_put_together_in_as_few_as_can_be() -> None:
    plan = HotWordPlan("cjkchar", tokens=frozenset(("a", "b", "ab", "abc", "c", "你")))
    assert spelled(plan, "abab你") == ("ab ab 你 :3.0000", [])


def test_pieces_of_bytes_spell_what_their_bytes_make() -> None:
    letters = {byte: letter for letter, byte in byte_letters().items()}
    piece = "▁" + "".join(letters[byte] for byte in "你".encode())
    plan = HotWordPlan("bbpe", pieces={piece: -1.0}, tokens=frozenset((piece,)))
    assert spelled(plan, "你", "好") == ("你 :3.0000", ["好"])


@given(st.text(max_size=30))
def test_no_text_brings_signs_of_sherpa_onnx_into_a_phrase(text: str) -> None:
    phrases, refused = spelled(BOTH, text)
    if refused:
        assert phrases == ""
    else:
        assert (
            phrases.removesuffix(" :3.0000").translate(dict.fromkeys(map(ord, "/:#@")))
            + (" :3.0000")
            == phrases
        )


def sentencepiece_model(pieces: Mapping[str, float]) -> bytes:
    """As sentencepiece writes it: pieces, and a trainer's settings after them."""
    data = b""
    for piece, score in pieces.items():
        text = piece.encode()
        entry = b"\x0a" + bytes((len(text),)) + text + b"\x15" + struct.pack("<f", score)
        entry += b"\x18\x01"
        data += b"\x0a" + bytes((len(entry),)) + entry
    return data + b"\x12\x04\x18\xe8\x07\x20"


def test_a_sentencepiece_model_and_its_table_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "bpe.model").write_bytes(sentencepiece_model(PIECES))
    write_pieces(PIECES, tmp_path / "bpe.vocab")
    assert read_pieces(tmp_path / "bpe.model") == PIECES
    assert read_pieces(tmp_path / "bpe.vocab") == PIECES


@pytest.mark.parametrize("data", [b"", b"\x0a\x50cut", b"<html>", b"\xff\xff\xff"])
def test_a_broken_model_of_pieces_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bpe.model").write_bytes(data)
    with pytest.raises(EngineUnavailable, match=r"bpe\.model .*; pull the model again"):
        read_pieces(tmp_path / "bpe.model")


def plan_of(folder: Path) -> HotWordPlan:
    return plan_hot_words(*read_model(SherpaOptions(model=str(folder))))


def test_what_a_folder_needs_for_hot_words_is_said(tmp_path: Path) -> None:
    write_lstm(tmp_path)
    with pytest.raises(EngineUnavailable, match=r"has neither bpe\.vocab nor bpe\.model"):
        plan_of(tmp_path)
    (tmp_path / "bpe.model").write_bytes(sentencepiece_model(PIECES))
    assert plan_of(tmp_path).unit == "cjkchar+bpe"
    write_pieces({"▁of": -1.0, "▁another": -2.0}, tmp_path / "bpe.vocab")
    with pytest.raises(EngineUnavailable, match="are of two models"):
        plan_of(tmp_path)


@pytest.mark.parametrize("family", ["paraformer", "zipformer2-ctc", "nemo-transducer"])
def test_families_without_hot_words_say_so_at_the_start(tmp_path: Path, family: str) -> None:
    folder = WRITERS[family](tmp_path)
    with pytest.raises(EngineUnavailable, match="knows no hot words; set the option hot_words"):
        SherpaEngine(SherpaOptions(model=str(folder), hot_words=True))


@pytest.mark.parametrize("family", ["paraformer", "zipformer2-ctc", "nemo-transducer"])
def test_families_without_a_beam_search_say_so_at_the_start(tmp_path: Path, family: str) -> None:
    folder = WRITERS[family](tmp_path)
    with pytest.raises(EngineUnavailable, match="has no beam search; set the option search"):
        SherpaEngine(SherpaOptions(model=str(folder), search="beam"))


def test_an_unknown_search_is_told_with_those_there_are() -> None:
    with pytest.raises(EngineUnavailable, match="search is 'best'; allowed: greedy, beam"):
        SherpaEngine(SherpaOptions(model="any", search="best"))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> SherpaEngine:
    folder = write_lstm(tmp_path_factory.mktemp("hot"))
    (folder / "bpe.model").write_bytes(sentencepiece_model(PIECES))
    return SherpaEngine(SherpaOptions(model=str(folder), hot_words=True))


def decoded(engine: SherpaEngine, *hot_words: HotWord) -> Hypothesis:
    stream = engine.open(hot_words)
    stream.accept(recording("library").samples)
    stream.finish()
    engine.decode([stream])
    result = stream.hypothesis()
    stream.close()
    return result


@pytest.mark.parametrize("word", ["人人", "上"])
def test_a_word_that_is_second_best_is_heard_once_it_is_hot(
    engine: SherpaEngine, word: str
) -> None:
    assert engine.capabilities.hot_words
    plain, biased = decoded(engine), decoded(engine, HotWord(word, 3.0))
    assert biased.text.count(word) > plain.text.count(word)
    assert all(0 < heard.confidence <= 1 for heard in biased.words)


@pytest.mark.parametrize("text", ["running", "world", "dog", "hello 北京", "你好hello人", "cats"])
def test_sherpa_onnx_splits_what_is_spelled_without_complaint(
    engine: SherpaEngine, text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    stream = engine.open([HotWord(text)])
    assert stream.refused_hot_words == ()
    stream.close()
    assert capfd.readouterr().err == ""


def test_hot_words_hold_for_their_stream_alone_in_one_call(engine: SherpaEngine) -> None:
    plain, biased = decoded(engine), decoded(engine, HotWord("人", 3.0))
    assert plain.text != biased.text
    streams = [engine.open(hot) for hot in ([], [HotWord("人", 3.0)], [])]
    for stream in streams:
        stream.accept(recording("library").samples)
        stream.finish()
    engine.decode(streams)
    said = [stream.hypothesis().text for stream in streams]
    assert said == [plain.text, biased.text, plain.text]
    for stream in streams:
        stream.close()


def test_words_that_cannot_be_spelled_are_on_the_stream(engine: SherpaEngine) -> None:
    strange = HotWord("龙门")
    stream = engine.open([HotWord("北京"), strange])
    assert stream.refused_hot_words == (strange,)
    stream.close()


def test_with_no_word_that_can_be_spelled_the_fast_search_is_used(engine: SherpaEngine) -> None:
    assert decoded(engine, HotWord("龙门")) == decoded(engine)


def test_an_engine_without_hot_words_says_why(tmp_path: Path) -> None:
    engine = SherpaEngine(SherpaOptions(model=str(write_lstm(tmp_path))))
    assert not engine.capabilities.hot_words
    with pytest.raises(DecodeFailed, match="hot words are off; set the option hot_words"):
        engine.open([HotWord("北京")])


def test_a_stream_with_hot_words_says_nothing_in_silence(engine: SherpaEngine) -> None:
    stream = engine.open([HotWord("北京", 3.0)])
    stream.accept(np.zeros(16_000, np.int16))
    stream.finish()
    engine.decode([stream])
    assert stream.hypothesis() == Hypothesis()
    stream.close()
