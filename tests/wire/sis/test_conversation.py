"""The order of commands, refusals, time and endings (specification 3.1, 3.6, 3.7, 3.9)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from rasr.recognition.config import EngineChoice
from rasr.settings import SessionSettings
from rasr.wire.dialect import Close, Farewell, Grant, Refusal, RefusalKind, Send
from rasr.wire.sis.conversation import SisConversation
from rasr.wire.sis.modes import Mode
from tests.recognition.talk import hush, speech
from tests.wire.sis.conversation import Conversation, refused


class TestRounds:
    def test_several_rounds_run_on_one_connection(self) -> None:
        talk = Conversation()
        for text in ("one", "two"):
            talk.start().audio(hush(300), speech(500)).end().final(text)
        assert talk.told() == [
            "START",
            "final: one",
            "END NORMAL",
            "START",
            "final: two",
            "END NORMAL",
        ]

    def test_each_round_has_a_clock_and_a_trace_id_of_its_own(self) -> None:
        talk = Conversation()
        ids = set()
        for _ in range(2):
            talk.start().audio(hush(1000), speech(500)).end().final("word")
            messages = talk.messages()
            assert messages[1]["segments"][0]["start_time"] == 700
            ids |= {message["trace_id"] for message in messages}
        assert len(ids) == 2

    def test_every_message_carries_a_trace_id(self) -> None:
        talk = (
            Conversation(Mode.SENTENCE)
            .text("nonsense")
            .audio(speech(20))
            .start(interim_results="yes")
        )
        talk.audio(hush(300), speech(500)).partial("a").audio(hush(600)).final("a b").end().end()
        messages = talk.messages()
        assert {m["resp_type"] for m in messages} == {"ERROR", "START", "EVENT", "RESULT", "END"}
        assert all(message["trace_id"] for message in messages)

    def test_sound_between_start_and_its_acknowledgement_counts(self) -> None:
        talk = Conversation()
        talk.text(
            '{"command":"START","config":{"audio_format":"pcm16k16bit",'
            '"property":"english_16k_common"}}'
        )
        talk.audio(hush(300) + speech(500))
        assert talk.end().final("early").told() == ["START", "final: early", "END NORMAL"]


class TestCancel:
    @pytest.mark.parametrize("cancel", [True, "true", "TRUE"])
    def test_it_drops_what_is_not_recognised(self, cancel: object) -> None:
        talk = Conversation(Mode.SHORT).start().audio(hush(300), speech(500)).end(cancel)
        assert talk.told() == ["START", "END CANCEL"]
        assert talk.open == []

    @pytest.mark.parametrize("cancel", [False, "false", "False", None])
    def test_false_in_any_form_finishes_what_was_received(self, cancel: object) -> None:
        talk = Conversation().start().audio(hush(300), speech(500)).end(cancel).final("kept")
        assert talk.told() == ["START", "final: kept", "END NORMAL"]


class TestWrongOrder:
    def test_sound_before_start_is_answered_once(self) -> None:
        talk = Conversation().audio(speech(100)).audio(speech(100))
        (message,) = talk.messages()
        assert message["error_code"] == "SIS.0032"
        assert message["error_msg"] == (
            "audio came outside of a round: 3200 bytes; allowed: a text frame with "
            '{"command":"START","config":{…}} first'
        )

    def test_a_second_start_tells_what_was_recognised_and_ends_the_round(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(500)).start()
        assert talk.told() == ["START"]
        assert talk.final("kept").told() == ["final: kept", "ERROR SIS.0032", "END ERROR"]

    def test_end_without_a_round_is_an_error_and_nothing_follows(self) -> None:
        (message,) = Conversation().end().messages()
        assert message["error_msg"] == (
            "'command' is invalid: END came outside of a round; allowed: START"
        )

    def test_end_twice_is_answered_after_the_first_whatever_the_engine_s_speed(self) -> None:
        slow = Conversation().start().audio(hush(300), speech(500)).end().end().final("a")
        quick = Conversation().start().audio(hush(300), speech(500)).end().final("a").end()
        expected = ["START", "final: a", "END NORMAL", "ERROR SIS.0032"]
        assert slow.told() == quick.told() == expected

    def test_sound_after_a_refused_start_is_ignored(self) -> None:
        talk = Conversation().start(property="klingon_16k_common").audio(speech(500))
        assert talk.told() == ["ERROR SIS.0031"]

    def test_a_round_can_follow_an_error(self) -> None:
        talk = Conversation().text("{").start().audio(hush(300), speech(500)).end().final("ok")
        assert talk.told() == ["ERROR SIS.0032", "START", "final: ok", "END NORMAL"]


class TestBadMessages:
    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("hello", "the text frame is not JSON: 'hello' (Expecting value: line 1 column 1"),
            ("[1]", "the text frame is not a JSON object: [1]; allowed: an object such as"),
            ('{"command":"STOP"}', "'command' is invalid: it is 'STOP'; allowed: 'START' or 'END'"),
            ("{}", "'command' is invalid: it is missing; allowed: 'START' or 'END'"),
            ('{"command":"START"}', "'config' is invalid: it is missing; allowed: an object"),
            ("[" * 50_000, "the text frame is not JSON: "),
            ('{"command":"\\ud800"}', "'command' is invalid: it is '\\\\ud800'; allowed"),
        ],
    )
    def test_each_is_told_apart(self, text: str, sentence: str) -> None:
        (message,) = Conversation().text(text).messages()
        assert message["error_code"] == "SIS.0032"
        assert message["error_msg"].startswith(sentence)

    def test_a_text_frame_of_a_mebibyte_is_refused_and_the_connection_lives(self) -> None:
        talk = Conversation().text("x" * (1 << 20))
        (message,) = talk.messages()
        assert message["error_msg"] == (
            "the text frame is too long: 1048576 bytes; allowed: at most 65536"
        )
        assert talk.start().told() == ["START"]

    def test_garbage_in_a_round_ends_it_after_its_finals(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(500)).text("{oops").final("kept")
        assert talk.told() == ["START", "final: kept", "ERROR SIS.0032", "END ERROR"]

    def test_a_binary_frame_over_the_cap_ends_the_round(self) -> None:
        talk = Conversation(rules=SessionSettings(max_message_bytes=1000)).start()
        talk.audio(b"\0" * 1001)
        assert talk.messages()[1]["error_msg"] == (
            "the binary frame is too long: 1001 bytes; allowed: at most 1000"
        )

    def test_empty_frames_are_nothing(self) -> None:
        talk = Conversation().audio(b"").start().audio(b"").audio(b"").end()
        assert talk.told() == ["START", "END NORMAL"]

    def test_an_odd_byte_is_kept_for_the_next_frame(self) -> None:
        audio = hush(300) + speech(500) + hush(600)
        whole = Conversation().start().audio(audio)
        odd = Conversation().start().audio(audio, chunk=333)
        assert whole.audio_of(1) == odd.audio_of(1)


class TestStartFields:
    @pytest.mark.parametrize(
        ("field", "value", "shown", "allowed"),
        [
            ("audio_format", "flac", "'flac'", "pcm16k16bit, pcm8k16bit, ulaw16k8bit, ulaw8k8bit"),
            ("audio_format", 16, "16", "pcm16k16bit"),
            ("property", "english", "'english'", "language_rate_domain"),
            ("property", None, "null", "language_rate_domain"),
            ("add_punc", True, "true", "'yes' or 'no'"),
            ("digit_norm", "Yes", "'Yes'", "'yes' or 'no'"),
            ("interim_results", 1, "1", "'yes' or 'no'"),
            ("need_word_info", [], "[]", "'yes' or 'no'"),
            ("vad_head", 60001, "60001", "a whole number from 0 to 60000 (ms)"),
            ("vad_head", -1, "-1", "a whole number from 0 to 60000 (ms)"),
            ("vad_tail", 3001, "3001", "a whole number from 0 to 3000 (ms)"),
            ("vad_tail", "500", "'500'", "a whole number from 0 to 3000 (ms)"),
            ("vad_tail", True, "true", "a whole number from 0 to 3000 (ms)"),
            ("vad_tail", 1.5, "1.5", "a whole number from 0 to 3000 (ms)"),
            ("max_seconds", 0, "0", "a whole number from 1 to 60 (s)"),
            ("max_seconds", 61, "61", "a whole number from 1 to 60 (s)"),
            ("vocabulary_id", 7, "7", "the id of a hot-word table"),
            ("user_words", "one", "'one'", "an array of strings"),
            ("warnings", "on", "'on'", "'yes' or 'no'"),
        ],
    )
    def test_a_bad_value_is_refused_with_field_value_and_what_is_allowed(
        self, field: str, value: object, shown: str, allowed: str
    ) -> None:
        sentence = refused(**{field: value})
        assert sentence.startswith(f"SIS.0032 '{field}' is invalid: it is {shown}; ")
        assert f"allowed: {allowed}" in sentence

    def test_all_faults_are_told_at_once(self) -> None:
        sentence = refused(vad_tail=9999, add_punc="maybe")
        assert "'vad_tail' is invalid" in sentence
        assert "'add_punc' is invalid" in sentence

    @pytest.mark.parametrize("field", ["audio_format", "property"])
    def test_a_missing_field_is_named(self, field: str) -> None:
        config = {"audio_format": "pcm16k16bit", "property": "english_16k_common"}
        del config[field]
        talk = Conversation().text(json.dumps({"command": "START", "config": config}))
        (message,) = talk.messages()
        assert message["error_code"] == "SIS.0032"
        assert message["error_msg"].startswith(f"'{field}' is invalid: it is missing; allowed: ")

    def test_unknown_keys_are_ignored(self) -> None:
        talk = Conversation().start(vad_threshold=0, max_second=9, anything=[1])
        assert talk.told() == ["START"]

    def test_format_and_property_must_agree_on_the_rate(self) -> None:
        assert refused(audio_format="pcm8k16bit").startswith(
            "SIS.0301 'audio_format' is not match model: 'pcm8k16bit' is 8000 Hz and "
            "'property' 'english_16k_common' is 16000 Hz"
        )

    def test_a_language_without_an_engine_is_told_which_are_there(self) -> None:
        assert refused(property="chinese_16k_general") == (
            "SIS.0031 'property' is not supported: 'chinese_16k_general'; "
            "languages on this server: english"
        )

    def test_any_domain_of_a_known_language_is_served(self) -> None:
        assert Conversation().start(property="english_16k_newdomain").told() == ["START"]

    def test_an_unknown_vocabulary_is_refused(self) -> None:
        assert refused(vocabulary_id="abc").startswith(
            "SIS.0201 'vocabulary_id' is invalid: there is no vocabulary 'abc' in this project"
        )

    def test_a_long_name_of_a_vocabulary_is_told_by_its_first_sixty_characters(self) -> None:
        name = "ab" * 31
        assert f"no vocabulary '{name[:60]}' in this" in refused(vocabulary_id=name)

    def test_hot_words_of_the_vocabulary_and_of_start_reach_the_engine_once_each(self) -> None:
        talk = Conversation(hot_words=True)
        talk.start(vocabulary_id="team", user_words=["Willoughby", "Dashwood"]).audio(speech(500))
        (words,) = talk.hot_words
        assert [word.text for word in words] == ["Dashwood", "Brandon", "Willoughby"]

    def test_hot_words_that_the_engine_cannot_write_are_told_once(self) -> None:
        talk = Conversation(hot_words=True).start(user_words=["C++"], warnings="yes")
        talk.refuse("C++").refuse("C++")
        _, warning = talk.messages()
        assert warning["warning"] == "hot_words"
        assert warning["message"] == (
            "these hot words have no effect: 'C++'; the model of 'engine' cannot write them"
        )

    def test_a_warning_names_a_few_hot_words_and_counts_the_others(self) -> None:
        talk = Conversation(hot_words=True).start(user_words=["x"], warnings="yes")
        talk.refuse(*(f"a{number}" for number in range(8)))
        assert "'a0', 'a1', 'a2', 'a3', 'a4' and 3 more;" in talk.messages()[-1]["message"]

    def test_hot_words_that_the_engine_does_not_know_are_told(self) -> None:
        assert Conversation().start(user_words=["Dashwood"], warnings="yes").told() == [
            "START",
            "WARNING hot_words",
        ]

    def test_a_full_server_refuses_the_round_and_keeps_the_connection(self) -> None:
        talk = Conversation(slots=0).start()
        (message,) = talk.messages()
        assert message["error_code"] == "SIS.0312"
        assert message["error_msg"] == "the server is full: 0 of 0 rounds are open"
        talk.slots = 1
        assert talk.start().told() == ["START"]


class TestTime:
    @pytest.mark.parametrize("idle_s", [20.0, 3.0])
    def test_an_idle_client_is_told_and_dropped(self, idle_s: float) -> None:
        talk = Conversation(rules=SessionSettings(idle_s=idle_s))
        assert talk.conversation.deadline() == talk.now + idle_s
        assert talk.wait(idle_s - 0.1).told() == []
        (message,) = talk.wait(0.1).messages()
        assert message["resp_type"] == "FATAL_ERROR"
        assert message["error_code"] == "SIS.0304"
        assert message["error_msg"].startswith("wait voice timeout")
        assert talk.closed

    def test_idle_in_a_round_loses_nothing_that_was_said(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(500)).wait(20).final("kept")
        assert talk.told() == ["START", "final: kept", "FATAL_ERROR SIS.0304", "close 1000"]

    def test_any_message_keeps_the_connection(self) -> None:
        talk = Conversation().wait(15).audio(b"").wait(15).start().wait(15)
        assert talk.told() == ["START"]

    def test_idle_is_counted_after_end_too(self) -> None:
        talk = Conversation().start().end().wait(20)
        assert talk.told() == ["START", "END NORMAL", "FATAL_ERROR SIS.0304", "close 1000"]

    def test_the_client_is_not_idle_while_it_waits_for_us(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(500)).end().wait(60)
        assert talk.told() == ["START"]
        talk.final("late")
        assert talk.told() == ["final: late", "END NORMAL"]
        assert talk.conversation.deadline() == talk.now + 20

    @pytest.mark.parametrize("granted", [True, False])
    def test_idle_is_counted_from_the_answer_to_start_however_long_it_took(
        self, granted: bool
    ) -> None:
        talk = SisConversation(Mode.CONTINUE, SessionSettings(), lambda: "id", now=100.0)
        assert talk.deadline() == 120.0
        talk.heard(now=105.0)
        assert talk.deadline() == 125.0
        config = {"audio_format": "pcm16k16bit", "property": "english_16k_common"}
        talk.receive(json.dumps({"command": "START", "config": config}), now=110.0)
        lifetime = 100.0 + SessionSettings().connection_s
        assert talk.deadline() == lifetime
        talk.advance(now=160.0)
        if granted:
            talk.granted(Grant(EngineChoice("engine")), now=170.0)
        else:
            talk.refused(Refusal(RefusalKind.CAPACITY, "full"), now=170.0)
        assert talk.deadline() == 190.0
        talk.effects()
        talk.advance(now=189.9)
        assert talk.effects() == []
        talk.advance(now=190.0)
        assert talk.effects() != []

    def test_the_connection_has_a_longest_life(self) -> None:
        talk = Conversation(rules=SessionSettings(connection_s=60, idle_s=1000))
        talk.start().audio(hush(300), speech(500)).wait(60).final("last")
        assert talk.told() == ["START", "final: last", "END NORMAL", "close 1000"]

    def test_it_ends_without_a_round_too(self) -> None:
        talk = Conversation(rules=SessionSettings(connection_s=60, idle_s=1000)).wait(60)
        assert talk.told() == ["close 1000"]


class TestEndings:
    def test_shutdown_gives_finals_and_end_then_closes(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(500))
        talk.shut_down()
        talk.end().final("kept")
        assert talk.told()[:4] == ["START", "final: kept", "END NORMAL", "ERROR SIS.0032"]
        assert talk.closed

    def test_a_server_that_retires_lets_the_round_end_by_itself(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(500))
        talk.shut_down(Farewell.RETIREMENT)
        assert talk.told() == ["START"]
        talk.audio(speech(500)).end().final("kept")
        assert talk.told() == ["final: kept", "END NORMAL", "close 1001"]

    def test_a_server_that_retires_closes_where_there_is_no_round(self) -> None:
        talk = Conversation().shut_down(Farewell.RETIREMENT).shut_down(Farewell.RETIREMENT)
        assert talk.told() == ["close 1001"]

    def test_a_shutdown_behind_it_ends_the_round(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(500))
        talk.shut_down(Farewell.RETIREMENT).shut_down().final("kept")
        assert talk.told() == ["START", "final: kept", "END NORMAL", "close 1001"]

    def test_credentials_that_are_lost_give_finals_and_the_reason_then_close(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(500))
        talk.shut_down(Farewell.NOT_KNOWN)
        # A shutdown behind it changes nothing.
        talk.shut_down()
        talk.final("kept")
        assert talk.told() == ["START", "final: kept", "FATAL_ERROR SIS.0101", "close 1008"]

    def test_credentials_that_are_lost_while_its_end_is_awaited_give_both(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(500)).end()
        talk.shut_down(Farewell.NOT_KNOWN).final("kept")
        assert talk.told() == [
            "START",
            "final: kept",
            "END NORMAL",
            "FATAL_ERROR SIS.0101",
            "close 1008",
        ]

    def test_credentials_that_are_lost_without_a_round_close_at_once(self) -> None:
        talk = Conversation().shut_down(Farewell.NOT_KNOWN)
        assert talk.told() == ["FATAL_ERROR SIS.0101", "close 1008"]

    def test_shutdown_without_a_round_closes_at_once(self) -> None:
        talk = Conversation()
        talk.shut_down()
        assert talk.wait(0).told() == ["close 1001"]

    def test_shutdown_while_start_is_being_answered_refuses_it_then_closes(self) -> None:
        talk = SisConversation(Mode.CONTINUE, SessionSettings(), lambda: "id", now=100.0)
        config = {"audio_format": "pcm16k16bit", "property": "english_16k_common"}
        talk.receive(json.dumps({"command": "START", "config": config}), now=100.0)
        talk.shut_down()
        talk.effects()
        talk.granted(Grant(EngineChoice("engine")), now=100.1)
        refusal, close = talk.effects()
        assert isinstance(refusal, Send)
        sent = json.loads(talk.encode(refusal.message))
        assert (sent["resp_type"], sent["error_code"]) == ("ERROR", "SIS.0312")
        assert "shutting down" in sent["error_msg"]
        assert close == Close(1001, "the server is shutting down")
        assert talk.deadline() is None

    @pytest.mark.parametrize("point", range(6))
    def test_a_client_that_leaves_gives_everything_back(self, point: int) -> None:
        talk = Conversation(Mode.CONTINUE)
        steps: list[Callable[[], object]] = [
            lambda: talk.start(vad_tail=300),
            lambda: talk.audio(hush(300), speech(500)),
            lambda: talk.audio(hush(400)),
            lambda: talk.audio(speech(500)),
            lambda: talk.end(),
        ]
        for step in steps[:point]:
            step()
        talk.told()
        talk.leave()
        assert talk.told() == []
        assert talk.open == []
        assert talk.conversation.deadline() is None

    def test_a_failed_utterance_ends_its_round_and_keeps_the_rest(self) -> None:
        talk = Conversation().start(vad_tail=300, interim_results="yes")
        talk.audio(hush(300), speech(500), hush(400), speech(500)).partial("one")
        talk.fail().final("two")
        assert talk.told() == [
            "START",
            "partial: one",
            "final: one",
            "final: two",
            "ERROR SIS.0305",
            "END ERROR",
        ]

    def test_a_fault_of_the_server_is_told_and_closes(self) -> None:
        talk = Conversation().start()
        talk.break_off()
        assert talk.wait(0).told() == ["START", "FATAL_ERROR SIS.0100", "close 1011"]

    @pytest.mark.parametrize(("sent", "answered"), [(15, 15), (16, 16), (17, 16), (40, 16)])
    def test_a_flood_of_commands_behind_end_gets_sixteen_answers(
        self, sent: int, answered: int
    ) -> None:
        talk = Conversation().start().audio(hush(300), speech(500)).end()
        for _ in range(sent):
            talk.end()
        assert talk.final("a").told() == [
            *("START", "final: a", "END NORMAL"),
            *["ERROR SIS.0032"] * answered,
        ]
        # The next recognition has its own.
        talk.start().end()
        assert talk.told() == ["START", "END NORMAL"]


class TestWavHeader:
    def test_one_that_contradicts_the_declared_format_is_told(self) -> None:
        header = bytes.fromhex(
            "52494646 24000000 57415645 666d7420 10000000 0100 0100 401f0000 803e0000 0200 1000"
            "64617461 00000000"
        )
        talk = (
            Conversation()
            .start(warnings="yes")
            .audio(header, hush(300), speech(500))
            .end()
            .final("a")
        )
        assert talk.told() == ["START", "WARNING wav_header", "final: a", "END NORMAL"]

    def test_warnings_can_be_declined(self) -> None:
        talk = Conversation().start(warnings="no", user_words=["x"])
        assert talk.told() == ["START"]


class TestSoundCheck:
    def test_sound_that_is_very_likely_wrong_is_told_once(self) -> None:
        talk = Conversation().start(warnings="yes").audio(b"\0" * 32_000 * 8).end()
        assert talk.told() == ["START", "WARNING silence", "END NORMAL"]


class TestEndingsThatMeet:
    def test_the_longest_life_is_kept_when_it_ends_while_end_is_answered(self) -> None:
        talk = Conversation(rules=SessionSettings(connection_s=60, idle_s=1000, warnings=False))
        talk.start().audio(hush(300), speech(500)).end().wait(60).start().final("last")
        assert talk.told() == ["START", "final: last", "END NORMAL", "ERROR SIS.0032", "close 1000"]

    def test_a_failure_while_the_idle_rule_ends_the_round_keeps_its_close(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(500)).wait(20).fail()
        assert talk.told() == ["START", "FATAL_ERROR SIS.0304", "close 1000"]

    def test_a_fault_of_the_server_does_not_wait_for_the_engine(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(500))
        talk.break_off()
        assert talk.wait(0).told() == ["START", "FATAL_ERROR SIS.0100", "close 1011"]
        assert talk.open == []

    def test_the_end_of_the_time_to_shut_down_closes_at_once(self) -> None:
        talk = Conversation().start().audio(hush(300), speech(500))
        talk.shut_down()
        talk.conversation.cut_off()
        assert talk.wait(0).told() == ["START", "close 1001"]
        assert talk.open == []

    def test_sound_after_end_is_ignored_whether_end_was_answered_or_not(self) -> None:
        slow = Conversation().start().audio(hush(300), speech(500)).end().audio(speech(20))
        quick = Conversation().start().audio(hush(300), speech(500)).end()
        assert slow.final("a").told() == quick.final("a").audio(speech(20)).told()
