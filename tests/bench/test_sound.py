"""What the clients of a load say, and when."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bench.sound import CHUNK_SAMPLES, SPEECH_SHARE, Pool, Talk, pool
from bench.talkers import Load, plan
from bench.wires import SherpaWire
from vad import WebRtcClassifier, frame_levels

WIRE = SherpaWire("ws://127.0.0.1:1")


@pytest.fixture(scope="module")
def sound() -> Pool:
    return pool()


@pytest.mark.parametrize("seed", range(4))
def test_all_speech_is_called_speech_but_for_moments(sound: Pool, seed: int) -> None:
    classifier = WebRtcClassifier()
    longest = silent = 0
    for count, number in enumerate(sound.talk(Talk.SPEECH, seed, sound.speech + 50)):
        chunk = sound.chunks[number]
        for speech in classifier.judge(chunk, frame_levels(chunk, classifier.frame_samples)):
            silent = 0 if speech else silent + 1
            # A classifier that hears nothing but speech from the start needs time to know it as
            # such; that is within the warm-up of a load.
            if count >= 50:
                longest = max(longest, silent)
    # 500 ms, 25 frames, would end the utterance.
    assert longest <= 12


def test_conversation_has_the_stated_share_of_speech_and_pauses_that_end_sentences(
    sound: Pool,
) -> None:
    said = sound.talk(Talk.CONVERSATION, 1, 20_000)
    spoken = [number < sound.speech for number in said]
    assert sum(spoken) / len(spoken) == pytest.approx(SPEECH_SHARE, abs=0.02)
    pauses = "".join("s" if one else " " for one in spoken).split("s")
    assert min(len(pause) for pause in pauses[1:-1] if pause) > 10


def test_at_the_start_of_a_conversation_as_many_speak_as_later(sound: Pool) -> None:
    first = [sound.talk(Talk.CONVERSATION, seed, 1)[0] < sound.speech for seed in range(500)]
    assert sum(first) / len(first) == pytest.approx(SPEECH_SHARE, abs=0.06)


def test_clients_say_different_things_and_the_same_ones_each_time(sound: Pool) -> None:
    first, second = (sound.talk(Talk.SPEECH, seed, 50) for seed in (1, 2))
    assert first != second
    assert first == sound.talk(Talk.SPEECH, 1, 50)


def test_chunks_are_of_one_size(sound: Pool) -> None:
    assert {len(chunk) for chunk in sound.chunks} == {CHUNK_SAMPLES}


def test_a_client_in_turns_speaks_all_the_time_in_streams_of_the_stated_length(
    sound: Pool,
) -> None:
    load = Load(WIRE, Talk.SPEECH, 8, warm_s=5.0, window_s=60.0, turn_s=(5.0, 15.0))
    streams = plan(load, sound)
    assert streams == plan(load, sound)
    for client in range(8):
        own = [one for one in streams if one.client == client]
        assert sum(len(one.chunks) for one in own) == 650
        assert all(50 <= len(one.chunks) <= 150 for one in own[1:-1])
        for before, after in pairwise(own):
            assert after.start_s == pytest.approx(before.start_s + len(before.chunks) / 10)


def test_a_client_without_turns_has_one_stream_that_begins_somewhere_in_the_warm_up(
    sound: Pool,
) -> None:
    streams = plan(Load(WIRE, Talk.SPEECH, 8, warm_s=5.0, window_s=20.0), sound)
    assert [one.client for one in streams] == list(range(8))
    assert {len(one.chunks) for one in streams} == {250}
    assert len({one.start_s for one in streams}) == 8
    assert all(0 <= one.start_s < 4 for one in streams)
