"""What holds for the endpointer whatever the flags, the levels, the calls and the rules are."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vad.naive import Call, Drop, Flush, naive_events
from vad import (
    Endpoint,
    Endpointer,
    EndpointReason,
    EndpointRules,
    Event,
    HeadSilence,
    SpeechStarted,
    VadError,
)

quick = settings(max_examples=200)


@dataclass(frozen=True)
class Stream:
    rules: EndpointRules
    flags: list[bool]
    levels: list[float]
    calls: list[Call]
    """In order; the last is the flush at the end."""

    @property
    def at_sample(self) -> int:
        """How many samples there are."""
        return self.calls[-1].at_sample

    def believed(self, frame: int) -> list[int]:
        """The speech frames of the onset window, if they make `frame` believed."""
        first = max(0, frame - self.rules.onset_window_frames + 1)
        speech = [n for n in range(first, frame + 1) if self.flags[n]]
        enough = len(speech) >= self.rules.onset_frames_needed
        return speech if self.flags[frame] and enough else []


@st.composite
def random_rules(draw: st.DrawFn) -> EndpointRules:
    """Short ones, so that a hundred frames meet every limit; margins seldom on frame borders."""
    needed_ms = draw(st.integers(1, 80))
    values: dict[str, Any] = {
        "frame_samples": draw(st.sampled_from([80, 160, 240, 256])),
        "sample_rate": 8000,
        "vad_head_ms": draw(st.sampled_from([0, 35, 200, 500])),
        "vad_tail_ms": draw(
            st.one_of(st.integers(0, 400), st.integers(0, 400), st.none(), st.integers(3001, 9000))
        ),
        "pre_roll_ms": draw(st.integers(0, 150)),
        "post_roll_ms": draw(st.integers(0, 250)),
        "onset_speech_ms": needed_ms,
        "onset_window_ms": needed_ms + draw(st.integers(0, 80)),
        "search_ms": draw(st.integers(150, 700)),
    }
    max_ms = draw(st.integers(250, 1500))
    try:
        return EndpointRules(max_ms=max_ms, **values)
    except VadError:
        return EndpointRules(max_ms=max_ms + 800, **values)


@st.composite
def random_calls(draw: st.DrawFn, at_sample: int) -> list[Call]:
    """A few calls anywhere, several at one place too, and the flush at the end."""
    calls: list[Call] = []
    for position in sorted(draw(st.lists(st.integers(0, at_sample), max_size=6))):
        if draw(st.booleans()):
            calls.append(Drop(position))
        else:
            calls.append(Flush(position, EndpointReason.FLUSH))
    return [*calls, Flush(at_sample, EndpointReason.END)]


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """Runs of speech and silence, some only a frame long, with levels full of ties."""
    rules = draw(random_rules())
    run = st.tuples(st.booleans(), st.one_of(st.integers(1, 3), st.integers(1, 40)))
    runs = draw(st.lists(run, min_size=draw(st.integers(0, 14)), max_size=14))
    flags = [flag for flag, frames in runs for _ in range(frames)]
    # Drawn outside Hypothesis, which would spend most of its effort on a hundred levels.
    random = Random(draw(st.integers(0, 2**16)))
    levels = [float(random.randrange(5)) for _ in flags]
    at_sample = len(flags) * rules.frame_samples + draw(st.integers(0, rules.frame_samples - 1))
    return Stream(rules, flags, levels, draw(random_calls(at_sample)))


def steps(stream: Stream, endpointer: Endpointer) -> Iterator[tuple[int, list[Event | Drop]]]:
    """Push the frames and make the calls; after each the samples received, and the events of it."""
    calls = list(stream.calls)
    size = stream.rules.frame_samples
    for frame in range(len(stream.flags) + 1):
        while calls and calls[0].at_sample // size == frame:
            call = calls.pop(0)
            if isinstance(call, Drop):
                endpointer.drop(call.at_sample)
                yield call.at_sample, [call]
            else:
                yield call.at_sample, [*endpointer.flush(call.at_sample, call.reason)]
        if frame < len(stream.flags):
            events = endpointer.push(stream.flags[frame], stream.levels[frame])
            yield (frame + 1) * size, [*events]


def play(stream: Stream) -> list[Event | Drop]:
    return [event for _, events in steps(stream, Endpointer(stream.rules)) for event in events]


@quick
@given(streams())
def test_the_streaming_endpointer_equals_its_naive_twin(stream: Stream) -> None:
    events = play(stream)
    for event in events:
        note(event.reason if isinstance(event, Endpoint) else type(event).__name__)
    assert events == naive_events(stream.flags, stream.levels, stream.calls, stream.rules)


@quick
@given(streams())
def test_starts_and_ends_alternate_and_the_last_utterance_is_closed(stream: Stream) -> None:
    is_open = False
    for event in play(stream):
        match event:
            case SpeechStarted():
                assert not is_open
                is_open = True
            case Endpoint():
                assert is_open
                is_open = False
            case HeadSilence():
                assert not is_open
            case Drop():
                is_open = False
    assert not is_open


@quick
@given(streams())
def test_utterances_are_in_order_and_share_no_sample_with_another_or_with_dropped_audio(
    stream: Stream,
) -> None:
    position = 0
    start = SpeechStarted(0, 0)
    for event in play(stream):
        match event:
            case SpeechStarted():
                assert position <= event.start_sample <= event.onset_sample
                start = event
            case Endpoint():
                assert event.start_sample == start.start_sample
                assert position <= event.start_sample < event.end_sample <= event.at_sample
                assert start.onset_sample < event.speech_end_sample <= event.end_sample
                position = event.end_sample
                if event.reason not in (EndpointReason.SILENCE, EndpointReason.MAX_LENGTH):
                    position = event.at_sample
            case Drop():
                position = event.at_sample
            case HeadSilence():
                pass
    assert position <= stream.at_sample


@quick
@given(streams())
def test_no_utterance_is_longer_than_the_limit(stream: Stream) -> None:
    for event in play(stream):
        if isinstance(event, Endpoint):
            length = event.end_sample - event.start_sample
            assert length <= stream.rules.max_samples
            if event.reason is EndpointReason.MAX_LENGTH:
                heard = event.at_sample - event.start_sample
                assert heard > stream.rules.max_samples - stream.rules.frame_samples


@quick
@given(streams())
def test_silence_ends_an_utterance_after_vad_tail_and_never_without_one(stream: Stream) -> None:
    for event in play(stream):
        if isinstance(event, Endpoint) and event.reason is EndpointReason.SILENCE:
            tail_ms = stream.rules.vad_tail_ms
            assert tail_ms is not None
            silent_ms = (event.at_sample - event.speech_end_sample) * 1000
            assert silent_ms >= tail_ms * stream.rules.sample_rate


@quick
@given(streams())
def test_what_is_committed_belongs_to_the_open_utterance_and_is_never_taken_back(
    stream: Stream,
) -> None:
    endpointer = Endpointer(stream.rules)
    committed = oldest = start = 0
    for received, events in steps(stream, endpointer):
        for event in events:
            match event:
                case SpeechStarted():
                    start = event.start_sample
                    assert start >= oldest
                case Endpoint():
                    assert start <= max(committed, start) <= event.end_sample
                case HeadSilence() | Drop():
                    pass
        assert committed <= endpointer.committed_sample <= received
        assert oldest <= endpointer.oldest_needed_sample <= received
        committed, oldest = endpointer.committed_sample, endpointer.oldest_needed_sample
        if endpointer.is_open:
            assert start <= committed


@quick
@given(streams())
def test_every_frame_of_believed_speech_lies_whole_in_utterances_unless_it_was_dropped(
    stream: Stream,
) -> None:
    """No speech is lost, wherever ends and breaks fall, and speech that a flush cuts is whole."""
    accounted = np.zeros(stream.at_sample, np.bool_)
    """Samples of utterances, and those that were dropped out of an open one."""
    start: int | None = None
    for event in play(stream):
        match event:
            case SpeechStarted():
                start = event.start_sample
            case Endpoint():
                accounted[event.start_sample : event.end_sample] = True
                start = None
            case Drop():
                if start is not None:
                    accounted[start : event.at_sample] = True
                start = None
            case HeadSilence():
                pass
    size = stream.rules.frame_samples
    for frame in range(len(stream.flags)):
        speech = stream.believed(frame)
        if not speech:
            continue
        # A flush or drop decides about what no utterance had taken: it is in none.
        calls = [call.at_sample for call in stream.calls if call.at_sample // size <= frame]
        decided = calls[-1] if calls else 0
        # But where speech goes on over a single call, no utterance or the next has each sample.
        within = sum(call // size == frame for call in calls)
        if frame and stream.believed(frame - 1) and within == 1:
            decided = frame * size
        for number in speech:
            assert accounted[max(decided, number * size) : (number + 1) * size].all()


@quick
@given(streams())
def test_what_a_caller_must_keep_has_an_end(stream: Stream) -> None:
    rules = stream.rules
    endpointer = Endpointer(rules)
    onset = rules.onset_window_frames * rules.frame_samples + rules.pre_roll_samples
    for received, _ in steps(stream, endpointer):
        most = rules.max_samples if endpointer.is_open else onset
        assert received - endpointer.oldest_needed_sample <= most + rules.frame_samples


@settings(max_examples=10)
@given(random_rules(), st.integers(0, 2**16), st.sampled_from([0.0, 0.02, 0.5, 0.98, 1.0]))
def test_an_endpointer_does_not_grow_with_its_stream(
    rules: EndpointRules, seed: int, share: float
) -> None:
    random = Random(seed)
    endpointer = Endpointer(rules)
    sizes: list[int] = []
    for frames in range(1, 20_001):
        endpointer.push(random.random() < share, float(random.randrange(5)))
        if random.random() < 0.001:
            endpointer.flush(frames * rules.frame_samples, EndpointReason.FLUSH)
        if frames % 100 == 0:
            sizes.append(len(pickle.dumps(endpointer)))
    # Numbers of frames and samples get longer by a few bytes each.
    assert max(sizes[100:]) <= max(sizes[:100]) + 100


@quick
@given(
    st.sampled_from([8000, 16000, 48000]),
    st.sampled_from([10, 20, 30]),
    st.integers(0, 12_000),
    st.integers(6, 60),
)
def test_vad_tail_is_as_long_at_every_sample_rate_and_frame_length(
    sample_rate: int, frame_ms: int, tail_ms: int, speech_frames: int
) -> None:
    """The silence before an endpoint is the shortest whole number of frames that is enough."""
    rules = EndpointRules(
        frame_samples=sample_rate * frame_ms // 1000,
        sample_rate=sample_rate,
        vad_tail_ms=tail_ms,
        vad_head_ms=0,
    )
    endpointer = Endpointer(rules)
    for _ in range(speech_frames):
        endpointer.push(True, 1000.0)
    silent_ms = 0
    events: list[Event] = []
    while not events:
        events = endpointer.push(False, 10.0)
        silent_ms += frame_ms
    (endpoint,) = events
    assert isinstance(endpoint, Endpoint)
    assert endpoint.reason is EndpointReason.SILENCE
    assert (endpoint.at_sample - endpoint.speech_end_sample) * 1000 == silent_ms * sample_rate
    assert max(tail_ms, 1) <= silent_ms < max(tail_ms, 1) + frame_ms
