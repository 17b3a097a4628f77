"""Real-time synthesis without socket, engine or clock: messages and sound in, effects out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rasr.settings import SessionSettings
from rasr.wire.dialect import Close, Ended, Farewell, Send
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.synthesis.conversation import (
    Effect,
    Hush,
    Speak,
    SpeakingConversation,
)
from rasr.wire.synthesis.messages import (
    MOST_BYTES,
    Spoken,
    SpokenPhone,
    SpokenWord,
    decode,
    encode,
)

START = '{"command":"START","text":"Good morning"}'


class Talk:
    """Plays the client and the engine against one conversation."""

    def __init__(self) -> None:
        self.conversation = SpeakingConversation(SessionSettings(), "trace", now=100.0)
        self.effects: list[Effect] = []
        self.told: list[str] = []
        """Each effect in a word or two."""
        self.messages: list[dict[str, Any]] = []

    def receive(self, message: str | bytes, now: float = 100.0) -> None:
        self.conversation.receive(message, now=now)
        self.drain()

    def sound(self, *frames: bytes, words: tuple[SpokenWord, ...] = ()) -> None:
        self.conversation.sound(frames, words)
        self.drain()

    def finished(self, now: float = 100.0) -> None:
        self.conversation.finished(now=now)
        self.drain()

    def failed(self, code: ErrorCode, now: float = 100.0) -> None:
        self.conversation.failed(ProtocolError(code, "why"), now=now)
        self.drain()

    def advance(self, now: float) -> None:
        self.conversation.advance(now=now)
        self.drain()

    def drain(self) -> None:
        for effect in self.conversation.effects():
            self.effects.append(effect)
            self.told.append(self._short(effect))

    def _short(self, effect: Effect) -> str:
        match effect:
            case Send():
                frame = self.conversation.encode(effect.message)
                if isinstance(frame, bytes):
                    return f"sound {len(frame)}"
                message = json.loads(frame)
                assert message["trace_id"] == "trace"
                self.messages.append(message)
                known = message.get("error_code") or message.get("reason")
                return " ".join(filter(None, (message["resp_type"], known)))
            case Close():
                return f"close {effect.code}"
            case Ended():
                return f"ended {effect.reason} {effect.succeeded}"
            case Speak():
                return f"speak {effect.request.text}"
            case Hush():
                return "hush"


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_a_text_is_acknowledged_with_its_first_sound_and_ends(talk: Talk) -> None:
    talk.receive(START)
    assert talk.told == ["speak Good morning"]
    talk.sound(b"ab", b"c")
    talk.sound(b"de")
    talk.finished()
    assert talk.told[1:] == [
        "START",
        "sound 2",
        "sound 1",
        "sound 2",
        "END NORMAL",
        "ended NORMAL True",
    ]


def test_words_come_before_the_sound_that_says_them_and_are_counted_on(talk: Talk) -> None:
    talk.receive(START)
    talk.sound(b"a", words=(SpokenWord("Good", 0, 200), SpokenWord("morning", 200, 500)))
    talk.sound(b"b", words=(SpokenWord("Sir", 600, 700, (SpokenPhone("s", 600, 640),)),))
    assert talk.told[1:] == ["START", "RESULT", "sound 1", "RESULT", "sound 1"]
    assert talk.messages[1]["result"] == [
        {"start_time": 0, "end_time": 200, "text": "Good", "word_index": 0},
        {"start_time": 200, "end_time": 500, "text": "morning", "word_index": 1},
    ]
    assert talk.messages[2]["result"] == [
        {
            "start_time": 600,
            "end_time": 700,
            "text": "Sir",
            "word_index": 2,
            "phonemes": [{"phoneme": "s", "start_time": 600, "end_time": 640, "phoneme_index": 0}],
        }
    ]


@pytest.mark.parametrize("when", ["asked", "speaking", "done", "failed"])
def test_a_second_start_is_refused_and_harms_nothing(talk: Talk, when: str) -> None:
    talk.receive(START)
    if when != "asked":
        talk.sound(b"a")
    if when == "done":
        talk.finished()
    if when == "failed":
        talk.failed(ErrorCode.SPEECH_FAILED)
    talk.receive(START)
    assert talk.told[-1] == "ERROR SIS.0418"
    before = len(talk.told)
    talk.sound(b"b")
    talk.finished()
    after = [one for one in talk.told[before:] if one != "START"]
    expected = ["sound 1", "END NORMAL", "ended NORMAL True"]
    assert after == (expected if when in ("asked", "speaking") else [])


def test_a_text_that_is_refused_before_any_sound_may_be_sent_anew(talk: Talk) -> None:
    talk.receive(START)
    talk.failed(ErrorCode.SPEECH_BODY)
    talk.receive(START)
    assert talk.told == ["speak Good morning", "ERROR SIS.0415", "speak Good morning"]


def test_a_failure_in_the_middle_ends_with_a_reason(talk: Talk) -> None:
    talk.receive(START)
    talk.sound(b"a")
    talk.failed(ErrorCode.SPEECH_FAILED)
    assert talk.told[-3:] == ["ERROR SIS.0417", "END ERROR", "ended ERROR False"]


@pytest.mark.parametrize(
    ("frame", "code", "sentence"),
    [
        (b"\0\0", "SIS.0032", "a binary frame of 2 bytes came; allowed: a text frame"),
        ("no JSON", "SIS.0032", "not JSON"),
        ("[]", "SIS.0032", "not a JSON object"),
        ("[" * 100_000, "SIS.0032", "not JSON"),
        ("{}", "SIS.0032", "'command' is invalid: it is missing; allowed: 'START'"),
        ('{"command":"END"}', "SIS.0032", "'command' is invalid: it is 'END'; allowed: 'START'"),
        ('{"command":"START"}', "SIS.0012", "'text' is invalid: it is missing"),
        ('{"command":"START","text":""}', "SIS.0415", "'text' is invalid: it is ''"),
        ('{"command":"START","text":7}', "SIS.0415", "'text' is invalid: it is 7"),
        ('{"command":"START","text":"a","config":[]}', "SIS.0415", "'config' is invalid"),
        (
            '{"command":"START","text":"a","config":{"audio_format":"wav"}}',
            "SIS.0410",
            "'audio_format' is invalid: it is 'wav'; allowed: 'pcm' or 'alaw' or 'ulaw'",
        ),
        (
            '{"command":"START","text":"a","config":{"sample_rate":16000}}',
            "SIS.0402",
            "'sample_rate' is invalid: it is 16000; allowed: '8000' or '16000'",
        ),
        (
            '{"command":"START","text":"a","config":{"property":5}}',
            "SIS.0411",
            "'property' is invalid: it is 5",
        ),
        (
            '{"command":"START","text":"a","config":{"speed":501,"pitch":"0","volume":true}}',
            "SIS.0415",
            "'speed' is invalid: it is 501; allowed: a whole number from -500 to 500",
        ),
        (
            '{"command":"START","text":"a","config":{"subtitle":"yes"}}',
            "SIS.0415",
            "'subtitle' is invalid: it is 'yes'; allowed: 'word_level' or 'phoneme_level'",
        ),
    ],
)
def test_what_is_no_valid_start_is_answered_and_leaves_the_connection(
    talk: Talk, frame: str | bytes, code: str, sentence: str
) -> None:
    talk.receive(frame)
    assert talk.told == [f"ERROR {code}"]
    assert sentence in talk.messages[0]["error_msg"]
    talk.receive(START)
    assert talk.told[-1] == "speak Good morning"


def test_all_faults_are_told_at_once(talk: Talk) -> None:
    talk.receive('{"command":"START","text":"a","config":{"speed":501,"pitch":"0","volume":true}}')
    assert talk.messages[0]["error_msg"].count("is invalid") == 3


def test_unknown_keys_and_null_are_ignored(talk: Talk) -> None:
    talk.receive('{"command":"START","text":"a","config":{"speed":null,"vad":1},"more":{}}')
    assert talk.told == ["speak a"]


def test_a_frame_has_a_bound(talk: Talk) -> None:
    talk.receive(json.dumps({"command": "START", "text": "a", "more": "x" * MOST_BYTES}))
    assert "the text frame is too long" in talk.messages[0]["error_msg"]


def test_ten_thousand_characters_of_any_kind_fit_into_a_frame(talk: Talk) -> None:
    talk.receive(json.dumps({"command": "START", "text": "😀" * 10_000}))
    assert talk.told == [f"speak {'😀' * 10_000}"]


def test_who_sends_no_text_is_told_and_left(talk: Talk) -> None:
    assert talk.conversation.deadline() == 120.0
    talk.advance(119.9)
    assert talk.told == []
    talk.advance(120.0)
    assert talk.told == ["FATAL_ERROR SIS.0416", "close 1000"]
    assert talk.messages[0]["error_msg"] == "wait text timeout: no text for 20 s"
    assert talk.conversation.deadline() is None


def test_while_a_text_is_spoken_nobody_has_to_say_anything(talk: Talk) -> None:
    talk.receive(START)
    talk.sound(b"a")
    talk.advance(300.0)
    assert "close 1000" not in talk.told
    talk.finished(now=300.0)
    talk.advance(319.9)
    assert talk.told[-1] == "ended NORMAL True"
    talk.advance(320.0)
    assert talk.told[-1] == "close 1000"


def test_a_connection_has_a_longest_life(talk: Talk) -> None:
    talk.receive(START)
    talk.sound(b"a")
    talk.advance(100.0 + 18_000)
    assert talk.told[-3:] == ["hush", "ended disconnected False", "close 1000"]


def test_who_leaves_is_spoken_to_no_more(talk: Talk) -> None:
    talk.receive(START)
    talk.conversation.receive_eof()
    talk.drain()
    assert talk.told[1:] == ["hush", "ended disconnected False"]
    talk.sound(b"a")
    talk.finished()
    assert len(talk.told) == 3


def test_the_shutdown_waits_for_the_end_of_a_text(talk: Talk) -> None:
    talk.receive(START)
    talk.conversation.shut_down()
    talk.sound(b"a")
    talk.finished()
    assert talk.told[1:] == ["START", "sound 1", "END NORMAL", "ended NORMAL True", "close 1001"]


def test_the_shutdown_does_not_wait_for_who_has_no_text(talk: Talk) -> None:
    talk.conversation.shut_down()
    talk.drain()
    assert talk.told == ["close 1001"]


def test_a_text_that_is_refused_in_the_shutdown_ends_the_connection(talk: Talk) -> None:
    talk.receive(START)
    talk.conversation.shut_down()
    talk.failed(ErrorCode.VOICE)
    assert talk.told[1:] == ["ERROR SIS.0411", "close 1001"]


def test_who_may_call_no_more_hears_no_more(talk: Talk) -> None:
    talk.receive(START)
    talk.sound(b"a")
    talk.conversation.shut_down(Farewell.NOT_KNOWN)
    talk.drain()
    assert talk.told[-4:] == [
        "hush",
        "ended disconnected False",
        "FATAL_ERROR SIS.0101",
        "close 1008",
    ]


def test_the_end_of_the_shutdown_cuts_off(talk: Talk) -> None:
    talk.receive(START)
    talk.conversation.cut_off()
    talk.conversation.cut_off()
    talk.drain()
    assert talk.told[1:] == ["hush", "ended disconnected False", "close 1001"]


def test_a_fault_of_the_server_is_said(talk: Talk) -> None:
    talk.conversation.break_off()
    talk.drain()
    assert talk.told == ["FATAL_ERROR SIS.0100", "close 1011"]
    talk.receive(START)
    assert len(talk.told) == 2


@pytest.mark.parametrize("phones", [None, (), (SpokenPhone("ɡ", 1, 2), SpokenPhone("ʊ", 2, 4))])
def test_words_come_back_as_they_were_told(phones: tuple[SpokenPhone, ...] | None) -> None:
    message = Spoken("t", (SpokenWord("good", 1, 4, phones), SpokenWord("你", 5, 6, phones)), 7)
    frame = encode(message)
    assert isinstance(frame, str)
    assert decode(frame) == message


@pytest.mark.parametrize(
    "text",
    [
        '{"resp_type":"RESULT","trace_id":"t","segments":[]}',
        '{"resp_type":"RESULT","trace_id":"t","result":[]}',
        '{"resp_type":"RESULT","trace_id":"t","result":5}',
        '{"resp_type":"EVENT","trace_id":"t","event":"VOICE_START","timestamp":1}',
        "{}",
    ],
)
def test_what_is_no_message_of_synthesis_is_none(text: str) -> None:
    with pytest.raises(ProtocolError):
        decode(text)
