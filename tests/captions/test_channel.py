"""One channel: finals in order, rolling cues, cursors, bounds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report import ROOT
from rasr.captions import Cue, TimedText
from rasr.captions.channel import RECENT_CUES, Channel, Cursor
from rasr.captions.cues import LEAST_MS
from rasr.captions.measure import LINE_WIDTH, width
from tests.captions.values import pure, said, sentences, spoken

LONG = " ".join(["xxxxxxxxx"] * 16)
"""Four lines, so two cues."""


def channel(history_cues: int = 1000) -> Channel:
    made = Channel("abc", history_cues)
    made.begin(100.0)
    return made


def events(stream: bytes) -> list[dict[str, Any]]:
    """The events of a stream: `event`, `id` where there is one, and the keys of the data."""
    out = []
    for block in stream.decode().split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":")
        )
        if "data" in fields:
            data = json.loads(fields.pop("data"))
            out.append({"event": fields["event"], "event_id": fields.get("id")} | data)
    return out


def cues(stream: bytes) -> list[tuple[int, str, bool, int]]:
    """Number, text, final and revision of the cues in a stream."""
    return [
        (one["id"], one["text"], one["final"], one["revision"])
        for one in events(stream)
        if one["event"] == "cue"
    ]


class Page:
    """A viewer as the stream describes him: what stands on his screen."""

    def __init__(self, watched: Channel) -> None:
        self.channel = watched
        self.cursor = watched.cursor("")
        self.finals: list[str] = []
        self.rolling: dict[int, str] = {}

    def look(self) -> None:
        for number, text, final, _ in cues(self.channel.since(self.cursor)):
            if final:
                assert number == len(self.finals) + 1, "a final is missing or came twice"
                self.finals.append(text)
                self.rolling.pop(number, None)
            elif text:
                self.rolling[number] = text
            else:
                self.rolling.pop(number, None)


def test_a_sentence_rolls_in_one_cue_until_it_is_final() -> None:
    one, cursor = channel(), Cursor()
    one.publish(spoken("good", final=False))
    assert cues(one.since(cursor)) == [(1, "good", False, 1)]
    one.publish(spoken("good morning", final=False))
    assert cues(one.since(cursor)) == [(1, "good morning", False, 2)]
    one.publish(spoken("Good morning."))
    assert cues(one.since(cursor)) == [(1, "Good morning.", True, 3)]
    assert one.since(cursor) == b""


def test_events_have_the_times_of_the_speech_and_finals_an_id() -> None:
    one, cursor = channel(), Cursor()
    one.publish(spoken("good", start_ms=700, final=False))
    one.publish(spoken("good morning", start_ms=700))
    assert events(one.since(cursor)) == [
        {
            "event": "cue",
            "event_id": "abc-1",
            "id": 1,
            "start": 700,
            "end": 1700,
            "text": "good morning",
            "final": True,
            "revision": 2,
        }
    ]


def test_a_partial_that_shows_nothing_new_is_no_event() -> None:
    one, cursor = channel(), Cursor()
    one.publish(said("good", 0, 300, final=False))
    one.since(cursor)
    one.publish(said("good", 0, 500, final=False))
    assert one.since(cursor) == b""


def test_what_is_stable_is_told_until_the_text_is_final() -> None:
    one, cursor = channel(), Cursor()
    told = []
    for stable in (0, 4, 4):
        one.publish(replace(spoken("good morning", final=False), stable=stable))
        told += events(one.since(cursor))
    assert [each["stable"] for each in told] == [0, 4]
    one.publish(spoken("good morning"))
    (final,) = events(one.since(cursor))
    assert "stable" not in final


def test_of_a_long_sentence_only_the_cue_that_changes_is_told() -> None:
    one, cursor = channel(), Cursor()
    one.publish(spoken(LONG, final=False))
    assert [number for number, *_ in cues(one.since(cursor))] == [1, 2]
    one.publish(spoken(LONG + " end", final=False))
    assert [number for number, *_ in cues(one.since(cursor))] == [3]


def test_finals_of_single_sentences_keep_the_cues_of_the_partial() -> None:
    one, two = "We went home today.", "It was late by then"
    watched = channel()
    viewer = Page(watched)
    watched.publish(spoken(f"{one} {two}", final=False))
    viewer.look()
    assert list(viewer.rolling.values()) == [one, two]
    watched.publish(spoken(one))
    watched.publish(spoken(two, 1200))
    viewer.look()
    assert (viewer.finals, viewer.rolling) == ([one, two], {})


def test_a_cue_that_the_final_does_not_have_is_taken_back() -> None:
    one, cursor = channel(), Cursor()
    one.publish(spoken(LONG, final=False))
    one.since(cursor)
    one.publish(spoken("short"))
    assert cues(one.since(cursor)) == [(1, "short", True, 2), (2, "", False, 2)]
    one.publish(spoken("next", 9000, final=False))
    assert cues(one.since(cursor)) == [(2, "next", False, 3)]


def test_a_sentence_without_a_word_takes_its_partials_back() -> None:
    one, cursor = channel(), Cursor()
    one.publish(spoken("hm", final=False))
    one.since(cursor)
    one.publish(said(""))
    assert cues(one.since(cursor)) == [(1, "", False, 2)]
    assert one.final_cues == 0


def test_at_the_end_of_a_recognition_what_has_no_final_is_taken_back() -> None:
    one, cursor = channel(), Cursor()
    one.publish(spoken("good", final=False))
    one.since(cursor)
    one.end()
    assert cues(one.since(cursor)) == [(1, "", False, 2)]


def test_who_is_slow_misses_partials_and_no_final() -> None:
    one, cursor = channel(), Cursor()
    for number in range(100):
        one.publish(spoken("a", final=False))
        one.publish(spoken("a b", final=False))
        one.publish(spoken(f"a b {number}"))
    one.publish(spoken("now", final=False))
    told: list[tuple[int, str, bool, int]] = []
    while more := one.since(cursor):
        told += cues(more)
    assert [(text, final) for _, text, final, _ in told] == [
        *((f"a b {number}", True) for number in range(100)),
        ("now", False),
    ]


def test_finals_past_the_bound_are_forgotten_and_that_is_told() -> None:
    one, cursor = channel(history_cues=3), Cursor()
    for number in range(10):
        one.publish(spoken(str(number)))
    first, *rest = events(one.since(cursor))
    assert first == {"event": "missed", "event_id": None, "cues": 7}
    assert [one["text"] for one in rest] == ["7", "8", "9"]
    assert one.history().texts == ("7", "8", "9")


class TestResuming:
    def test_a_newcomer_sees_the_last_cues(self) -> None:
        one = channel()
        for number in range(20):
            one.publish(spoken(str(number)))
        told = cues(one.since(one.cursor(None)))
        assert [text for _, text, *_ in told] == [str(n) for n in range(20 - RECENT_CUES, 20)]

    def test_who_says_where_he_left_off_gets_every_final_since_and_what_stands_now(self) -> None:
        one = channel()
        for number in range(5):
            one.publish(spoken(str(number)))
        one.publish(spoken("now", final=False))
        told = cues(one.since(one.cursor("abc-3")))
        assert [text for _, text, *_ in told] == ["3", "4", "now"]

    def test_an_id_of_another_history_or_none_at_all_gets_all_that_is_kept(self) -> None:
        one = channel(history_cues=2)
        for number in range(4):
            one.publish(spoken(str(number)))
        for last in ("def-3", "0", "", "nonsense"):
            told = cues(one.since(one.cursor(last)))
            assert [text for _, text, *_ in told] == ["2", "3"], last

    def test_an_id_of_the_future_is_the_present(self) -> None:
        one = channel()
        one.publish(spoken("a"))
        assert one.since(one.cursor("abc-99")) == b""
        one.publish(spoken("b"))
        assert [text for _, text, *_ in cues(one.since(one.cursor("abc-1")))] == ["b"]


class TestRecognitions:
    def test_the_clock_of_a_later_recognition_goes_on_from_the_channel_s_beginning(self) -> None:
        one = channel()
        one.publish(said("one", 0, 1000))
        one.end()
        one.begin(160.0)
        one.publish(said("two", 500, 1500))
        assert one.history().cues == (
            Cue(0, 1000, ("one",)),
            Cue(60_500, 61_500, ("two",)),
        )

    def test_audio_that_came_faster_than_speech_is_not_spoken_over(self) -> None:
        one = channel()
        one.publish(said("one", 0, 90_000))
        one.end()
        one.begin(101.0)
        one.publish(said("two", 0, 500))
        assert one.history().cues[1].start_ms == 90_000

    def test_finals_are_kept_whole(self) -> None:
        one = channel()
        one.publish(spoken(LONG))
        one.publish(spoken("short"))
        assert one.history().texts == (LONG, "short")


@pure
@given(
    st.lists(st.tuples(sentences(), st.lists(st.integers(1, 40), max_size=4)), max_size=5),
    st.data(),
)
def test_whoever_looks_when_he_likes_ends_with_the_same_screen(
    speech: list[tuple[TimedText, list[int]]], data: st.DataObject
) -> None:
    one = channel()
    eager, lazy = Page(one), Page(one)
    for whole, lengths in speech:
        words = whole.text.split()
        for length in [*lengths, None]:
            if length is None:
                one.publish(whole)
            else:
                part = " ".join(words[:length])
                one.publish(said(part, whole.start_ms, whole.end_ms, final=False))
            eager.look()
            if data.draw(st.booleans()):
                lazy.look()
    eager.look()
    lazy.look()
    assert lazy.finals == eager.finals == [cue.text for cue in one.history().cues]
    assert lazy.rolling == eager.rolling == {}


@pytest.mark.parametrize("published", [4, 5])
def test_a_viewer_of_another_channel_gets_all_that_is_kept_and_is_told_what_is_not(
    published: int,
) -> None:
    one = channel(history_cues=3)
    for number in range(published):
        one.publish(spoken(f"sentence {number}", 2000 * number))
    for seen in ("", "abb-2", "abd-2", "nonsense"):
        given = events(one.since(one.cursor(seen)))
        assert [each["id"] for each in given] == list(range(published - 2, published + 1))
    cursor = Cursor()
    missed, *_ = events(one.since(cursor))
    assert (missed["event"], missed["cues"]) == ("missed", published - 3)


def test_a_viewer_that_asks_for_no_past_is_told_of_none_that_is_lost() -> None:
    one = channel(history_cues=3)
    for number in range(2 * RECENT_CUES):
        one.publish(spoken(f"sentence {number}", 2000 * number))
    given = events(one.since(one.cursor(None)))
    assert [each["event"] for each in given] == ["cue"] * 3


@pytest.mark.parametrize(("finals", "first_look"), [(63, 63), (64, 64), (65, 64), (200, 64)])
def test_a_long_history_is_given_in_parts_of_64(finals: int, first_look: int) -> None:
    watched = channel()
    for number in range(finals):
        watched.publish(said(str(number)))
    cursor = watched.cursor("")
    given = cues(watched.since(cursor))
    assert [text for _, text, *_ in given] == [str(number) for number in range(first_look)]
    assert watched.is_all_given(cursor) is (finals == first_look)
    while not watched.is_all_given(cursor):
        given += cues(watched.since(cursor))
    assert [number for number, *_ in given] == list(range(1, finals + 1))
    assert watched.since(cursor) == b""


@pytest.mark.parametrize(("kept", "published"), [(3, 10), (10, 10), (1, 2), (20, 5)])
@pytest.mark.parametrize("last_event_id", ["nonsense", "other-1", "zzz-1", "aaa-9"])
def test_whoever_names_no_place_of_this_history_begins_with_the_oldest(
    kept: int, published: int, last_event_id: str
) -> None:
    watched = channel(history_cues=kept)
    for number in range(published):
        watched.publish(said(str(number)))
    cursor = watched.cursor(last_event_id)
    assert cursor == Cursor(max(0, published - kept), 0)


def test_the_documentation_has_the_numbers_of_the_code() -> None:
    text = " ".join((ROOT / "docs/captions.md").read_text("utf-8").split())
    for sentence in (
        f"without one the last {RECENT_CUES}.",
        f"One or two lines of at most {LINE_WIDTH // width('x')} Latin or "
        f"{LINE_WIDTH // width('字')} Chinese characters",
        f"a cue stays at least {LEAST_MS // 1000} s, and",
    ):
        assert sentence in text


def test_two_recognitions_on_one_channel_are_a_bug_of_the_caller() -> None:
    watched = channel()
    with pytest.raises(AssertionError, match="two recognitions"):
        watched.begin(101.0)
    watched.end()
    watched.begin(102.0)
    assert watched.live


def test_a_final_that_nobody_saw_grow_is_the_first_revision_of_its_cue() -> None:
    watched = channel()
    cursor = watched.cursor("")
    watched.publish(said("one"))
    watched.publish(said("tw", final=False))
    watched.publish(said("two"))
    assert cues(watched.since(cursor)) == [(1, "one", True, 1), (2, "two", True, 2)]
