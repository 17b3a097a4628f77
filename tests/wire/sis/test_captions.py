"""START's caption channel: what is asked of the server, and that the client notices nothing."""

from __future__ import annotations

import pytest

from tests.recognition.talk import hush, speech
from tests.wire.sis.conversation import Conversation


def spoken(**config: object) -> Conversation:
    """A round with a partial and a final, ended."""
    talk = Conversation().start(interim_results="yes", **config)
    talk.audio(speech(500)).partial("good")
    return talk.audio(hush(1000)).final("good day").end()


def test_the_channel_is_asked_for_with_the_round_and_not_with_the_next() -> None:
    talk = spoken(caption_channel="stage").start()
    assert [request.caption_channel for request in talk.requests] == ["stage", None]


def test_the_client_is_sent_the_same_as_without_a_channel() -> None:
    assert spoken(caption_channel="stage").messages() == spoken().messages()
    asked = spoken(caption_channel="stage", need_word_info="yes").messages()
    assert asked == spoken(need_word_info="yes").messages()
    assert "word_info" in asked[-2]["segments"][0]["result"]


def test_a_channel_that_is_taken_refuses_the_round() -> None:
    talk = Conversation(slots=1).start(caption_channel="taken")
    (error,) = talk.messages()
    assert error["error_code"] == "SIS.0032"
    assert error["error_msg"] == (
        "'caption_channel' is invalid: it is 'taken', to which another round is publishing; "
        "allowed: a channel without an open round, and of no other project"
    )
    assert talk.start(caption_channel="stage").told() == ["START"]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a.vtt", "ü", "x" * 65, "a\n"])
def test_a_name_that_is_none_is_refused_with_what_is_allowed(name: str) -> None:
    (error,) = Conversation().start(caption_channel=name).messages()
    assert error["error_code"] == "SIS.0032"
    assert error["error_msg"].startswith("'caption_channel' is invalid: it is ")
    assert error["error_msg"].endswith("allowed: 1 to 64 characters of A-Z, a-z, 0-9, _ and -")
