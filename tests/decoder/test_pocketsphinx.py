"""Hot words of the default engine: names it does not know are found, and nothing else changes."""

from __future__ import annotations

import pytest

from bench.recordings import human_recordings, load, load_unknown_name, names
from decoder import HotWord, Hypothesis
from decoder.engine import Samples
from decoder.pocketsphinx import wrapper
from decoder.pocketsphinx.engine import PocketSphinxEngine
from decoder.pocketsphinx.options import PocketSphinxOptions
from decoder.pocketsphinx.wrapper import SphinxDecoder
from tests.longer import mostly_long

pytestmark = pytest.mark.engine

NAME = HotWord("Thornvik")
NOT_SAID = tuple(
    HotWord(text)
    for text in (
        *("Kaelith", "Zorbana", "Brindlemere", "Kubernetes", "Huawei", "nginx", "Oxford", "Ming"),
        *("harbor", "meeting", "quarterly", "invoice", "Clint", "Tuesday", "injury", "cumin"),
    )
)


@pytest.fixture(scope="module")
def engine() -> PocketSphinxEngine:
    return PocketSphinxEngine(PocketSphinxOptions(decoders=1))


def heard(
    engine: PocketSphinxEngine, samples: Samples, hot_words: tuple[HotWord, ...] = ()
) -> Hypothesis:
    stream = engine.open(hot_words)
    try:
        stream.accept(samples)
        stream.finish()
        engine.decode([stream])
        return stream.hypothesis()
    finally:
        stream.close()


def test_a_name_in_no_dictionary_is_heard_if_it_is_a_hot_word(engine: PocketSphinxEngine) -> None:
    recording = load_unknown_name()
    assert "thornvik" not in heard(engine, recording.samples).text.lower()
    hypothesis = heard(engine, recording.samples, (NAME,))
    assert hypothesis.text == "the new server is called Thornvik"
    said, word = recording.words[-1], hypothesis.words[-1]
    assert abs(word.start_sample / 16 - said.start_ms) < 100
    assert abs(word.end_sample / 16 - said.end_ms) < 100
    assert 0 < word.confidence <= 1


def test_hot_words_of_one_utterance_are_forgotten_in_the_next(engine: PocketSphinxEngine) -> None:
    samples = load_unknown_name().samples
    before = heard(engine, samples)
    heard(engine, samples, (NAME,))
    assert heard(engine, samples) == before
    heard(engine, samples, (HotWord("Oslo"),))
    assert "Thornvik" not in heard(engine, samples, (HotWord("Oslo"),)).text


def test_the_words_of_a_phrase_have_times_of_their_own(engine: PocketSphinxEngine) -> None:
    recording = load_unknown_name()
    hypothesis = heard(engine, recording.samples, (HotWord("is called Thornvik"),))
    assert hypothesis.text == "the new server is called Thornvik"
    for word, said in zip(hypothesis.words, recording.words, strict=True):
        assert abs(word.start_sample / 16 - said.start_ms) < 150


@pytest.mark.parametrize("name", mostly_long(names(), "bed", "library"))
def test_hot_words_that_are_not_said_change_nothing(engine: PocketSphinxEngine, name: str) -> None:
    recording = load(name)
    assert heard(engine, recording.samples, NOT_SAID).text == heard(engine, recording.samples).text


@pytest.mark.long
def test_hot_words_that_are_not_said_change_nothing_for_people(engine: PocketSphinxEngine) -> None:
    recordings = [one for one in human_recordings() if one.language == "en"]
    if not recordings:
        pytest.skip("RASR_SPEECH_DIR is not set")
    for one in recordings:
        assert heard(engine, one.samples, NOT_SAID).text == heard(engine, one.samples).text


@pytest.mark.parametrize("text", ["你好", "room 101", "", "naïve", "C++"])
def test_what_nobody_can_say_is_given_back(engine: PocketSphinxEngine, text: str) -> None:
    stream = engine.open((NAME, HotWord(text)))
    assert stream.refused_hot_words == (HotWord(text),)
    stream.close()
    stream = engine.open((HotWord(text),))
    assert stream.refused_hot_words == (HotWord(text),)
    stream.close()


@pytest.mark.long
def test_entries_of_hot_words_do_not_pile_up_in_the_dictionary(
    engine: PocketSphinxEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrapper, "MOST_ALIASES", 4)
    samples = load_unknown_name().samples
    before = heard(engine, samples)
    decoder = SphinxDecoder(PocketSphinxOptions())
    entries: list[str] = []
    for number in range(6):
        words = tuple(HotWord(f"{name}{'oa'[number % 2]}rn") for name in ("Kael", "Zorb", "Brind"))
        decoder.tune((*words, HotWord("Thornvik"), HotWord("bed" + "ao"[number % 2] * number)))
        entries += decoder.phrases
        there = [name for name in set(entries) if decoder.decoder.lookup_word(name) is not None]
        assert set(decoder.phrases) <= set(there)
        assert len(there) < wrapper.MOST_ALIASES + len(decoder.phrases)
    assert len(set(entries)) > 2 * wrapper.MOST_ALIASES
    for _ in range(2):
        heard(engine, samples, (HotWord("Kaelith"), HotWord("Zorbana"), HotWord("Brindlemere")))
        assert heard(engine, samples, (NAME,)).text == "the new server is called Thornvik"
        heard(engine, samples, (HotWord("Kubernetes"), HotWord("nginx"), HotWord("Huawei")))
        assert heard(engine, samples) == before


@pytest.mark.parametrize("bestpath", [True, False])
def test_words_have_posteriors_once_the_lattice_was_searched_and_none_else(bestpath: bool) -> None:
    engine = PocketSphinxEngine(PocketSphinxOptions(decoders=1, bestpath=bestpath))
    stream = engine.open()
    stream.accept(load("bed").samples)
    assert stream.hypothesis().words == ()
    engine.decode([stream])
    partial = stream.hypothesis()
    assert partial.words
    assert {word.confidence for word in partial.words} == {0.0}
    assert partial.confidence == 0.0
    stream.finish()
    engine.decode([stream])
    final = stream.hypothesis()
    confidences = [word.confidence for word in final.words]
    if bestpath:
        assert all(0 < confidence <= 1 for confidence in confidences)
        assert len(set(confidences)) > 2
        assert 0 < final.confidence < 1
    else:
        assert set(confidences) == {0.0}
        assert final.confidence == 0.0


def test_a_decoder_that_has_the_words_already_is_preferred() -> None:
    engine = PocketSphinxEngine(PocketSphinxOptions(decoders=2))
    first = engine.open((NAME,))
    first.close()
    again = engine.open((NAME,))
    other = engine.open((HotWord("Oslo"),))
    samples = load_unknown_name().samples
    for stream in (again, other):
        stream.accept(samples)
        stream.finish()
    engine.decode([again, other])
    assert again.hypothesis().text.endswith("Thornvik")
    assert not other.hypothesis().text.endswith("Thornvik")
