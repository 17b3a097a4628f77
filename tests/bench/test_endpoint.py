"""The scoring of the verb `endpoint`, and the noises and scenes that it plays."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from bench.endpoint import endpoint, settings
from bench.endpoint_scoring import Score, Utterance, detect, score
from bench.noisy_speech import (
    SPEECH_LEVEL,
    Half,
    NoiseKind,
    Span,
    as_samples,
    make_noise,
    repeated,
    rms,
    scenes,
    voices,
)
from rasr.audio import SAMPLE_RATE
from vad import EndpointRules, WebRtcClassifier


def span(start_s: float, end_s: float) -> Span:
    return Span(round(start_s * SAMPLE_RATE), round(end_s * SAMPLE_RATE))


def found(onset_s: float, end_s: float, margin_s: float = 0.3) -> Utterance:
    audio = span(onset_s - margin_s, end_s + margin_s)
    return Utterance(span(onset_s, end_s).start, audio, span(onset_s, end_s).end)


SENTENCES = (span(1, 2), span(4, 6))
WORDS = (span(1, 1.5), span(1.5, 2), span(4, 5), span(5, 6))


def test_what_is_found_as_it_was_spoken_has_no_fault() -> None:
    scored = score([found(1, 2), found(4.1, 6.1)], SENTENCES, WORDS, 500)
    assert (scored.missed, scored.false_starts, scored.splits, scored.cut) == (0, 0, 0, 0)
    assert scored.end_errors_ms == pytest.approx([0, 100])
    assert scored.near == 1.0


def test_a_sentence_that_nothing_touches_is_missed_with_all_its_words() -> None:
    scored = score([found(4, 6)], SENTENCES, WORDS, 500)
    assert (scored.missed, scored.cut, scored.sentences, scored.words) == (1, 2, 2, 4)


def test_an_utterance_that_touches_no_sentence_is_a_false_start() -> None:
    assert score([found(1, 2), found(2.6, 3.2), found(4, 6)], SENTENCES, (), 500).false_starts == 1


def test_an_endpoint_inside_a_sentence_is_a_split_and_may_cut_a_word() -> None:
    parts = [found(1, 2), found(4, 4.5, 0.1), found(5.2, 6, 0.1)]
    scored = score(parts, SENTENCES, WORDS, 500)
    assert (scored.splits, scored.cut) == (1, 2)
    assert scored.end_errors_ms == pytest.approx([0, 0])


def test_an_utterance_that_never_ends_is_late_for_all_sentences_but_the_last() -> None:
    scored = score([found(1, 6)], SENTENCES, WORDS, 500)
    assert scored.end_errors_ms == pytest.approx([4000, 0])
    assert scored.near == 0.5


def test_an_end_before_a_pause_that_may_or_may_not_end_it_is_not_counted() -> None:
    near = (span(1, 2), span(2.6, 4))
    assert score([found(1, 4)], near, (), 500).end_errors_ms == pytest.approx([0])


def test_scores_add_up() -> None:
    scored = score([found(1, 2)], SENTENCES, WORDS, 500) + score([], SENTENCES, WORDS, 500)
    assert (scored.sentences, scored.missed, scored.words, scored.cut) == (4, 3, 8, 6)
    assert Score().near == 0.0


@pytest.mark.parametrize("kind", NoiseKind)
def test_a_noise_has_level_one_and_is_its_seed_s_alone(kind: NoiseKind) -> None:
    said = voices(Half.TUNE)
    noise = make_noise(kind, SAMPLE_RATE, 1, said)
    assert rms(noise) == pytest.approx(1.0)
    assert np.array_equal(noise, make_noise(kind, SAMPLE_RATE, 1, said))
    assert not np.array_equal(noise, make_noise(kind, SAMPLE_RATE, 2, said))


def test_babble_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="voices is empty"):
        make_noise(NoiseKind.BABBLE, SAMPLE_RATE, 1)


def test_recorded_noise_is_repeated_to_the_length_asked_for() -> None:
    noise = repeated(np.array([3, -3, 3], np.int16), 7)
    assert noise == pytest.approx([1, -1, 1, 1, -1, 1, 1])


def test_the_halves_have_no_recording_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RASR_SPEECH_DIR", raising=False)
    said = [{one.tobytes() for one in voices(half)} for half in Half]
    assert said[0].isdisjoint(said[1])
    assert [scene.name for scene in scenes(Half.TUNE)] == ["English", "Mandarin"]


@pytest.mark.parametrize("half", Half)
def test_the_speech_of_a_scene_is_where_it_says_and_at_its_level(half: Half) -> None:
    for scene in scenes(half):
        spoken = np.concatenate([scene.samples[one.start : one.end] for one in scene.sentences])
        assert rms(spoken) == pytest.approx(SPEECH_LEVEL, rel=0.15)
        for before, after in zip(scene.sentences, scene.sentences[1:], strict=False):
            pause = scene.samples[before.end : after.start]
            assert rms(pause) < SPEECH_LEVEL / 10
        for word in scene.words:
            assert any(one.start <= word.start < word.end <= one.end for one in scene.sentences)


def test_noise_is_mixed_in_at_the_ratio_asked_for() -> None:
    scene = scenes(Half.TUNE)[0]
    noise = make_noise(NoiseKind.WHITE, len(scene.samples), 1)
    added = scene.in_noise(noise, 10).astype(np.float64) - scene.samples
    assert 20 * np.log10(SPEECH_LEVEL / rms(added)) == pytest.approx(10, abs=0.1)
    assert scene.in_noise(None, 10) is scene.samples


def test_a_stream_is_heard_to_its_last_whole_chunk() -> None:
    noise = as_samples(500 * make_noise(NoiseKind.WHITE, 2 * SAMPLE_RATE + 100, 1))
    heard = detect(WebRtcClassifier(), noise, EndpointRules())
    assert heard.audio_s == 2.0
    assert heard.cpu_s > 0


def test_every_combination_of_settings_that_was_asked_for_is_tried() -> None:
    named = [one.name for one in settings(["gated", "webrtc"], [1, 3], [10], [])]
    assert named == ["gated 1, 10 ms", "gated 3, 10 ms", "webrtc 1, 10 ms", "webrtc 3, 10 ms"]
    assert [one.name for one in settings([], [], [], [])] == [
        "gated 2, 20 ms",
        "webrtc 1, 20 ms",
        "webrtc 2, 20 ms",
        "webrtc 3, 20 ms",
        "silero 0.5",
    ]


def test_a_setting_that_does_not_exist_is_refused_with_what_is_allowed() -> None:
    told = CliRunner().invoke(endpoint, ["--kind", "gated", "--aggressiveness", "7"]).output
    assert "aggressiveness is 7, allowed: 0, 1, 2, 3" in told
    told = CliRunner().invoke(endpoint, ["--noise", "rain"]).output
    assert "rain; allowed: white, pink, fan, hum, keyboard, babble" in told
