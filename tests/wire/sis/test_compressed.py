"""What a fault in compressed audio does to a round."""

from __future__ import annotations

import numpy as np
import pytest

from rasr.audio import COMPRESSED_FORMATS
from rasr.wire.sis.modes import Mode
from tests.audio.compressed import compressed
from tests.audio.signals import silence, tone
from tests.wire.sis.conversation import Conversation

SOUND = compressed(
    np.concatenate([silence(0.3, 16000), tone(440, 0.5, 16000, 16000), silence(0.9, 16000)]),
    "mp3",
    16000,
)


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
