"""What holds for the endpointer whatever the flags, the levels and the rules are."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vad.naive import naive_events
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

quick = settings(derandomize=True, deadline=None, max_examples=200)


@dataclass(frozen=True)
class Round:
    rules: EndpointRules
    flags: list[bool]
    levels: list[float]
    at_sample: int


@st.composite
def random_rules(draw: st.DrawFn) -> EndpointRules:
    """Short ones, so that a hundred frames meet every limit; margins seldom on frame borders."""
    needed_ms = draw(st.integers(1, 80))
    values = {
        "frame_samples": draw(st.sampled_from([80, 160, 240, 256])),
        "sample_rate": 8000,
        "vad_head_ms": draw(st.sampled_from([0, 35, 200, 500])),
        "vad_tail_ms": draw(st.integers(0, 400)),
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
def rounds(draw: st.DrawFn) -> Round:
    """Runs of speech and silence, some only a frame long, with levels full of ties."""
    rules = draw(random_rules())
    run = st.tuples(st.booleans(), st.one_of(st.integers(1, 3), st.integers(1, 40)))
    runs = draw(st.lists(run, min_size=draw(st.integers(0, 14)), max_size=14))
    flags = [flag for flag, frames in runs for _ in range(frames)]
    # Drawn outside Hypothesis, which would spend most of its effort on a hundred levels.
    random = Random(draw(st.integers(0, 2**16)))
    levels = [float(random.randrange(5)) for _ in flags]
    partial = draw(st.integers(0, rules.frame_samples - 1))
    return Round(rules, flags, levels, len(flags) * rules.frame_samples + partial)


def play(one: Round) -> list[Event]:
    endpointer = Endpointer(one.rules)
    events: list[Event] = []
    for flag, level in zip(one.flags, one.levels, strict=True):
        events += endpointer.push(flag, level)
    return events + endpointer.flush(one.at_sample)


@quick
@given(rounds())
def test_the_streaming_endpointer_equals_its_naive_twin(one: Round) -> None:
    events = play(one)
    for event in events:
        note(event.reason if isinstance(event, Endpoint) else type(event).__name__)
    assert events == naive_events(one.flags, one.levels, one.at_sample, one.rules)


@quick
@given(rounds())
def test_starts_and_endpoints_alternate_and_the_last_utterance_is_closed(one: Round) -> None:
    is_open = False
    for event in play(one):
        match event:
            case SpeechStarted():
                assert not is_open
                is_open = True
            case Endpoint():
                assert is_open
                is_open = False
            case HeadSilence():
                assert not is_open
    assert not is_open


@quick
@given(rounds())
def test_segments_are_ordered_and_disjoint_and_with_the_gaps_are_all_samples(one: Round) -> None:
    position = covered = 0
    starts: list[SpeechStarted] = []
    for event in play(one):
        if isinstance(event, SpeechStarted):
            assert event.start_sample <= event.onset_sample
            starts.append(event)
        elif isinstance(event, Endpoint):
            start = starts[-1]
            assert event.start_sample == start.start_sample
            assert position <= event.start_sample < event.end_sample <= event.at_sample
            assert start.onset_sample < event.speech_end_sample <= event.end_sample
            gap = event.start_sample - position
            covered += gap + event.end_sample - event.start_sample
            position = event.end_sample
    assert position <= one.at_sample
    assert covered + one.at_sample - position == one.at_sample


@quick
@given(rounds())
def test_no_utterance_is_longer_than_the_limit(one: Round) -> None:
    for event in play(one):
        if isinstance(event, Endpoint):
            length = event.end_sample - event.start_sample
            assert length <= one.rules.max_samples
            if event.reason is EndpointReason.MAX_LENGTH:
                heard = event.at_sample - event.start_sample
                assert heard > one.rules.max_samples - one.rules.frame_samples


@quick
@given(rounds())
def test_what_is_committed_belongs_to_the_open_utterance_and_is_never_taken_back(
    one: Round,
) -> None:
    endpointer = Endpointer(one.rules)
    committed = oldest = start = received = 0

    def check(events: list[Event]) -> None:
        nonlocal start
        for event in events:
            match event:
                case SpeechStarted():
                    start = event.start_sample
                    assert start >= oldest
                case Endpoint():
                    assert start <= max(committed, start) <= event.end_sample
                case HeadSilence():
                    pass

    for flag, level in zip(one.flags, one.levels, strict=True):
        received += one.rules.frame_samples
        check(endpointer.push(flag, level))
        assert committed <= endpointer.committed_sample <= received
        assert oldest <= endpointer.oldest_needed_sample <= received
        committed, oldest = endpointer.committed_sample, endpointer.oldest_needed_sample
        if endpointer.is_open:
            assert start <= committed
    check(endpointer.flush(one.at_sample))
    assert endpointer.committed_sample >= committed


@quick
@given(rounds())
def test_every_frame_of_believed_speech_lies_whole_in_utterances(one: Round) -> None:
    """No speech is lost, wherever ends and breaks fall."""
    decoded = [False] * one.at_sample
    for event in play(one):
        if isinstance(event, Endpoint):
            length = event.end_sample - event.start_sample
            decoded[event.start_sample : event.end_sample] = [True] * length
    size, window = one.rules.frame_samples, one.rules.onset_window_frames
    for frame in range(len(one.flags)):
        speech = [n for n in range(max(0, frame - window + 1), frame + 1) if one.flags[n]]
        if one.flags[frame] and len(speech) >= one.rules.onset_frames_needed:
            assert all(all(decoded[n * size : (n + 1) * size]) for n in speech)
