"""What every door needs of a recognition, with no wire format in between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from decoder import HotWord
from rasr.recognition.config import EngineChoice, Segmentation
from rasr.recognition.effects import Effect, Report, TakeSlot
from rasr.recognition.events import Final, Partial, SpeechEnded, SpeechStarted, Warning
from rasr.recognition.recognition import Recognition, State
from rasr.recognition.segmenter import Margins
from tests.recognition.talk import SENTENCES, LoudIsSpeech, Talk, config, hush, speech

MS = 16
"""Samples."""


class TestSignals:
    def test_speech_start_and_end_are_told_at_once_while_sentences_follow_each_other(self) -> None:
        talk = Talk(Segmentation(tail_ms=300))
        talk.audio(hush(400), speech(600), hush(400), speech(600), hush(400))
        assert talk.told() == ["started 1", "ended 1 silence", "started 2", "ended 2 silence"]

    def test_they_say_where(self) -> None:
        talk = Talk(Segmentation(tail_ms=500)).audio(hush(400), speech(600), hush(600))
        (started,), (ended,) = talk.of(SpeechStarted), talk.of(SpeechEnded)
        assert started.onset_sample == 400 * MS
        assert started.start_sample == 100 * MS
        assert ended.speech_end_sample == 1000 * MS
        assert ended.end_sample == 1300 * MS

    def test_a_cut_at_the_longest_length_says_so(self) -> None:
        talk = Talk(Segmentation(max_ms=2000)).audio(speech(3000)).finish()
        ends = [event.reason for event in talk.of(SpeechEnded)]
        assert ends == ["max_length", "end"]

    def test_head_silence_is_told_each_time_unless_one_segment_is_all(self) -> None:
        talk = Talk(Segmentation(head_ms=1000)).audio(hush(3100))
        assert talk.told() == ["head silence"] * 3
        single = Talk(Segmentation(head_ms=1000, single=True)).audio(hush(3100), speech(500))
        assert single.told() == ["head silence"]
        assert single.finish().told() == ["done finished"]


class TestFlush:
    def test_the_mark_comes_behind_the_last_final_and_the_recognition_goes_on(self) -> None:
        talk = Talk().audio(hush(300), speech(600)).flush("m1")
        assert talk.told() == ["started 1", "ended 1 flush"]
        talk.audio(hush(200), speech(600))
        assert talk.told() == ["started 2"]
        assert talk.final("one").told() == ["final one", "mark m1"]
        talk.finish().final("two")
        assert talk.told() == ["ended 2 end", "final two", "done finished"]

    def test_it_comes_at_once_where_nothing_was_said(self) -> None:
        assert Talk().flush("a").told() == ["mark a"]
        assert Talk().audio(hush(900)).flush("b").flush("c").told() == ["mark b", "mark c"]

    def test_the_engine_knows_that_somebody_waits(self) -> None:
        talk = Talk().audio(speech(600)).flush()
        assert [one.awaited for one in talk.finished] == [True]

    def test_no_audio_is_lost_or_decoded_twice_by_flushes_anywhere(self) -> None:
        audio = hush(300) + speech(3000) + hush(600)
        talk = Talk()
        for at in range(0, len(audio), 15_990):
            talk.audio(audio[at : at + 15_990]).flush()
        decoded = b"".join(talk.audio_of(number) for number in talk.decoded)
        assert len(talk.decoded) > 3
        # Between a flush and the next segment no more than the time to believe in speech is left
        # to the pre-roll of that segment.
        assert decoded in audio

    def test_after_the_end_it_is_not_answered(self) -> None:
        assert Talk().finish().flush("late").told() == ["done finished"]

    def test_the_clock_goes_on(self) -> None:
        talk = Talk().audio(speech(1000)).flush().final("one")
        talk.audio(hush(1000), speech(500)).finish().final("two")
        assert [final.start_sample for final in talk.of(Final)] == [0, 1700 * MS]


class TestDrop:
    def test_what_is_undecided_is_forgotten_and_what_follows_is_heard(self) -> None:
        talk = Talk().audio(speech(600)).partial("no")
        talk.drop()
        assert talk.open == []
        assert talk.told() == ["started 1", "partial no (0)", "ended 1 dropped"]
        talk.audio(hush(300), speech(600)).finish().final("yes")
        assert talk.told() == ["started 2", "ended 2 end", "final yes", "done finished"]

    def test_dropped_audio_is_in_no_later_segment(self) -> None:
        talk = Talk().audio(speech(600)).drop().audio(speech(600)).finish()
        (started,) = [one for one in talk.of(SpeechStarted) if one.segment == 2]
        assert started.start_sample >= 600 * MS

    def test_segments_whose_final_is_awaited_go_too_and_marks_stay(self) -> None:
        talk = Talk().audio(speech(600)).flush("m").drop()
        assert talk.told() == ["started 1", "ended 1 flush", "ended 1 dropped", "mark m"]
        assert talk.open == []

    def test_finals_that_were_told_are_not_taken_back(self) -> None:
        talk = Talk().audio(speech(600), hush(600)).final("kept").drop().finish()
        assert [final.hypothesis.text for final in talk.of(Final)] == ["kept"]


class TestStableWords:
    def test_what_two_partials_agree_on_is_stable_but_for_the_last_word(self) -> None:
        talk = Talk().audio(speech(600))
        for text in ("and", "and so", "and so my", "and so my", "and so my fellow"):
            talk.partial(text)
        assert talk.told()[1:] == [
            "partial and (0)",
            "partial and so (1)",
            "partial and so my (2)",
            "partial and so my fellow (3)",
        ]

    def test_it_never_shrinks_within_a_segment_and_begins_anew_with_the_next(self) -> None:
        talk = Talk(Segmentation(tail_ms=300)).audio(speech(600), hush(400), speech(600))
        talk.partial("a b c").partial("a b c").partial("a b x").final("a b x")
        talk.partial("d e").finish()
        counts = [partial.stable_words for partial in talk.of(Partial)]
        assert counts == [0, 2, 2, 0]

    def test_a_partial_that_takes_stable_words_back_is_shown_when_another_one_confirms_it(
        self,
    ) -> None:
        talk = Talk().audio(speech(600))
        talk.partial("every one who").partial("every one who greets")
        talk.partial("everyone agreed that").partial("every one who greets us")
        assert talk.told()[1:] == [
            "partial every one who (0)",
            "partial every one who greets (3)",
            "partial every one who greets us (4)",
        ]
        talk.partial("everyone agreed that it").partial("everyone agreed that it was")
        assert talk.told() == ["partial everyone agreed that it was (4)"]

    def test_case_and_marks_take_nothing_back(self) -> None:
        talk = Talk().audio(speech(600))
        talk.partial("so my").partial("so my fellow").partial("So, my fellow men")
        assert talk.told()[-1] == "partial So, my fellow men (2)"


class TestNoEndpointing:
    def test_silence_ends_nothing_but_a_flush_does(self) -> None:
        talk = Talk(Segmentation(tail_ms=None)).audio(speech(600), hush(8000), speech(600))
        assert talk.told() == ["started 1"]
        assert talk.flush().told() == ["ended 1 flush"]

    def test_the_longest_length_cuts_all_the_same(self) -> None:
        talk = Talk(Segmentation(tail_ms=None, max_ms=2000)).audio(speech(5000))
        assert talk.told()[:3] == ["started 1", "ended 1 max_length", "started 2"]

    @pytest.mark.parametrize("tail_ms", [3500, 8000])
    def test_tails_may_be_longer_than_those_of_any_one_dialect(self, tail_ms: int) -> None:
        talk = Talk(Segmentation(tail_ms=tail_ms)).audio(speech(600), hush(tail_ms - 40))
        assert talk.told() == ["started 1"]
        assert talk.audio(hush(60)).told() == ["ended 1 silence"]


class TestJoined:
    def test_a_flush_tells_what_was_said_so_far_as_one(self) -> None:
        talk = Talk(Segmentation(tail_ms=300, joined=True), partials=False)
        talk.audio(speech(500), hush(400), speech(500)).final("one").flush("m").final("two")
        assert talk.told()[-2:] == ["final one two", "mark m"]
        talk.audio(speech(500)).finish().final("three")
        assert talk.told()[-2:] == ["final three", "done finished"]

    def test_nothing_after_a_flush_makes_no_second_final(self) -> None:
        talk = Talk(Segmentation(joined=True)).flush("m").finish()
        assert talk.told() == ["final ", "mark m", "done finished"]

    def test_what_no_final_has_told_is_dropped(self) -> None:
        talk = Talk(Segmentation(tail_ms=300, joined=True), partials=False)
        talk.audio(speech(500), hush(400)).final("no").drop()
        talk.audio(speech(500)).finish().final("yes")
        assert talk.told()[-2:] == ["final yes", "done finished"]

    @pytest.mark.parametrize(("flushes", "finals"), [(0, [""]), (1, ["one"])])
    def test_after_a_drop_there_is_one_final_at_least(
        self, flushes: int, finals: list[str]
    ) -> None:
        talk = Talk(Segmentation(joined=True), partials=False).audio(speech(500))
        for _ in range(flushes):
            talk.flush().final("one").audio(speech(500))
        talk.drop().finish()
        assert [final.hypothesis.text for final in talk.of(Final)] == finals

    def test_words_are_on_the_clock_of_the_first_segment(self) -> None:
        talk = Talk(Segmentation(tail_ms=300, joined=True))
        talk.audio(speech(500), hush(600), speech(500)).final("one").finish().final("two")
        (final,) = talk.of(Final)
        at = [final.start_sample + word.start_sample for word in final.hypothesis.words]
        assert at == [0, 800 * MS]

    def test_partials_are_on_the_clock_of_the_first_segment_once_it_is_final(self) -> None:
        talk = Talk(Segmentation(tail_ms=300, joined=True))
        talk.audio(hush(1000), speech(500)).partial("one").audio(hush(600), speech(500))
        talk.final("one").partial("two")
        starts = [partial.start_sample for partial in talk.of(Partial)]
        assert starts == [700 * MS, 700 * MS]
        single = Talk(Segmentation(tail_ms=300))
        single.audio(hush(1000), speech(500), hush(600), speech(500)).final("one").partial("two")
        (partial,) = single.of(Partial)
        assert partial.start_sample == 1800 * MS


class TestConfidence:
    def test_each_word_has_its_own(self) -> None:
        talk = Talk().audio(speech(600)).finish().final("good day")
        (final,) = talk.of(Final)
        assert [word.confidence for word in final.hypothesis.words] == [0.9, 0.9]


class TestHotWords:
    @pytest.mark.parametrize(
        ("live", "final", "sentence"),
        [
            (False, None, "the 2 hot words have no effect: the engine 'live' knows none"),
            (False, False, "the 2 hot words have no effect: the engine 'final' knows none"),
            (
                True,
                False,
                "the 2 hot words have no effect on finals: the engine 'final' knows none",
            ),
            (True, None, None),
            (False, True, None),
        ],
    )
    def test_who_does_not_know_them_is_told_by_name(
        self, live: bool, final: bool | None, sentence: str | None
    ) -> None:
        second = None if final is None else EngineChoice("final", final)
        asked = replace(
            config(SENTENCES, {"warnings": True}),
            engine=EngineChoice("live", live, final=second),
            hot_words=(HotWord("Elinor"), HotWord("Marianne")),
        )
        recognition = Recognition(asked, LoudIsSpeech(), Margins(300, 300))
        told = [warning.message for warning in map(_warning, recognition.effects()) if warning]
        assert told == ([] if sentence is None else [sentence])
        quiet = Recognition(replace(asked, warnings=False), LoudIsSpeech(), Margins(300, 300))
        assert quiet.effects() == []

    def test_those_that_a_model_cannot_write_are_told_once_and_not_after_the_end(self) -> None:
        talk = Talk(warnings=True)
        talk.recognition.hot_words_refused(tuple(HotWord(f"w{n}") for n in range(5)))
        talk.recognition.hot_words_refused((HotWord("other"),))
        talk.wait(0)
        (warning,) = talk.of(Warning)
        assert warning.message == (
            "these hot words have no effect: 'w0', 'w1', 'w2', 'w3', 'w4'; "
            "the model of 'engine' cannot write them"
        )
        over = Talk(warnings=True).finish()
        over.recognition.hot_words_refused((HotWord("late"),))
        assert over.wait(0).of(Warning) == []

    def test_many_are_counted_and_long_ones_shortened(self) -> None:
        talk = Talk(warnings=True)
        talk.recognition.hot_words_refused(tuple(HotWord("x" * 30) for _ in range(7)))
        (warning,) = talk.wait(0).of(Warning)
        assert f"'{'x' * 20}', " in warning.message
        assert " and 2 more; the model" in warning.message


def _warning(effect: Effect) -> Warning | None:
    match effect:
        case Report(Warning() as warning):
            return warning
        case _:
            return None


class TestSlots:
    def test_one_is_taken_with_the_first_audio_and_given_back_after_a_pause(self) -> None:
        talk = Talk(slot_pause_s=30.0)
        assert talk.slots == 1
        talk.audio(hush(100))
        assert talk.slots == 0
        assert talk.recognition.deadline() == talk.now + 30
        assert talk.wait(29.9).slots == 0
        assert talk.wait(0.1).slots == 1
        assert talk.audio(hush(100)).slots == 0

    def test_it_is_kept_as_long_as_a_segment_is_undecided(self) -> None:
        talk = Talk(slot_pause_s=30.0).audio(speech(600)).wait(100)
        assert talk.slots == 0
        assert talk.recognition.deadline() is None
        talk.flush().final("one").wait(0)
        assert talk.slots == 1

    def test_the_clock_goes_on_behind_the_pause(self) -> None:
        talk = Talk(slot_pause_s=30.0).audio(hush(1000)).wait(60).audio(hush(500), speech(500))
        (started,) = talk.of(SpeechStarted)
        assert started.onset_sample == 1500 * MS

    def test_without_a_free_one_the_recognition_fails(self) -> None:
        talk = Talk(slots=0, slot_pause_s=30.0).audio(speech(600))
        assert talk.told() == ["failure full", "done failed"]
        assert talk.recognition.state is State.OVER

    def test_what_was_dropped_keeps_none(self) -> None:
        talk = Talk(slot_pause_s=30.0).audio(speech(600)).drop()
        assert talk.wait(30).slots == 1

    def test_what_was_dropped_while_one_was_asked_for_is_not_heard(self) -> None:
        recognition = Recognition(
            config(SENTENCES, {"slot_pause_s": 30.0}), LoudIsSpeech(), Margins(300, 300)
        )
        recognition.audio(speech(600), now=0.0)
        recognition.flush("m")
        assert recognition.effects() == [TakeSlot()]
        recognition.drop()
        recognition.slot_taken()
        assert recognition.effects() == []
        recognition.audio(hush(100), now=1.0)
        assert recognition.received_samples == 100 * MS

    def test_after_a_failure_it_is_given_back_like_after_any_pause(self) -> None:
        talk = Talk(slot_pause_s=30.0).audio(speech(600)).fail()
        assert talk.recognition.state is State.OVER
        assert talk.wait(30).slots == 1

    def test_others_never_ask(self) -> None:
        talk = Talk().audio(speech(600), hush(600)).wait(1000)
        assert talk.slots == 1
        assert talk.recognition.deadline() is None


class TestSlowText:
    def test_finals_come_in_order_whichever_text_is_ready_first(self) -> None:
        talk = Talk(Segmentation(tail_ms=300), processes=False, partials=False)
        talk.audio(speech(600), hush(400), speech(600), hush(400)).final("one").final("two")
        talk.told()
        assert talk.process(1).told() == []
        assert talk.process().told() == ["final ONE", "final TWO"]

    def test_one_partial_is_processed_at_a_time_and_the_newest_is_next(self) -> None:
        talk = Talk(processes=False).audio(speech(600))
        talk.partial("a").partial("a b").partial("a b c")
        assert [one.hypothesis.text for one in talk.processing] == ["a"]
        assert talk.process().process().told()[1:] == ["partial A (0)", "partial A B C (1)"]
        assert talk.processing == []

    def test_a_partial_that_is_ready_after_its_final_is_not_told(self) -> None:
        talk = Talk(processes=False).audio(speech(600)).partial("a").finish().final("a b")
        talk.process(1).process()
        assert talk.told() == ["started 1", "ended 1 end", "final A B", "done finished"]

    def test_the_end_waits_for_the_text(self) -> None:
        talk = Talk(processes=False).audio(speech(600)).finish().final("a")
        assert talk.recognition.state is State.ENDING
        assert talk.process().told()[-2:] == ["final A", "done finished"]

    def test_audio_that_comes_meanwhile_is_recognised(self) -> None:
        talk = Talk(processes=False).audio(speech(600), hush(600)).final("a")
        talk.audio(speech(600), hush(600)).final("b").process().process()
        assert [final.hypothesis.text for final in talk.of(Final)] == ["A", "B"]

    @pytest.mark.parametrize("drops", [False, True])
    def test_text_of_a_joined_final_that_was_told_or_dropped_is_not_told_of_the_next(
        self, drops: bool
    ) -> None:
        talk = Talk(Segmentation(tail_ms=300, joined=True), processes=False)
        talk.audio(speech(600)).partial("old").flush().final("old")
        if drops:
            talk.drop().process(2)
        else:
            talk.process(1)
        talk.audio(speech(600)).told()
        while talk.processing:
            talk.process()
        assert talk.told() == []
        talk.partial("new").process()
        assert talk.told() == ["partial NEW (0)"]

    def test_a_partial_that_waits_is_forgotten_when_its_joined_segment_is_final(self) -> None:
        talk = Talk(Segmentation(tail_ms=300, joined=True), processes=False)
        talk.audio(speech(600)).partial("a").partial("a b").audio(hush(400), speech(600))
        talk.final("a b c").process()
        assert talk.processing == []
        talk.partial("d").process()
        assert talk.told()[-1] == "partial A B C D (1)"

    def test_partials_go_on_where_one_is_processed_between_joined_segments(self) -> None:
        talk = Talk(Segmentation(tail_ms=300, joined=True), processes=False)
        talk.audio(speech(600)).partial("a").audio(hush(400)).final("a")
        talk.process().audio(speech(600)).partial("b").process()
        assert talk.told()[-1] == "partial A B (0)"

    def test_a_joined_final_that_is_processed_is_whole_while_more_is_said(self) -> None:
        talk = Talk(Segmentation(joined=True), processes=False, partials=False)
        talk.audio(speech(600)).flush("m").final("a").audio(speech(600))
        talk.process().finish().final("b").process()
        assert [final.hypothesis.text for final in talk.of(Final)] == ["A", "B"]


class TestFailure:
    def test_it_is_told_at_once_and_what_was_recognised_before_the_end(self) -> None:
        talk = Talk(Segmentation(tail_ms=300))
        talk.audio(speech(600), hush(400), speech(600)).partial("one").fail()
        assert talk.told()[-3:] == ["ended 2 end", "failure engine", "final one"]
        assert talk.final("two").told() == ["final two", "done failed"]

    def test_one_while_the_end_is_awaited_changes_its_outcome(self) -> None:
        talk = Talk().audio(speech(600)).finish().fail()
        assert talk.told()[-3:] == ["failure engine", "final ", "done failed"]

    @pytest.mark.parametrize("joined", [False, True])
    def test_who_gives_up_is_told_what_is_known_whatever_is_awaited(self, joined: bool) -> None:
        talk = Talk(Segmentation(tail_ms=300, joined=joined), processes=False, partials=False)
        talk.audio(speech(600), hush(400), speech(600)).final("one").finish().partial("two")
        talk.told()
        talk.recognition.give_up("nobody answers")
        talk.wait(0)
        texts = ["final one two"] if joined else ["final one", "final two"]
        assert talk.told() == ["failure engine", *texts, "done failed"]
        assert talk.open == []
        while talk.processing:
            talk.process()
        assert talk.told() == []

    def test_who_gives_up_in_the_middle_of_speech_hears_no_more_of_it(self) -> None:
        talk = Talk().audio(speech(600)).partial("so far")
        given = len(talk.audio_of(1))
        talk.told()
        talk.recognition.give_up("nobody answers")
        talk.wait(0)
        assert talk.told() == ["failure engine", "final so far", "done failed"]
        assert (talk.open, talk.finished) == ([], [])
        assert len(talk.audio_of(1)) == given
        assert talk.audio(speech(600)).told() == []
        talk.recognition.give_up("again")
        assert talk.wait(0).told() == []

    def test_a_failure_of_what_was_dropped_or_told_is_none(self) -> None:
        talk = Talk().audio(speech(600)).drop()
        talk.recognition.failed(1, "late")
        talk.audio(hush(600), speech(600), hush(600)).final("kept")
        talk.recognition.failed(2, "late")
        talk.told()
        assert talk.wait(0).finish().told() == ["done finished"]

    def test_a_cancelled_recognition_tells_nothing_but_its_end(self) -> None:
        talk = Talk().audio(speech(600)).cancel()
        assert talk.told() == ["started 1", "done cancelled"]
        assert talk.open == []
        assert talk.cancel().told() == []


class TestPauses:
    """The engine is told when what it was given may be all of a segment."""

    def test_a_pause_is_told_once_when_the_post_roll_has_been_given(self) -> None:
        talk = Talk().audio(speech(600), hush(480), chunk=640)
        ((segment, given),) = talk.pauses
        assert (segment, given) == (1, len(talk.audio_of(1)) // 2)
        assert talk.finished == []

    def test_speech_that_goes_on_may_pause_again(self) -> None:
        talk = Talk().audio(speech(600), hush(400), speech(400), hush(400), chunk=640)
        assert [segment for segment, _ in talk.pauses] == [1, 1]
        assert talk.pauses[0][1] < talk.pauses[1][1]

    def test_audio_that_comes_in_one_piece_has_no_pause_before_its_end(self) -> None:
        talk = Talk().audio(speech(600) + hush(2000))
        assert talk.pauses == []
        assert len(talk.finished) == 1
