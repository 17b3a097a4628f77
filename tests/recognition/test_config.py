"""What a recognition does unless it is asked for something else."""

from __future__ import annotations

from dataclasses import asdict, fields

from rasr.audio import FORMATS
from rasr.recognition.config import EngineChoice, RecognitionConfig, Segmentation, TextOptions


def test_unless_asked_otherwise_it_gives_finals_of_sentences_and_warns() -> None:
    asked = RecognitionConfig(
        FORMATS["pcm16k16bit"], EngineChoice("engine"), TextOptions("english")
    )
    given = {"audio_format", "engine", "text"}
    assert {
        one.name: getattr(asked, one.name) for one in fields(asked) if one.name not in given
    } == {
        "segmentation": Segmentation(),
        "partials": False,
        "word_times": False,
        "hot_words": (),
        "max_audio_s": None,
        "limit_is_failure": False,
        "warnings": True,
        "slot_pause_s": None,
    }
    assert asdict(asked.segmentation) == {
        "head_ms": 0,
        "tail_ms": 500,
        "max_ms": 30_000,
        "single": False,
        "joined": False,
        "sentences": False,
    }
    assert asdict(asked.text) == {
        "language": "english",
        "digits": True,
        "punctuation": False,
        "detected": False,
    }


def test_an_engine_of_which_nothing_is_said_has_times_of_words_and_no_hot_words() -> None:
    engine = EngineChoice("live")
    assert (engine.hot_words, engine.word_times, engine.lookahead_samples) == (False, True, 0)
    assert (engine.of_finals, engine.names, str(engine)) == (engine, ("live",), "live")


def test_the_engine_of_the_second_pass_makes_the_finals() -> None:
    final = EngineChoice("final")
    engine = EngineChoice("live", final=final)
    assert engine.of_finals is final
    assert engine.names == ("live", "final")
    assert str(engine) == "live with finals by final"
