"""Scripts and their parts; the corpus that writes them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.corpus import Corpus, Source, sound_of
from bench.recordings import SpokenWord
from bench.script import CHUNK_MS, Script, Spoken
from bench.sound import CHUNK_SAMPLES, SPEECH_SHARE, Talk, pool


def words(*times_ms: tuple[int, int]) -> tuple[SpokenWord, ...]:
    return tuple(SpokenWord(f"w{start}", start, end) for start, end in times_ms)


SCRIPT = Script(
    tuple(range(10)),
    (Spoken(100, 400, words((100, 250), (250, 400))), Spoken(600, 900, words((600, 900)))),
)


def test_a_part_of_a_script_counts_its_times_anew() -> None:
    part = SCRIPT.part(5, 5)
    assert part.chunks == (5, 6, 7, 8, 9)
    assert part.spoken == (Spoken(100, 400, (SpokenWord("w600", 100, 400),)),)


def test_a_word_that_is_cut_is_none_but_its_sound_is_speech() -> None:
    part = SCRIPT.part(2, 6)
    assert part.spoken == (
        Spoken(0, 200, (SpokenWord("w250", 50, 200),)),
        Spoken(400, 600, ()),
    )


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_parts_say_all_of_the_speech_and_nothing_twice(lengths: list[int]) -> None:
    place, spoken_ms, chunks = 0, 0, []
    for length in lengths:
        part = SCRIPT.part(place, length)
        chunks += part.chunks
        spoken_ms += sum(one.end_ms - one.start_ms for one in part.spoken)
        place += length
    assert tuple(chunks) == SCRIPT.chunks[:place]
    end_ms = min(place, 10) * CHUNK_MS
    assert spoken_ms == sum(max(0, min(one.end_ms, end_ms) - one.start_ms) for one in SCRIPT.spoken)


def test_speech_without_words_is_where_the_pool_speaks() -> None:
    sound = pool()
    script = sound.script(Talk.CONVERSATION, 3, 600)
    assert list(script.chunks) == sound.talk(Talk.CONVERSATION, 3, 600)
    covered = {
        place
        for one in script.spoken
        for place in range(one.start_ms // CHUNK_MS, one.end_ms // CHUNK_MS)
    }
    assert covered == {place for place, number in enumerate(script.chunks) if number < sound.speech}


@pytest.fixture(scope="module", params=["en", "zh"])
def corpus(request: pytest.FixtureRequest) -> Corpus:
    sound = sound_of(Source(request.param))
    assert isinstance(sound, Corpus)
    return sound


def test_a_conversation_has_the_stated_share_of_speech(corpus: Corpus) -> None:
    shares = [corpus.script(Talk.CONVERSATION, seed, 3000).speech_share for seed in range(20)]
    assert np.mean(shares) == pytest.approx(SPEECH_SHARE, abs=0.03)


def test_sentences_of_a_conversation_are_ended_by_pauses(corpus: Corpus) -> None:
    script = corpus.script(Talk.CONVERSATION, 1, 3000)
    assert all(after.start_ms - before.end_ms >= 1200 for before, after in pairwise(script.spoken))


def test_all_speech_is_one_stretch_with_every_word_in_it(corpus: Corpus) -> None:
    script = corpus.script(Talk.SPEECH, 1, 600)
    (spoken,) = script.spoken
    assert spoken.end_ms - spoken.start_ms >= 0.99 * script.length_ms
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(spoken.words))


def test_clients_say_different_things_and_the_same_ones_each_time(corpus: Corpus) -> None:
    first, second = (corpus.script(Talk.CONVERSATION, seed, 300) for seed in (1, 2))
    assert first != second
    assert first == corpus.script(Talk.CONVERSATION, 1, 300)


def test_the_sound_of_a_word_is_where_the_script_says(corpus: Corpus) -> None:
    script = corpus.script(Talk.CONVERSATION, 5, 600)
    sound = np.concatenate([corpus.chunks[number] for number in script.chunks])
    assert len(sound) == 600 * CHUNK_SAMPLES
    for one in script.spoken:
        start, end = one.start_ms * 16, one.end_ms * 16
        assert np.abs(sound[start:end]).max() > 1000
        # Half a second on, where it is silent.
        after = sound[end + 8000 : end + 16_000]
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
    source = Source.of("english_16k_common", tmp_path)
    assert not source.knows_words
    sound = sound_of(source)
    (spoken,) = sound.script(Talk.SPEECH, 1, 20).spoken
    assert (spoken.start_ms, spoken.words) == (0, ())
    assert isinstance(sound, Corpus)
    assert sound.sentences[0].spoken.end_ms == pytest.approx(1000, abs=20)


def test_a_language_without_recordings_is_refused_with_those_that_have_some() -> None:
    with pytest.raises(ValueError, match=r"german_16k_common.*english or chinese"):
        Source.of("german_16k_common", None)
