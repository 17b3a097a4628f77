"""Orders of calls that are rare: answers that come late, an end while a slot is asked for."""

from __future__ import annotations

import pytest

from decoder import Hypothesis
from rasr.recognition.config import Segmentation
from rasr.recognition.effects import Decode, FinishSegment, Process, Report, TakeSlot
from rasr.recognition.events import Done, Final, Outcome, Partial
from rasr.recognition.recognition import Recognition, State
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
    # The end has come with it: the last final is all that is awaited.
    assert FinishSegment(1, 0, True) in effects
    recognition.hypothesis(1, hypothesis("all"), final=True)
    (process,) = [effect for effect in recognition.effects() if isinstance(effect, Process)]
    recognition.processed(1, process.hypothesis, final=True)
    assert recognition.effects()[-1] == Report(Done(Outcome.FINISHED))
    assert recognition.state is State.OVER


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


@pytest.mark.parametrize("gone", ["told", "dropped"])
def test_what_comes_late_of_a_segment_is_not_taken_for_the_next(gone: str) -> None:
    talk = Talk().audio(speech(600), hush(900))
    if gone == "told":
        talk.final("one")
    else:
        talk.drop()
    talk.audio(speech(600))
    talk.told()
    late = talk.recognition
    late.hypothesis(1, hypothesis("late"), final=False)
    late.hypothesis(1, hypothesis("late"), final=True)
    late.processed(1, hypothesis("late"), final=False)
    late.processed(1, hypothesis("late"), final=True)
    late.failed(1, "late")
    assert talk.wait(0).told() == []
    assert late.state is State.OPEN
    talk.finish().final("two")
    assert talk.told() == ["ended 2 end", "final two", "done finished"]
