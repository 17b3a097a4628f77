"""What a round publishes, and that the client notices nothing of it."""

from __future__ import annotations

import pytest

from rasr.session.effects import OpenChannel, Publish, RoundClosed, RoundOpened, Send
from tests.session.conversation import Conversation, hush, speech


def published(talk: Conversation) -> list[Publish]:
    return [effect for effect in talk.effects if isinstance(effect, Publish)]


def spoken(**config: object) -> Conversation:
    """A round with a partial and a final, ended."""
    talk = Conversation().start(interim_results="yes", **config)
    talk.audio(speech(500)).partial("good")
    return talk.audio(hush(1000)).final("good day").end()


def test_a_round_that_names_a_channel_publishes_its_partials_and_finals_with_words() -> None:
    segments = [
        one for effect in published(spoken(caption_channel="stage")) for one in effect.segments
    ]
    assert [(one.text, one.is_final) for one in segments] == [("good", False), ("good day", True)]
    for one in segments:
        assert one.word_info is not None
        assert " ".join(word.word for word in one.word_info) == one.text


def test_other_rounds_publish_nothing() -> None:
    assert published(spoken()) == []


def test_the_client_is_sent_the_same_as_without_a_channel() -> None:
    assert spoken(caption_channel="stage").messages() == spoken().messages()
    asked = spoken(caption_channel="stage", need_word_info="yes").messages()
    assert asked == spoken(need_word_info="yes").messages()
    assert "word_info" in asked[-2]["segments"][0]["result"]


def test_the_client_comes_before_the_viewers() -> None:
    effects = spoken(caption_channel="stage").effects
    for at, effect in enumerate(effects):
        if isinstance(effect, Publish):
            before = effects[at - 1]
            assert isinstance(before, Send)


def test_the_channel_opens_before_the_round_and_closes_with_it() -> None:
    effects = spoken(caption_channel="stage").effects
    assert effects[0] == OpenChannel("stage")
    assert isinstance(effects[1], RoundOpened)
    assert isinstance(effects[-1], RoundClosed)


def test_the_round_after_it_is_not_published_unless_it_asks_again() -> None:
    talk = spoken(caption_channel="stage")
    talk.effects.clear()
    talk.start().audio(speech(500), hush(1000)).final("for you alone").end()
    assert published(talk) == []


def test_a_channel_that_is_taken_refuses_the_round_and_takes_no_seat() -> None:
    talk = Conversation(seats=1).start(caption_channel="taken")
    (error,) = talk.messages()
    assert error["error_code"] == "SIS.0032"
    assert error["error_msg"] == "another round is publishing to 'taken'"
    assert talk.seats == 1
    assert talk.start(caption_channel="stage").told() == ["START"]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a.vtt", "ü", "x" * 65, "a\n"])
def test_a_name_that_is_none_is_refused_with_what_is_allowed(name: str) -> None:
    (error,) = Conversation().start(caption_channel=name).messages()
    assert error["error_code"] == "SIS.0032"
    assert error["error_msg"].startswith("'caption_channel' is invalid: it is ")
    assert error["error_msg"].endswith("allowed: 1 to 64 characters of A-Z, a-z, 0-9, _ and -")


def test_a_cancelled_round_publishes_nothing_more() -> None:
    talk = Conversation().start(caption_channel="stage").audio(speech(500)).end(cancel=True)
    assert published(talk) == []
    assert isinstance(talk.effects[-1], RoundClosed)
