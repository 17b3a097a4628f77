"""What the clients of a load say, and when: scripts, corpora, plans."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.recordings import SpeechSpan, SpokenWord
from bench.wire_clients import SherpaClient
from bench.workload import (
    CHUNK_MS,
    CHUNK_SAMPLES,
    SPEECH_SHARE,
    ContinuousCorpus,
    CorpusChoice,
    Load,
    Script,
    SentenceCorpus,
    Talk,
    plan,
    read_corpus,
)
from vad import WebRtcClassifier, frame_levels


def words(*times_ms: tuple[int, int]) -> tuple[SpokenWord, ...]:
    return tuple(SpokenWord(f"w{start}", start, end) for start, end in times_ms)


SCRIPT = Script(
    tuple(range(10)),
    (SpeechSpan(100, 400, words((100, 250), (250, 400))), SpeechSpan(600, 900, words((600, 900)))),
)


def test_a_part_of_a_script_counts_its_times_anew() -> None:
    part = SCRIPT.part(5, 5)
    assert part.chunks == (5, 6, 7, 8, 9)
    assert part.speech == (SpeechSpan(100, 400, (SpokenWord("w600", 100, 400),)),)


def test_a_word_that_is_cut_is_none_but_its_sound_is_speech() -> None:
    part = SCRIPT.part(2, 6)
    assert part.speech == (
        SpeechSpan(0, 200, (SpokenWord("w250", 50, 200),)),
        SpeechSpan(400, 600, ()),
    )


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_parts_say_all_of_the_speech_and_nothing_twice(lengths: list[int]) -> None:
    place, spoken_ms = 0, 0
    chunks: list[int] = []
    for length in lengths:
        part = SCRIPT.part(place, length)
        chunks += part.chunks
        spoken_ms += sum(one.end_ms - one.start_ms for one in part.speech)
        place += length
    assert tuple(chunks) == SCRIPT.chunks[:place]
    end_ms = min(place, 10) * CHUNK_MS
    assert spoken_ms == sum(max(0, min(one.end_ms, end_ms) - one.start_ms) for one in SCRIPT.speech)


def test_speech_without_words_is_where_the_corpus_speaks() -> None:
    continuous = ContinuousCorpus.read()
    script = continuous.script(Talk.CONVERSATION, 3, 600)
    assert list(script.chunks) == continuous.talk(Talk.CONVERSATION, 3, 600)
    covered = {
        place
        for one in script.speech
        for place in range(one.start_ms // CHUNK_MS, one.end_ms // CHUNK_MS)
    }
    assert covered == {
        place for place, number in enumerate(script.chunks) if number < continuous.speech_chunks
    }


@pytest.fixture(scope="module", params=["en", "zh"])
def corpus(request: pytest.FixtureRequest) -> SentenceCorpus:
    corpus = read_corpus(CorpusChoice(request.param))
    assert isinstance(corpus, SentenceCorpus)
    return corpus


def test_a_conversation_of_sentences_has_the_stated_share_of_speech(corpus: SentenceCorpus) -> None:
    shares = [corpus.script(Talk.CONVERSATION, seed, 3000).speech_share for seed in range(20)]
    assert np.mean(shares) == pytest.approx(SPEECH_SHARE, abs=0.03)


def test_sentences_of_a_conversation_are_ended_by_pauses(corpus: SentenceCorpus) -> None:
    script = corpus.script(Talk.CONVERSATION, 1, 3000)
    assert all(after.start_ms - before.end_ms >= 1200 for before, after in pairwise(script.speech))


def test_all_speech_is_one_stretch_with_every_word_in_it(corpus: SentenceCorpus) -> None:
    script = corpus.script(Talk.SPEECH, 1, 600)
    (spoken,) = script.speech
    assert spoken.end_ms - spoken.start_ms >= 0.99 * script.length_ms
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(spoken.words))


def test_clients_say_other_sentences_and_the_same_ones_each_time(corpus: SentenceCorpus) -> None:
    first, second = (corpus.script(Talk.CONVERSATION, seed, 300) for seed in (1, 2))
    assert first != second
    assert first == corpus.script(Talk.CONVERSATION, 1, 300)


def test_the_sound_of_a_word_is_where_the_script_says(corpus: SentenceCorpus) -> None:
    script = corpus.script(Talk.CONVERSATION, 5, 600)
    audio = np.concatenate([corpus.chunks[number] for number in script.chunks])
    assert len(audio) == 600 * CHUNK_SAMPLES
    for one in script.speech:
        start, end = one.start_ms * 16, one.end_ms * 16
        assert np.abs(audio[start:end]).max() > 1000
        # Half a second on, where it is silent.
        after = audio[end + 8000 : end + 16_000]
        assert not len(after) or np.abs(after).max() < 50


def test_recordings_of_a_folder_are_sentences_without_words(tmp_path: Path) -> None:
    import wave

    tone = (np.sin(np.arange(16_000) * 0.1) * 8000).astype("<i2")
    with wave.open(str(tmp_path / "one.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.concatenate([np.zeros(8000, "<i2"), tone]).tobytes())
    (tmp_path / "transcripts.tsv").write_text("file\tlanguage\ttext\none.wav\ten\thum\n")
    choice = CorpusChoice.of("english_16k_common", tmp_path)
    assert not choice.knows_words
    corpus = read_corpus(choice)
    (spoken,) = corpus.script(Talk.SPEECH, 1, 20).speech
    assert (spoken.start_ms, spoken.words) == (0, ())
    assert isinstance(corpus, SentenceCorpus)
    assert corpus.sentences[0].speech.end_ms == pytest.approx(1000, abs=20)


def test_a_language_without_recordings_is_refused_with_those_that_have_some() -> None:
    with pytest.raises(ValueError, match=r"german_16k_common.*english or chinese"):
        CorpusChoice.of("german_16k_common", None)


WIRE = SherpaClient("ws://127.0.0.1:1")


@pytest.fixture(scope="module")
def continuous() -> ContinuousCorpus:
    return ContinuousCorpus.read()


@pytest.mark.parametrize("seed", range(4))
def test_all_speech_is_called_speech_but_for_moments(
    continuous: ContinuousCorpus, seed: int
) -> None:
    classifier = WebRtcClassifier()
    longest = silent = 0
    for count, number in enumerate(
        continuous.talk(Talk.SPEECH, seed, continuous.speech_chunks + 50)
    ):
        chunk = continuous.chunks[number]
        for speech in classifier.judge(chunk, frame_levels(chunk, classifier.frame_samples)):
            silent = 0 if speech else silent + 1
            # A classifier that hears nothing but speech from the start needs time to know it as
            # such; that is within the warm-up of a load.
            if count >= 50:
                longest = max(longest, silent)
    # 500 ms, 25 frames, would end the utterance.
    assert longest <= 12


def test_conversation_has_the_stated_share_of_speech_and_pauses_that_end_sentences(
    continuous: ContinuousCorpus,
) -> None:
    said = continuous.talk(Talk.CONVERSATION, 1, 20_000)
    spoken = [number < continuous.speech_chunks for number in said]
    assert sum(spoken) / len(spoken) == pytest.approx(SPEECH_SHARE, abs=0.02)
    pauses = "".join("s" if one else " " for one in spoken).split("s")
    assert min(len(pause) for pause in pauses[1:-1] if pause) > 10


def test_at_the_start_of_a_conversation_as_many_speak_as_later(
    continuous: ContinuousCorpus,
) -> None:
    first = [
        continuous.talk(Talk.CONVERSATION, seed, 1)[0] < continuous.speech_chunks
        for seed in range(500)
    ]
    assert sum(first) / len(first) == pytest.approx(SPEECH_SHARE, abs=0.06)


def test_clients_say_different_things_and_the_same_ones_each_time(
    continuous: ContinuousCorpus,
) -> None:
    first, second = (continuous.talk(Talk.SPEECH, seed, 50) for seed in (1, 2))
    assert first != second
    assert first == continuous.talk(Talk.SPEECH, 1, 50)


def test_chunks_are_of_one_size(continuous: ContinuousCorpus) -> None:
    assert {len(chunk) for chunk in continuous.chunks} == {CHUNK_SAMPLES}


def test_a_client_in_turns_speaks_all_the_time_in_streams_of_the_stated_length(
    continuous: ContinuousCorpus,
) -> None:
    load = Load(WIRE, Talk.SPEECH, 8, warm_s=5.0, window_s=60.0, turn_s=(5.0, 15.0))
    streams = plan(load, continuous)
    assert streams == plan(load, continuous)
    for client in range(8):
        own = [one for one in streams if one.client == client]
        assert sum(len(one.script.chunks) for one in own) == 650
        assert all(50 <= len(one.script.chunks) <= 150 for one in own[1:-1])
        for before, after in pairwise(own):
            assert after.start_s == pytest.approx(before.start_s + len(before.script.chunks) / 10)


def test_a_client_without_turns_has_one_stream_that_begins_somewhere_in_the_warm_up(
    continuous: ContinuousCorpus,
) -> None:
    streams = plan(Load(WIRE, Talk.SPEECH, 8, warm_s=5.0, window_s=20.0), continuous)
    assert [one.client for one in streams] == list(range(8))
    assert {len(one.script.chunks) for one in streams} == {250}
    assert len({one.start_s for one in streams}) == 8
    assert all(0 <= one.start_s < 4 for one in streams)
