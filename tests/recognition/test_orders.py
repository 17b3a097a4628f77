"""Orders of calls that are rare: answers that come late, an end while a slot is asked for."""

from __future__ import annotations

from decoder import Hypothesis
from rasr.recognition.config import Segmentation
from rasr.recognition.effects import Decode, Process, Report, TakeSlot
from rasr.recognition.events import Final, Partial
from rasr.recognition.recognition import Recognition
from rasr.recognition.segmenter import Margins
from tests.recognition.talk import LoudIsSpeech, Talk, config, hush, hypothesis, speech

JOINED = Segmentation(joined=True)


def test_drop_forgets_joined_segments_that_were_decoded_and_not_told() -> None:
    talk = Talk(JOINED)
    talk.audio(speech(600), hush(800)).final("forget me")
    talk.drop()
    talk.audio(speech(600)).finish().final("keep me")
    assert [one.hypothesis.text for one in talk.of(Final)] == ["keep me"]


def test_a_partial_of_dropped_audio_is_not_told_behind_the_drop() -> None:
    talk = Talk(JOINED, processes=False)
    talk.audio(speech(600)).partial("secret")
    talk.drop()
    talk.audio(hush(100), speech(600))
    talk.process()
    assert talk.of(Partial) == []


def test_a_partial_that_was_slow_is_not_told_behind_the_final_of_its_text() -> None:
    talk = Talk(JOINED, processes=False)
    talk.audio(speech(600)).partial("old")
    talk.flush().final("old words")
    talk.audio(hush(100), speech(600))
    # The final's text was quicker than the partial's, as two threads may have it.
    talk.process(1)
    talk.process(0)
    assert [one.hypothesis.text for one in talk.of(Partial)] == []


def test_one_partial_is_processed_at_a_time_although_a_final_overtook_its_predecessor() -> None:
    talk = Talk(processes=False)
    talk.audio(speech(600)).partial("one")
    talk.audio(hush(800), speech(600))
    talk.partial("two", 2)
    talk.final("one final", 1)
    talk.process(1)  # the final of the first
    # Now: partial "one" of segment 1 is still under way, and "two" of segment 2 has begun.
    talk.process(0)
    talk.partial("two three", 2)
    running = [one for one in talk.processing if not one.final]
    assert len(running) == 1, running


def test_audio_that_came_before_the_slot_is_recognised_although_the_end_came_too() -> None:
    recognition = Recognition(
        config(Segmentation(), {"slot_pause_s": 5.0}), LoudIsSpeech(), Margins(300, 300)
    )
    recognition.audio(speech(900), now=0.0)
    recognition.finish()
    effects = recognition.effects()
    assert TakeSlot() in effects
    recognition.slot_taken()
    effects += recognition.effects()
    assert any(isinstance(effect, Decode) for effect in effects), effects


def test_a_mark_waits_for_audio_that_waits_for_a_slot() -> None:
    recognition = Recognition(
        config(Segmentation(), {"slot_pause_s": 5.0}), LoudIsSpeech(), Margins(300, 300)
    )
    recognition.audio(speech(900), now=0.0)
    recognition.flush("m")
    effects = recognition.effects()
    recognition.slot_taken()
    effects += recognition.effects()
    recognition.finish()
    assert not any(
        isinstance(effect, Report) and "mark" in repr(effect).lower() for effect in effects
    ), effects


def test_processed_text_without_a_question_is_nothing() -> None:
    talk = Talk(processes=False)
    talk.audio(speech(600)).partial("one").final("one")
    talk.finish()
    while talk.processing:
        talk.process()
    talk.recognition.processed(0, Hypothesis(), final=True)
    talk.recognition.processed(1, hypothesis("late"), final=False)
    assert not [e for e in talk.recognition.effects() if isinstance(e, (Report, Process))]
