"""Files of voices are tried once, and again where a worker has died of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rasr.synthesis.engines.espeak_library import EspeakLibrary
from rasr.synthesis.engines.sherpa import SherpaVoiceEngine, engine
from rasr.synthesis.errors import VoiceUnavailable
from rasr.synthesis.host import Measure, Question, Say, Warm
from rasr.synthesis.manner import Manner
from rasr.synthesis.speech import Piece
from rasr.synthesis.trials import Trials
from rasr.synthesis.voice import EngineName, Voice
from tests.synthesis import sherpa_models as models
from tests.synthesis.conftest import VOICES

ONE = replace(VOICES[0], engine=EngineName.SHERPA, folder="/one")
OTHER = replace(ONE, folder="/other")


def tried(trials: Trials, voice: Voice) -> bool:
    """What a worker is told with each kind of question."""
    questions: list[Question] = [
        Say(Piece((), "english", voice, Manner())),
        Measure(voice),
        Warm(voice),
    ]
    told = set()
    for question in questions:
        match trials.asked(question):
            case Say(piece):
                told.add(piece.voice.tried)
            case Measure(asked) | Warm(asked):
                told.add(asked.tried)
    (one,) = told
    return one


def test_what_was_loaded_once_is_not_tried_again() -> None:
    trials = Trials()
    assert not tried(trials, ONE)
    trials.note(Measure(ONE), fine=True)
    assert tried(trials, ONE)
    assert tried(trials, replace(ONE, name="another of them"))
    assert not tried(trials, OTHER)


def test_what_a_worker_died_of_is_tried_again() -> None:
    trials = Trials()
    known = replace(ONE, tried=True)
    assert tried(trials, known)
    trials.note(Say(Piece((), "english", known, Manner())), fine=False)
    assert not tried(trials, known)
    trials.note(Warm(known), fine=True)
    assert tried(trials, known)


@pytest.mark.engine
def test_a_worker_tries_what_nobody_has_tried(
    tmp_path: Path, library: EspeakLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []

    def look(folder: Path, languages: object) -> None:
        looked.append(folder)
        raise VoiceUnavailable("tried")

    monkeypatch.setattr(engine, "try_voices", look)
    folder = models.write_kitten(tmp_path)
    voice = replace(ONE, folder=str(folder), languages=("english",))
    with pytest.raises(VoiceUnavailable, match="tried"):
        SherpaVoiceEngine(voice, library, lambda _: [])
    SherpaVoiceEngine(replace(voice, tried=True), library, lambda _: [])
    assert looked == [folder]
    (folder / "model.fp16.onnx").write_bytes(b"cut off since")
    with pytest.raises(VoiceUnavailable, match="is no ONNX model or was cut off"):
        SherpaVoiceEngine(replace(voice, tried=True), library, lambda _: [])
