"""What holds for every recognition, however odd its audio, its engine and the order of calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rasr.recognition.config import Segmentation
from rasr.recognition.events import (
    Done,
    Final,
    Mark,
    Partial,
    RecognitionEvent,
    SpeechEnded,
    SpeechStarted,
)
from rasr.recognition.recognition import State
from tests.recognition.talk import Talk, hush, speech

_PROFILE = settings(max_examples=300)

_segmentations = st.builds(
    Segmentation,
    head_ms=st.sampled_from([0, 400]),
    tail_ms=st.sampled_from([None, 0, 200, 500, 4000]),
    max_ms=st.sampled_from([1000, 3000]),
    single=st.booleans(),
    joined=st.booleans(),
)
_fields = st.fixed_dictionaries(
    {
        "partials": st.booleans(),
        "max_audio_s": st.sampled_from([None, 3]),
        "slot_pause_s": st.sampled_from([None, 5.0]),
    }
)
Action = Callable[[Talk], object]


def _engine(talk: Talk, what: str, which: int) -> None:
    ended = {finished.segment for finished in talk.finished}
    if not talk.open:
        return
    segment = talk.open[which % len(talk.open)]
    if what == "final" and segment in ended:
        talk.final(f"words of {segment}", segment)
    elif what == "partial":
        talk.partial("word " * (which + 1), segment)
    elif what == "fail":
        talk.fail(segment)


def _process(talk: Talk, which: int) -> None:
    if talk.processing:
        talk.process(which % len(talk.processing))


_actions: st.SearchStrategy[Action] = st.one_of(
    st.tuples(st.integers(0, 1500), st.integers(0, 900)).map(
        lambda ms: lambda talk: talk.audio(speech(ms[0]), hush(ms[1]))
    ),
    st.binary(max_size=999).map(lambda data: lambda talk: talk.audio(data)),
    st.integers(0, 9).map(lambda mark: lambda talk: talk.flush(str(mark))),
    st.just(lambda talk: talk.drop()),
    st.tuples(st.sampled_from(["final", "partial", "final", "fail"]), st.integers(0, 3)).map(
        lambda what: lambda talk: _engine(talk, *what)
    ),
    st.integers(0, 3).map(lambda which: lambda talk: _process(talk, which)),
    st.floats(0, 9).map(lambda seconds: lambda talk: talk.wait(seconds)),
)


def played(segmentation: Segmentation, fields: dict[str, Any], actions: list[Action]) -> Talk:
    talk = Talk(segmentation, processes=False, **fields)
    for action in actions:
        action(talk)
    return talk


def answered(talk: Talk) -> None:
    """The engine and the text rules give what they owe, and nothing else happens."""
    owed = 4 * (len(talk.open) + len(talk.processing)) + 4
    while talk.open or talk.processing:
        if talk.open:
            talk.final("last")
        else:
            talk.process()
        owed -= 1
        assert owed > 0, "answers bring new questions without end"


@_PROFILE
@given(_segmentations, _fields, st.lists(_actions, max_size=20))
def test_after_the_end_a_bounded_number_of_answers_brings_done(
    segmentation: Segmentation, fields: dict[str, Any], actions: list[Action]
) -> None:
    talk = played(segmentation, fields, actions)
    talk.finish()
    answered(talk)
    assert talk.recognition.state is State.OVER
    assert isinstance(talk.events[-1], Done)
    assert len(talk.of(Done)) == 1
    assert talk.recognition.deadline() is None or fields["slot_pause_s"]


@_PROFILE
@given(_segmentations, _fields, st.lists(_actions, max_size=20))
def test_a_cancel_ends_it_at_once_and_nothing_is_held(
    segmentation: Segmentation, fields: dict[str, Any], actions: list[Action]
) -> None:
    talk = played(segmentation, fields, actions)
    talk.cancel()
    assert talk.open == []
    assert isinstance(talk.events[-1], Done)
    events = len(talk.events)
    talk.audio(speech(900)).flush().drop().finish().cancel()
    assert len(talk.events) == events


@_PROFILE
@given(_segmentations, _fields, st.lists(_actions, max_size=20))
def test_events_come_in_the_order_of_the_audio_and_stable_words_never_shrink(
    segmentation: Segmentation, fields: dict[str, Any], actions: list[Action]
) -> None:
    talk = played(segmentation, fields, actions)
    marks = [mark.mark for mark in talk.of(Mark)]
    talk.finish()
    answered(talk)
    assert [mark.mark for mark in talk.of(Mark)][: len(marks)] == marks
    finals = [final.segment for final in talk.of(Final) if final.segment]
    assert finals == sorted(set(finals))
    ended = [event.segment for event in talk.of(SpeechEnded) if event.reason != "dropped"]
    assert ended == sorted(set(ended))
    # A segment whose end was found is told once, or was dropped, or its text is part of a whole.
    if not segmentation.joined:
        dropped = {event.segment for event in talk.of(SpeechEnded) if event.reason == "dropped"}
        begun = {event.segment for event in talk.of(SpeechStarted)}
        assert set(finals) | dropped == begun
    _check_stable(talk.events, joined=segmentation.joined)


def _check_stable(events: list[RecognitionEvent], *, joined: bool) -> None:
    most = 0
    segment = 0
    for event in events:
        match event:
            case Final():
                most = 0
            case Partial():
                if not joined and event.segment != segment:
                    most, segment = 0, event.segment
                assert event.stable_words >= most
                most = event.stable_words
            case SpeechEnded(reason="dropped"):
                most = 0


@_PROFILE
@given(
    _segmentations,
    st.lists(st.tuples(st.integers(20, 2500), st.integers(20, 900)), min_size=1, max_size=4),
    st.lists(st.integers(1, 20_000), min_size=1, max_size=8),
    st.sets(st.integers(0, 7), max_size=4),
)
def test_no_sample_is_decoded_twice_and_segments_follow_each_other(
    segmentation: Segmentation,
    parts: list[tuple[int, int]],
    cuts: list[int],
    flushes: set[int],
) -> None:
    audio = b"".join(hush(silence) + speech(loud) for loud, silence in parts) + hush(600)
    talk = Talk(segmentation)
    at = 0
    for number, cut in enumerate(cuts):
        talk.audio(audio[at : at + cut])
        at += cut
        if number in flushes:
            talk.flush()
    talk.audio(audio[at:]).finish()
    received = 0
    for started, ended in zip(talk.of(SpeechStarted), talk.of(SpeechEnded), strict=True):
        assert received <= started.start_sample <= started.onset_sample
        assert ended.end_sample > started.start_sample
        decoded = talk.audio_of(started.segment)
        assert decoded == audio[2 * started.start_sample : 2 * ended.end_sample]
        received = ended.end_sample
