"""Compressed sound in the machine: in which pieces, and what a fault in it does to a round."""

from __future__ import annotations

import numpy as np
import pytest

from rasr.audio import COMPRESSED_FORMATS
from rasr.audio.compressed import MOST_BYTES_AT_ONCE
from rasr.session.rules import SessionRules
from rasr.wire.sis.modes import Mode
from tests.audio.compressed import compressed
from tests.audio.signals import silence, tone
from tests.session.conversation import Conversation

SOUND = compressed(
    np.concatenate([silence(0.3, 16000), tone(440, 0.5, 16000, 16000), silence(0.9, 16000)]),
    "mp3",
    16000,
)


def test_compressed_sound_is_taken_in_small_pieces_and_raw_sound_whole() -> None:
    data = bytes(range(256)) * 10
    talk = Conversation().start(audio_format="mp3")
    pieces = talk.machine.pieces(data)
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) == MOST_BYTES_AT_ONCE
    assert Conversation().machine.pieces(data) == (data,)
    assert Conversation().start().machine.pieces(data) == (data,)


def test_a_message_of_raw_sound_is_taken_two_seconds_at_a_time() -> None:
    minute = bytes(8000) * 60
    talk = Conversation().start(audio_format="ulaw8k8bit", property="english_8k_common")
    pieces = talk.machine.pieces(minute)
    assert b"".join(pieces) == minute
    assert max(map(len, pieces)) == 16_000


def test_an_empty_frame_is_a_piece_too() -> None:
    assert Conversation().start(audio_format="aac").machine.pieces(b"") == (b"",)


def test_a_frame_that_will_be_refused_stays_whole() -> None:
    talk = Conversation(rules=SessionRules(warnings=False, max_message_bytes=1000))
    talk.start(audio_format="aac")
    assert len(talk.machine.pieces(bytes(1000))) == 2
    assert talk.machine.pieces(bytes(1001)) == (bytes(1001),)


def test_received_sound_is_counted_decoded() -> None:
    talk = Conversation().start(audio_format="mp3")
    assert talk.machine.received_s == 0
    talk.audio(SOUND)
    assert talk.machine.received_s == pytest.approx(1.7, abs=0.1)
    assert talk.end().final("one").machine.received_s == 0


@pytest.mark.parametrize("name", list(COMPRESSED_FORMATS))
@pytest.mark.parametrize("khz", [8, 16])
def test_compressed_sound_fits_a_property_of_any_rate(name: str, khz: int) -> None:
    told = Conversation().start(audio_format=name, property=f"english_{khz}k_common").told()
    assert told == ["START"]


def test_a_fault_ends_the_round_behind_the_finals_of_what_was_before_it() -> None:
    talk = Conversation().start(audio_format="mp3").audio(SOUND + bytes(70_000))
    assert talk.told() == ["START"]
    assert talk.audio(SOUND).end().told() == []
    assert talk.final("one").told() == [
        "final: one",
        "ERROR SIS.0032",
        "END ERROR",
        "ERROR SIS.0032",
    ]
    assert talk.start(audio_format="mp3").told() == ["START"]


def test_a_fault_behind_the_end_of_a_sentence_is_not_heard() -> None:
    talk = Conversation(Mode.SENTENCE).start(audio_format="mp3").audio(SOUND)
    talk.audio(bytes(70_000))
    assert talk.final("one").told() == ["START", "VOICE_START", "final: one", "VOICE_END"]
    assert talk.end().told() == ["END NORMAL"]


def test_a_header_that_is_not_whole_is_a_fault_at_the_end_and_none_if_cancelled() -> None:
    begin = b"\x1a\x45\xdf\xa3"
    talk = Conversation().start(audio_format="webm-opus").audio(begin)
    assert talk.end().told() == ["START", "ERROR SIS.0032", "END ERROR"]
    talk.start(audio_format="webm-opus").audio(begin)
    assert talk.end(cancel=True).told() == ["START", "END CANCEL"]


def test_nothing_at_all_is_a_normal_end() -> None:
    assert Conversation().start(audio_format="aac").end().told() == ["START", "END NORMAL"]
