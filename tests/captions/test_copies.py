"""Copies of channels: what one server tells another of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasr.captions import Broadcaster, Copier, Copy, CopyBroken, TimedText
from rasr.captions.channel import Channel
from rasr.settings import CaptionSettings
from tests.captions.test_broadcaster import states, texts
from tests.captions.test_channel import LONG, Page, events
from tests.captions.values import FakeLoop, final, partial, pure, sentences, spoken


class Two:
    """A server whose channel another one copies."""

    def __init__(self, settings: CaptionSettings | None = None, behind_s: float = 0.0) -> None:
        """
        Args:
            behind_s: the clock of the other one began so much later.
        """
        self.settings = settings or CaptionSettings()
        self.loop, self.other_loop = FakeLoop(), FakeLoop()
        self.other_loop.now -= behind_s
        self.first = Broadcaster(self.settings, self.loop)
        self.second = Broadcaster(self.settings, self.other_loop)
        self.copy = self.new_copy()
        self.copier = self.begin()

    def new_copy(self) -> Copy:
        return Copy(self.settings.history_cues, self.other_loop.time)

    def begin(self) -> Copier:
        """The connection between them is made."""
        return self.first.join_copier("stage", self.copy.place, lambda: None)

    def tell(self) -> None:
        """All that is news comes over."""
        while message := self.copier.new_events():
            self.copy.take(message)
            if self.copy.is_whole:
                if self.copy.channel is None:
                    self.second.drop("stage")
                else:
                    self.second.show("stage", self.copy.channel)


@settings(pure, max_examples=25)
@given(
    said_so_far=st.lists(sentences(), max_size=6),
    history_cues=st.integers(1, 6),
    looks=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_a_copy_is_what_its_original_is_whenever_it_looks(
    said_so_far: list[TimedText], history_cues: int, looks: list[bool]
) -> None:
    two = Two(CaptionSettings(history_cues=history_cues))
    publisher = two.first.open("stage")
    original = two.first.channel_of("stage")
    assert original is not None
    for number, text in enumerate(said_so_far):
        words = " ".join(word.text for word in text.words)
        publisher.on_event(partial(words, text.start_ms))
        if looks[2 * number]:
            two.tell()
        publisher.on_event(final(words, text.start_ms))
        if looks[2 * number + 1]:
            two.tell()
    publisher.on_event(partial("and more"))
    two.tell()
    copied = two.second.channel_of("stage")
    assert copied is not None
    assert (copied.token, copied.live) == (original.token, True)
    assert copied.history() == original.history()
    assert copied.since(copied.cursor("0")) == original.since(original.cursor("0"))


def test_a_viewer_of_the_copy_sees_what_a_viewer_of_the_original_sees() -> None:
    two = Two()
    viewers = [one.join("stage", None, lambda: None) for one in (two.first, two.second)]
    publisher = two.first.open("stage")
    seen: list[list[str]] = []
    for text in ("good", "good morning"):
        publisher.on_event(partial(text))
        two.tell()
        seen.append([texts(one.new_events())[0] for one in viewers])
    publisher.on_event(final("Good morning."))
    publisher.close()
    two.tell()
    at_end = [one.new_events() for one in viewers]
    assert seen == [["good"] * 2, ["good morning"] * 2]
    assert [texts(one) for one in at_end] == [["Good morning."]] * 2
    assert [states(one) for one in at_end] == [["ended"]] * 2


def test_who_comes_from_the_original_with_an_id_goes_on_at_the_copy() -> None:
    two = Two()
    publisher = two.first.open("stage")
    for word in ("one", "two", "three"):
        publisher.on_event(final(word))
    two.tell()
    original = two.first.channel_of("stage")
    assert original is not None
    viewer = two.second.join("stage", f"{original.token}-2", lambda: None)
    assert texts(viewer.new_events()) == ["three"]


def test_a_viewer_whose_channel_comes_back_gets_no_final_twice() -> None:
    two = Two()
    publisher = two.first.open("stage")
    publisher.on_event(final("one"))
    two.tell()
    viewer = two.second.join("stage", None, lambda: None)
    assert texts(viewer.new_events()) == ["one"]
    two.second.drop("stage")
    assert states(viewer.new_events()) == ["waiting"]
    publisher.on_event(final("two"))
    two.tell()
    again = viewer.new_events()
    assert (states(again), texts(again)) == (["live"], ["two"])


def test_a_connection_that_is_made_anew_tells_what_was_missed_and_no_more() -> None:
    two = Two()
    publisher = two.first.open("stage")
    publisher.on_event(final("one"))
    two.tell()
    two.first.leave(two.copier)
    publisher.on_event(final("two"))
    two.copier = two.begin()
    viewer = two.second.join("stage", None, lambda: None)
    viewer.new_events()
    two.tell()
    assert texts(viewer.new_events()) == ["two"]
    history = two.second.history("stage")
    assert history is not None
    assert history.texts == ("one", "two")


def test_a_copy_that_nobody_keeps_up_ends_and_is_forgotten_after_the_grace_time() -> None:
    two = Two(CaptionSettings(grace_s=60))
    publisher = two.first.open("stage")
    publisher.on_event(partial("one"))
    two.tell()
    viewer = two.second.join("stage", None, lambda: None)
    assert states(viewer.new_events()) == ["live"]
    two.second.lose("stage")
    told = viewer.new_events()
    assert (states(told), texts(told)) == (["ended"], [""])
    two.other_loop.pass_time(60)
    assert states(viewer.new_events()) == ["waiting"]
    assert two.second.copies == 0


def test_a_recognition_goes_on_with_a_copy_on_the_clock_of_its_beginning() -> None:
    two = Two(behind_s=500)
    publisher = two.first.open("stage", project="p")
    publisher.on_event(final("one"))
    publisher.on_event(partial("tw"))
    two.loop.pass_time(100)
    two.other_loop.pass_time(100)
    publisher.on_event(partial("two"))
    two.tell()
    token = two.second.join("stage", None, lambda: None)
    (before,) = [one["channel"] for one in events(token.new_events()) if one["event"] == "state"]
    two.second.lose("stage")
    going_on = two.second.open("stage", project="p")
    going_on.on_event(final("two"))
    told = events(token.new_events())
    assert [one["channel"] for one in told if one["event"] == "state"] == [before] * len(
        [one for one in told if one["event"] == "state"]
    )
    (cue,) = [one for one in told if one["event"] == "cue" and one["final"]]
    assert (cue["id"], cue["text"]) == (2, "two")
    assert cue["start"] == 100_000
    assert two.second.own == {"stage": "p"}
    assert two.second.copies == 0


def test_a_channel_that_is_inherited_lasts_for_its_grace_time() -> None:
    two = Two(CaptionSettings(grace_s=60))
    two.first.open("stage").on_event(final("one"))
    two.tell()
    two.second.inherit("stage", "p")
    assert two.second.refusal("stage", "other") is not None
    assert two.second.refusal("stage", "p") is None
    assert not two.second.show("stage", Channel("abc", 10)), "it is no copy any more"
    two.other_loop.pass_time(60)
    assert two.second.channels == 0


def test_a_channel_that_is_given_away_is_a_copy() -> None:
    two = Two(CaptionSettings(grace_s=60))
    two.second.open("stage").close()
    two.second.give_away("stage")
    assert (two.second.channels, two.second.copies) == (0, 1)
    two.first.open("stage").on_event(final("one"))
    viewer = two.second.join("stage", None, lambda: None)
    two.tell()
    assert texts(viewer.new_events()) == ["one"]
    two.other_loop.pass_time(60)
    assert two.second.copies == 1


def test_copies_have_a_bound_of_their_own() -> None:
    two = Two(CaptionSettings(max_channels=1))
    for number in range(4):
        assert two.second.show(f"c{number}", Channel(f"{number}", 10))
    assert not two.second.show("c4", Channel("4", 10))
    assert two.second.refusal("mine") is None
    two.second.open("mine")


def test_watched_are_the_names_that_are_not_here() -> None:
    two = Two()
    two.second.open("mine")
    viewers = [two.second.join(name, None, lambda: None) for name in ("mine", "stage")]
    # Whoever copies for others does not make this server look for it.
    two.second.join_copier("copied", "", lambda: None)
    assert two.second.watched == {"stage"}
    two.second.leave(viewers[1])
    assert two.second.watched == set()


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"[]",
        b'{"token":"abc"}',
        b'{"token":"abc","live":true,"age_ms":-1,"final_cues":0,"whole":true}',
        b'{"token":"abc","live":true,"age_ms":0,"final_cues":0,"whole":true,"finals":['
        b'{"start_ms":0,"end_ms":1,"lines":["a"],"event":"","text":"a"}]}',
    ],
)
def test_what_makes_no_copy_is_refused(message: bytes) -> None:
    with pytest.raises(CopyBroken) as refused:
        Two().copy.take(message)
    assert "abc" not in str(refused.value)


def test_a_copy_that_has_more_than_its_original_is_made_anew() -> None:
    two = Two()
    publisher = two.first.open("stage")
    publisher.on_event(final("one"))
    two.tell()
    assert two.copy.channel is not None
    ahead = two.copy.channel
    ahead.publish(spoken(LONG))
    two.first.leave(two.copier)
    two.copier = two.begin()
    with pytest.raises(CopyBroken):
        two.tell()


def test_a_channel_that_is_forgotten_takes_its_copy_with_it() -> None:
    two = Two(CaptionSettings(grace_s=60))
    two.first.open("stage").close()
    two.tell()
    assert two.second.copies == 1
    two.loop.pass_time(60)
    two.tell()
    assert two.second.copies == 0


def test_a_copy_of_a_channel_that_was_away_has_all_of_it_again() -> None:
    two = Two()
    publisher = two.first.open("stage")
    publisher.on_event(final("one"))
    two.tell()
    original = two.first.channel_of("stage")
    assert original is not None
    two.first.give_away("stage")
    two.first.drop("stage")
    two.tell()
    assert two.second.copies == 0
    two.first.show("stage", original)
    two.tell()
    history = two.second.history("stage")
    assert history is not None
    assert history.texts == ("one",)


def test_what_a_copy_has_already_is_no_news_to_those_who_watch_it() -> None:
    two = Two()
    two.first.open("stage").on_event(partial("good morning"))
    two.tell()
    viewer = two.second.join("stage", None, lambda: None)
    assert b"good morning" in viewer.new_events()
    # By a connection that is made anew it is told again.
    two.copier = two.begin()
    two.tell()
    assert viewer.new_events() == b""


def test_cues_that_were_taken_back_are_taken_back_in_the_copy() -> None:
    two = Two()
    publisher = two.first.open("stage")
    publisher.on_event(partial(LONG))
    two.tell()
    copied = two.second.channel_of("stage")
    assert copied is not None
    page = Page(copied)
    page.look()
    assert len(page.rolling) == 2
    publisher.on_event(final("short"))
    two.tell()
    page.look()
    assert (page.finals, page.rolling) == (["short"], {})
