"""What each mode sends, and in which order (specification 3.8)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rasr.settings import SessionSettings
from rasr.wire.sis.modes import MODE_TRAITS, Mode
from tests.recognition.talk import hush, speech
from tests.wire.sis.conversation import Conversation


class TestContinue:
    def test_each_sentence_gets_its_final_when_its_endpoint_is_found(self) -> None:
        talk = Conversation(Mode.CONTINUE).start(vad_tail=500)
        talk.audio(hush(400), speech(600), hush(600))
        assert talk.finished == [1]
        talk.final("first sentence").audio(speech(600), hush(600)).final("second sentence")
        assert talk.told() == ["START", "final: first sentence", "final: second sentence"]

    def test_the_engine_is_told_how_much_silence_an_utterance_ends_with(self) -> None:
        talk = Conversation(Mode.CONTINUE).start(vad_tail=500)
        talk.audio(hush(400), speech(600), hush(600)).audio(speech(600)).end()
        # The margin behind speech that ended, and speech that was broken off.
        assert talk.silences == [300 * 16, 0]
        assert talk.awaited == [False, True]

    def test_the_remainder_comes_after_end(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(700)).end()
        assert talk.told() == ["START"]
        assert talk.final("the rest").told() == ["final: the rest", "END NORMAL"]

    def test_silence_makes_no_message_and_no_work(self) -> None:
        talk = Conversation().start(vad_head=1000).audio(hush(30_000)).end()
        assert talk.told() == ["START", "END NORMAL"]
        assert talk.decoded == {}

    def test_an_utterance_without_words_makes_no_result(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(500), hush(600)).final("").end()
        assert talk.told() == ["START", "END NORMAL"]

    def test_a_final_that_is_ready_early_waits_for_the_one_before_it(self) -> None:
        talk = Conversation().start(vad_tail=300)
        talk.audio(hush(400), speech(500), hush(400), speech(500), hush(400))
        talk.final("two", utterance=2)
        assert talk.told() == ["START"]
        assert talk.final("one").told() == ["final: one", "final: two"]

    def test_with_punctuation_each_sentence_of_an_utterance_is_a_result(self) -> None:
        said = "We went home today. It was late by then."
        talk = Conversation(Mode.CONTINUE).start(add_punc="yes", interim_results="yes")
        talk.audio(hush(300), speech(1800), hush(600)).partial(said).final(said)
        assert talk.told() == [
            "START",
            f"partial: {said}",
            "final: We went home today.",
            "final: It was late by then.",
        ]

    def test_without_punctuation_an_utterance_is_one_result(self) -> None:
        said = "We went home today. It was late by then."
        talk = Conversation(Mode.CONTINUE).start().audio(speech(600), hush(600)).final(said)
        assert talk.told() == ["START", f"final: {said}"]

    def test_sound_of_a_forced_break_is_whole(self) -> None:
        talk = Conversation().start(max_seconds=1, vad_tail=500)
        audio = hush(300) + speech(2600) + hush(600)
        talk.audio(audio, chunk=640)
        assert len(talk.decoded) > 2
        assert all(len(talk.audio_of(number)) <= 32_000 for number in talk.decoded)
        decoded = b"".join(talk.audio_of(number) for number in talk.decoded)
        # From the pre-roll to the margin after the speech, nothing is missing or doubled.
        assert decoded == audio[: len(decoded)]
        assert len(decoded) == len(hush(300) + speech(2600) + hush(300))

    def test_the_margin_after_speech_is_as_long_as_the_engine_looks_ahead(self) -> None:
        def margin_ms(lookahead_ms: int) -> int:
            talk = Conversation(lookahead_ms=lookahead_ms).start(vad_tail=1000)
            talk.audio(hush(300), speech(500), hush(1200))
            (utterance,) = talk.finished
            return len(talk.audio_of(utterance)) // 32 - 300 - 500

        assert [margin_ms(lookahead_ms) for lookahead_ms in (0, 100, 450)] == [300, 300, 450]


class TestSentence:
    def test_with_punctuation_there_is_one_result_all_the_same(self) -> None:
        said = "We went home today. It was late by then."
        talk = Conversation(Mode.SENTENCE).start(add_punc="yes").audio(speech(600), hush(600))
        assert talk.final(said).told() == ["START", "VOICE_START", f"final: {said}", "VOICE_END"]

    def test_the_final_comes_before_voice_end(self) -> None:
        talk = Conversation(Mode.SENTENCE).start().audio(hush(300), speech(500), hush(600))
        assert talk.told() == ["START", "VOICE_START"]
        assert talk.final("hello").told() == ["final: hello", "VOICE_END"]

    def test_sound_after_the_sentence_is_ignored_until_end(self) -> None:
        talk = Conversation(Mode.SENTENCE).start().audio(hush(300), speech(500), hush(600))
        talk.final("hello").audio(speech(2000), hush(1000)).end()
        assert talk.told() == ["START", "VOICE_START", "final: hello", "VOICE_END", "END NORMAL"]
        assert list(talk.decoded) == [1]

    def test_end_in_the_middle_of_the_sentence_ends_it(self) -> None:
        talk = Conversation(Mode.SENTENCE).start().audio(hush(300), speech(500)).end()
        talk.final("hello")
        assert talk.told() == ["START", "VOICE_START", "final: hello", "VOICE_END", "END NORMAL"]

    @pytest.mark.parametrize("head_ms", [1000, 3000])
    def test_head_silence_is_told_to_the_frame(self, head_ms: int) -> None:
        talk = Conversation(Mode.SENTENCE).start(vad_head=head_ms)
        talk.audio(hush(head_ms - 20))
        assert talk.told() == ["START"]
        assert talk.audio(hush(20)).told() == ["EXCEEDED_SILENCE"]
        assert talk.audio(speech(1000), hush(1000)).end().told() == ["END NORMAL"]

    def test_no_head_limit_waits_for_ever(self) -> None:
        talk = Conversation(Mode.SENTENCE).start(vad_head=0).audio(hush(50_000))
        assert talk.told() == ["START"]

    def test_a_sentence_without_words_is_exceeded_silence(self) -> None:
        talk = Conversation(Mode.SENTENCE).start().audio(hush(300), speech(300), hush(600))
        assert talk.final("").told() == ["START", "VOICE_START", "EXCEEDED_SILENCE"]

    @pytest.mark.parametrize("tail_ms", [300, 500, 900])
    def test_tail_silence_ends_it_and_two_frames_fewer_do_not(self, tail_ms: int) -> None:
        talk = Conversation(Mode.SENTENCE).start(vad_tail=tail_ms)
        talk.audio(hush(300), speech(500), hush(tail_ms - 40))
        assert talk.finished == []
        talk.audio(hush(40))
        assert talk.finished == [1]

    def test_speech_longer_than_max_seconds_is_ended_by_force(self) -> None:
        talk = Conversation(Mode.SENTENCE).start(max_seconds=2).audio(hush(300), speech(5000))
        assert talk.finished == [1]
        assert talk.final("long").told()[-2:] == ["final: long", "VOICE_END"]

    def test_end_is_answered_after_a_sentence_that_was_ended_by_force(self) -> None:
        talk = Conversation(Mode.SENTENCE).start(max_seconds=2).audio(hush(300), speech(5000))
        assert talk.open == [1]
        talk.final("long").end()
        assert talk.told()[-3:] == ["final: long", "VOICE_END", "END NORMAL"]


@pytest.mark.parametrize("mode", [Mode.SHORT, Mode.ONE_SENTENCE])
class TestShort:
    def test_one_final_after_end_whatever_the_pauses(self, mode: Mode) -> None:
        talk = Conversation(mode).start().audio(hush(2000), speech(500), hush(900), speech(500))
        talk.final("one two").end()
        assert talk.told() == ["START"]
        assert talk.final("three").told() == ["final: one two three", "END NORMAL"]

    def test_partials_carry_the_whole_text_so_far(self, mode: Mode) -> None:
        talk = Conversation(mode).start(interim_results="yes")
        talk.audio(hush(300), speech(500), hush(900), speech(500))
        talk.partial("one").final("one two").partial("three")
        assert talk.told() == ["START", "partial: one", "partial: one two three"]

    def test_no_sound_gives_one_empty_final(self, mode: Mode) -> None:
        assert Conversation(mode).start().end().told() == ["START", "final: ", "END NORMAL"]

    def test_only_silence_gives_one_empty_final(self, mode: Mode) -> None:
        talk = Conversation(mode).start().audio(hush(5000)).end()
        assert talk.told() == ["START", "final: ", "END NORMAL"]

    def test_vad_fields_are_unknown_keys(self, mode: Mode) -> None:
        talk = Conversation(mode).start(vad_head=-1, vad_tail="x", max_seconds=None)
        assert talk.told() == ["START"]


class TestPartials:
    def test_none_are_sent_unless_asked_for(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(500)).partial("he")
        assert talk.told() == ["START"]

    def test_one_that_says_nothing_new_is_not_sent(self) -> None:
        talk = Conversation().start(interim_results="yes").audio(hush(300), speech(500))
        talk.partial("he").partial("he").partial("hello").partial("")
        assert talk.told() == ["START", "partial: he", "partial: hello"]

    def test_they_say_how_many_characters_are_stable_and_finals_do_not(self) -> None:
        talk = Conversation().start(interim_results="yes").audio(hush(300), speech(500))
        talk.partial("go").partial("go home").partial("go home now").final("go home now")
        stable = [
            segment["result"].get("stable")
            for message in talk.messages()
            for segment in message.get("segments", [])
        ]
        assert stable == [0, len("go"), len("go home"), None]

    def test_those_of_the_next_sentence_wait_for_the_final_of_this(self) -> None:
        talk = Conversation().start(interim_results="yes", vad_tail=300)
        talk.audio(hush(300), speech(500), hush(400), speech(500))
        talk.partial("two", utterance=2)
        assert talk.told() == ["START"]
        assert talk.final("one").told() == ["final: one", "partial: two"]


class TestAudioLimit:
    @pytest.mark.parametrize("mode", [Mode.SHORT, Mode.SENTENCE])
    def test_the_gentle_form_tells_what_was_heard_then_ignores(self, mode: Mode) -> None:
        talk = Conversation(mode).start(vad_head=0).audio(hush(58_000), speech(4000))
        talk.final("late words")
        tail = ["VOICE_END"] if mode is Mode.SENTENCE else []
        head = ["VOICE_START"] if mode is Mode.SENTENCE else []
        assert talk.told() == ["START", *head, "final: late words", *tail, "EXCEEDED_AUDIO"]
        assert talk.audio(speech(500)).end().told() == ["END NORMAL"]

    def test_the_strict_form_ends_the_round(self) -> None:
        talk = Conversation(
            Mode.SHORT, rules=SessionSettings(strict_audio_limit=True, warnings=False)
        )
        talk.start().audio(hush(59_000), speech(2000)).final("late")
        assert talk.told() == ["START", "final: late", "ERROR SIS.0309", "END ERROR"]

    @pytest.mark.parametrize(
        "then",
        [
            lambda talk: talk.start(),
            lambda talk: talk.end(cancel=True),
            lambda talk: talk.text("{"),
            lambda talk: talk.wait(100),
        ],
        ids=["START", "cancel", "junk", "silence"],
    )
    def test_what_comes_behind_the_strict_limit_does_not_change_its_answer(
        self, then: Callable[[Conversation], object]
    ) -> None:
        rules = SessionSettings(strict_audio_limit=True, warnings=False)
        talk = Conversation(Mode.SHORT, rules=rules).start()
        talk.audio(hush(59_000), speech(2000))
        then(talk)
        told = talk.final("late").told()
        assert told[:4] == ["START", "final: late", "ERROR SIS.0309", "END ERROR"]

    def test_exactly_the_limit_is_allowed(self) -> None:
        talk = Conversation(Mode.SHORT).start().audio(hush(60_000)).end()
        assert talk.told() == ["START", "final: ", "END NORMAL"]


def test_the_audio_of_each_mode_has_the_limit_of_the_documentation() -> None:
    limits = {mode: traits.max_audio_s for mode, traits in MODE_TRAITS.items()}
    assert limits == {
        Mode.SHORT: 60,
        Mode.SENTENCE: 60,
        Mode.CONTINUE: 5 * 60 * 60,
        Mode.ONE_SENTENCE: 60,
    }
