"""What the endpointer reports for given frame flags, drawn as pictures."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.vad.builders import push_all, rules_in_frames
from vad import (
    Endpoint,
    Endpointer,
    EndpointReason,
    EndpointRules,
    HeadSilence,
    SpeechStarted,
    State,
    VadError,
)

FRAMES = [(160, 16000), (320, 16000), (480, 16000), (512, 16000), (160, 8000)]
"""10, 20, 30 and 32 ms at 16 kHz, and 20 ms at 8 kHz."""


def to_the_frame(frame: tuple[int, int], *, tail_ms: int = 500, head_ms: int = 0) -> EndpointRules:
    samples, rate = frame
    return EndpointRules(
        frame_samples=samples, sample_rate=rate, vad_head_ms=head_ms, vad_tail_ms=tail_ms
    )


# The end by silence


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("tail_ms", [0, 1, 20, 100, 300, 320, 500, 1000, 3000, 7500])
def test_vad_tail_of_silence_ends_the_utterance_to_the_frame(
    frame: tuple[int, int], tail_ms: int
) -> None:
    samples, rate = frame
    frames = max(1, math.ceil(tail_ms * rate / (1000 * samples)))
    endpointer = Endpointer(to_the_frame(frame, tail_ms=tail_ms))
    push_all(endpointer, "#" * 50)
    assert push_all(endpointer, "." * (frames - 1)) == []
    (endpoint,) = push_all(endpointer, ".")
    assert isinstance(endpoint, Endpoint)
    assert endpoint.reason is EndpointReason.SILENCE
    assert endpoint.speech_end_sample == 50 * samples
    assert endpoint.at_sample == (50 + frames) * samples
    assert endpoint.end_sample == min(endpoint.at_sample, 50 * samples + rate * 300 // 1000)


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("tail_ms", [100, 300, 500, 1000, 3000])
@pytest.mark.parametrize("fewer", [1, 2])
def test_a_pause_one_or_two_frames_short_of_vad_tail_does_not_end_the_utterance(
    frame: tuple[int, int], tail_ms: int, fewer: int
) -> None:
    samples, rate = frame
    pause = math.ceil(tail_ms * rate / (1000 * samples)) - fewer
    endpointer = Endpointer(to_the_frame(frame, tail_ms=tail_ms))
    push_all(endpointer, "#" * 50)
    assert push_all(endpointer, "." * pause + "#" * 50) == []
    assert endpointer.state is State.SPEECH


def test_a_blip_in_the_trailing_silence_counts_as_silence() -> None:
    endpointer = Endpointer(rules_in_frames(tail=10))
    push_all(endpointer, "#####")
    (endpoint,) = push_all(endpointer, "....##....")
    assert isinstance(endpoint, Endpoint)
    assert endpoint.at_sample == 2 * 15
    assert endpoint.speech_end_sample == 2 * 5


def test_a_blip_at_the_end_of_the_silence_delays_the_endpoint_by_its_own_length() -> None:
    endpointer = Endpointer(rules_in_frames(tail=10))
    push_all(endpointer, "#####")
    assert push_all(endpointer, "........ ##") == []
    (endpoint,) = push_all(endpointer, ".")
    assert isinstance(endpoint, Endpoint)
    assert (endpoint.speech_end_sample, endpoint.at_sample) == (2 * 5, 2 * 16)


def test_a_new_onset_in_the_trailing_silence_moves_the_speech_end_and_keeps_the_pause() -> None:
    endpointer = Endpointer(rules_in_frames(tail=10))
    push_all(endpointer, "#####")
    assert push_all(endpointer, "...... #.## .........") == []
    (endpoint,) = push_all(endpointer, ".")
    assert isinstance(endpoint, Endpoint)
    assert (endpoint.start_sample, endpoint.speech_end_sample) == (0, 2 * 15)


@pytest.mark.parametrize("tail", [0, 1])
def test_with_a_vad_tail_of_one_frame_or_none_every_gap_ends_the_utterance(tail: int) -> None:
    endpointer = Endpointer(rules_in_frames(tail=tail))
    events = push_all(endpointer, "####. ####.")
    assert events == [
        SpeechStarted(0, 0),
        Endpoint(0, 8, 8, 10, EndpointReason.SILENCE),
        SpeechStarted(10, 10),
        Endpoint(10, 18, 18, 20, EndpointReason.SILENCE),
    ]


def test_a_short_vad_tail_does_not_end_speech_whose_gaps_are_shorter() -> None:
    endpointer = Endpointer(rules_in_frames(tail=2))
    push_all(endpointer, "####")
    assert push_all(endpointer, ".### .##. ###.#") == []
    assert endpointer.is_open


def test_without_a_vad_tail_no_silence_ends_an_utterance() -> None:
    endpointer = Endpointer(rules_in_frames(tail=None, longest=10_000))
    push_all(endpointer, "#####")
    assert push_all(endpointer, "." * 9000 + "#") == []
    assert endpointer.flush(2 * 9006, EndpointReason.FLUSH) == [
        Endpoint(0, 2 * 5, 2 * 5, 2 * 9006, EndpointReason.FLUSH)
    ]


def test_without_a_vad_tail_the_longest_length_ends_an_utterance_before_its_silence() -> None:
    endpointer = Endpointer(rules_in_frames(tail=None, longest=50, search=20, post_roll=3))
    assert push_all(endpointer, "#" * 5 + "." * 45)[1:] == [
        Endpoint(0, 2 * 8, 2 * 5, 2 * 50, EndpointReason.MAX_LENGTH)
    ]
    assert push_all(endpointer, "." * 100) == []


# The start


def test_speech_starts_at_the_first_speech_frame_of_the_onset_window() -> None:
    endpointer = Endpointer(rules_in_frames())
    assert push_all(endpointer, "#.... ....#.#") == []
    assert push_all(endpointer, "#") == [SpeechStarted(2 * 9, 2 * 9)]


def test_too_little_speech_in_any_window_never_starts_an_utterance() -> None:
    endpointer = Endpointer(rules_in_frames())
    assert push_all(endpointer, "##..." * 20) == []
    assert endpointer.state is State.SILENCE


def test_the_pre_roll_reaches_back_from_the_onset() -> None:
    endpointer = Endpointer(rules_in_frames(pre_roll=4))
    assert push_all(endpointer, "..........###") == [SpeechStarted(2 * 6, 2 * 10)]


def test_the_pre_roll_stops_at_the_start_of_the_stream() -> None:
    endpointer = Endpointer(rules_in_frames(pre_roll=4))
    assert push_all(endpointer, "..###") == [SpeechStarted(0, 2 * 2)]


def test_the_pre_roll_stops_at_the_end_of_the_utterance_before() -> None:
    endpointer = Endpointer(rules_in_frames(tail=5, pre_roll=8, post_roll=3))
    _, endpoint, start = push_all(endpointer, "##### ..... . ###")
    assert isinstance(endpoint, Endpoint)
    assert endpoint.end_sample == 2 * 8
    assert start == SpeechStarted(2 * 8, 2 * 11)


def test_speech_frames_in_the_gap_after_an_utterance_help_to_open_the_next() -> None:
    endpointer = Endpointer(rules_in_frames(tail=8))
    push_all(endpointer, "##### .....")
    endpoint, start = push_all(endpointer, "#.#. #")
    assert isinstance(endpoint, Endpoint)
    assert endpoint.at_sample == 2 * 14
    assert start == SpeechStarted(2 * 10, 2 * 10)


def test_speech_that_flickers_is_all_decoded_even_if_every_gap_ends_an_utterance() -> None:
    endpointer = Endpointer(rules_in_frames(tail=1))
    endpoints = [e for e in push_all(endpointer, "###. ##. ##.") if isinstance(e, Endpoint)]
    assert [(e.start_sample, e.end_sample) for e in endpoints] == [(0, 6), (8, 12), (14, 18)]


def test_a_pre_roll_after_an_end_off_the_frame_borders_starts_at_that_very_sample() -> None:
    rules = EndpointRules(vad_tail_ms=400, post_roll_ms=305, pre_roll_ms=300)
    endpoint, start = push_all(Endpointer(rules), "#####" + "." * 20 + "###")[1:]
    assert isinstance(endpoint, Endpoint)
    assert endpoint.end_sample == 1600 + 305 * 16
    assert start == SpeechStarted(endpoint.end_sample, 25 * 320)


def test_an_onset_never_lies_in_the_utterance_before() -> None:
    rules = replace(rules_in_frames(needed=3, window=4, tail=4), post_roll_ms=50)
    # The utterance ends at sample 11, in the middle of the blip that helps to open the next.
    endpoint, start = push_all(Endpointer(rules), "###..#. ##")[1:]
    assert isinstance(endpoint, Endpoint)
    assert endpoint.end_sample == 11
    assert start == SpeechStarted(11, 11)


# Head silence


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("head_ms", [1, 500, 2000, 10_000])
def test_vad_head_of_silence_is_said_to_the_frame_and_again_after_as_much(
    frame: tuple[int, int], head_ms: int
) -> None:
    samples, rate = frame
    frames = math.ceil(head_ms * rate / (1000 * samples))
    endpointer = Endpointer(to_the_frame(frame, head_ms=head_ms))
    for said in (1, 2):
        assert push_all(endpointer, "." * (frames - 1)) == []
        assert push_all(endpointer, ".") == [HeadSilence(said * frames * samples)]


def test_without_vad_head_silence_is_never_said() -> None:
    assert push_all(Endpointer(rules_in_frames(head=0)), "." * 5000) == []


def test_an_utterance_ends_the_wait_for_vad_head_and_its_endpoint_starts_it_anew() -> None:
    endpointer = Endpointer(rules_in_frames(head=8, tail=5))
    assert push_all(endpointer, ".....###") == [SpeechStarted(2 * 5, 2 * 5)]
    assert len(push_all(endpointer, "....." + "." * 7)) == 1
    assert push_all(endpointer, ".") == [HeadSilence(2 * 21)]


def test_speech_that_begins_just_before_vad_head_is_waited_for() -> None:
    endpointer = Endpointer(rules_in_frames(head=8))
    assert push_all(endpointer, "....... ###") == [SpeechStarted(2 * 7, 2 * 7)]


def test_a_blip_at_vad_head_only_delays_it() -> None:
    endpointer = Endpointer(rules_in_frames(head=8))
    assert push_all(endpointer, "....... #.") == [HeadSilence(2 * 9)]


# The forced break


def loud_but_for(frames: int, quiet: dict[int, float]) -> list[float]:
    return [quiet.get(frame, 1000.0) for frame in range(frames)]


def test_a_forced_break_cuts_in_the_middle_of_the_quietest_stretch_of_the_search() -> None:
    endpointer = Endpointer(rules_in_frames(longest=50, search=20))
    levels = loud_but_for(50, {10: 0.0, 11: 0.0, 36: 5.0, 37: 5.0, 38: 5.0, 39: 5.0})
    events = push_all(endpointer, "#" * 50, levels)
    assert events == [
        SpeechStarted(0, 0),
        Endpoint(0, 2 * 38, 2 * 38, 2 * 50, EndpointReason.MAX_LENGTH),
        SpeechStarted(2 * 38, 2 * 38),
    ]


def test_of_equally_quiet_places_the_latest_is_cut() -> None:
    endpointer = Endpointer(rules_in_frames(longest=50, search=20))
    events = push_all(endpointer, "#" * 50, [1000.0] * 50)
    # Its loudness needs two frames on either side, so the last place is two before the limit.
    assert events[1:] == [
        Endpoint(0, 2 * 48, 2 * 48, 2 * 50, EndpointReason.MAX_LENGTH),
        SpeechStarted(2 * 48, 2 * 48),
    ]


def test_one_quiet_frame_attracts_the_cut_less_than_a_longer_stretch() -> None:
    endpointer = Endpointer(rules_in_frames(longest=50, search=20))
    levels = loud_but_for(50, {45: 0.0, 36: 300.0, 37: 300.0, 38: 300.0, 39: 300.0})
    assert isinstance(endpoint := push_all(endpointer, "#" * 50, levels)[1], Endpoint)
    assert endpoint.end_sample == 2 * 38


def test_the_limit_counts_the_pre_roll() -> None:
    endpointer = Endpointer(rules_in_frames(longest=50, search=20, pre_roll=10))
    events = push_all(endpointer, "." * 10 + "#" * 40)
    assert isinstance(endpoint := events[-2], Endpoint)
    assert (endpoint.start_sample, endpoint.at_sample) == (0, 2 * 50)


def test_the_limit_is_counted_anew_from_the_cut() -> None:
    endpointer = Endpointer(rules_in_frames(longest=50, search=20))
    events = push_all(endpointer, "#" * 99, loud_but_for(99, dict.fromkeys(range(36, 40), 0.0)))
    endpoints = [event for event in events if isinstance(event, Endpoint)]
    assert [(e.start_sample, e.at_sample) for e in endpoints] == [(0, 100), (2 * 38, 2 * 88)]


def test_the_trailing_silence_goes_on_being_counted_over_the_cut() -> None:
    endpointer = Endpointer(rules_in_frames(longest=50, search=20, tail=10))
    levels = loud_but_for(55, dict.fromkeys(range(31, 35), 0.0))
    # Speech ends 5 frames before the limit, behind the cut.
    events = push_all(endpointer, "#" * 45 + "." * 10, levels)
    assert events[1:] == [
        Endpoint(0, 2 * 33, 2 * 33, 2 * 50, EndpointReason.MAX_LENGTH),
        SpeechStarted(2 * 33, 2 * 33),
        Endpoint(2 * 33, 2 * 45, 2 * 45, 2 * 55, EndpointReason.SILENCE),
    ]


def test_speech_goes_on_being_believed_over_the_cut_without_a_new_onset() -> None:
    endpointer = Endpointer(rules_in_frames(longest=50, search=20, tail=10))
    push_all(endpointer, "#" * 50)
    assert push_all(endpointer, ".#") == []
    assert endpointer.state is State.SPEECH


def test_when_only_silence_follows_the_cut_no_utterance_is_opened_for_it() -> None:
    endpointer = Endpointer(rules_in_frames(longest=50, search=20, tail=20, post_roll=3))
    events = push_all(endpointer, "#" * 40 + "." * 10)
    assert events[1:] == [Endpoint(0, 2 * 43, 2 * 40, 2 * 50, EndpointReason.MAX_LENGTH)]
    assert endpointer.state is State.SILENCE


def test_a_word_that_begins_at_the_limit_is_whole_in_the_next_utterance() -> None:
    endpointer = Endpointer(rules_in_frames(longest=50, search=20, tail=20, post_roll=20))
    events = push_all(endpointer, "#" * 40 + "." * 8 + "## ###")
    _, endpoint, start = events
    assert isinstance(endpoint, Endpoint)
    assert endpoint.end_sample <= 2 * 48
    assert start == SpeechStarted(2 * 48, 2 * 48)


def test_silence_that_reaches_vad_tail_at_the_limit_ends_the_utterance_as_silence() -> None:
    endpointer = Endpointer(rules_in_frames(longest=50, search=20, tail=10))
    (_, endpoint) = push_all(endpointer, "#" * 40 + "." * 10)
    assert isinstance(endpoint, Endpoint)
    assert endpoint.reason is EndpointReason.SILENCE


# What may be decoded already


def test_speech_is_committed_as_it_comes() -> None:
    endpointer = Endpointer(rules_in_frames())
    push_all(endpointer, "#" * 20)
    assert endpointer.committed_sample == 2 * 20


def test_trailing_silence_is_committed_up_to_the_post_roll_and_all_of_it_when_speech_resumes() -> (
    None
):
    endpointer = Endpointer(rules_in_frames(post_roll=3))
    push_all(endpointer, "##### ........")
    assert endpointer.committed_sample == 2 * 8
    push_all(endpointer, "##")
    assert endpointer.committed_sample == 2 * 8
    push_all(endpointer, "#")
    assert endpointer.committed_sample == 2 * 16


def test_near_the_limit_what_may_fall_behind_the_cut_is_held_back() -> None:
    endpointer = Endpointer(rules_in_frames(longest=50, search=20))
    levels = loud_but_for(50, dict.fromkeys(range(36, 40), 5.0))
    push_all(endpointer, "#" * 30, levels[:30])
    assert endpointer.committed_sample == 2 * 30
    push_all(endpointer, "#", levels[30:31])
    assert endpointer.committed_sample == 2 * 30
    push_all(endpointer, "#" * 18, levels[31:49])
    assert endpointer.committed_sample == 2 * 38
    push_all(endpointer, "#", levels[49:])
    assert endpointer.committed_sample == 2 * 50


def test_in_silence_only_the_audio_that_a_pre_roll_may_ask_for_is_needed() -> None:
    endpointer = Endpointer(rules_in_frames(pre_roll=6))
    push_all(endpointer, "." * 100)
    oldest = endpointer.oldest_needed_sample
    (start,) = push_all(endpointer, "#.#.#")
    assert oldest == 2 * (100 - 4 - 6)
    assert isinstance(start, SpeechStarted)
    assert start.start_sample >= oldest


# Flush and drop, and the end of the stream


def test_flush_in_silence_says_nothing() -> None:
    endpointer = Endpointer(rules_in_frames())
    push_all(endpointer, "...##")
    assert endpointer.flush(2 * 5) == []


def test_flush_before_any_audio_says_nothing() -> None:
    assert Endpointer(rules_in_frames()).flush(0) == []


def test_flush_in_speech_closes_the_utterance_with_the_incomplete_frame() -> None:
    endpointer = Endpointer(rules_in_frames())
    push_all(endpointer, "####")
    assert endpointer.flush(9) == [Endpoint(0, 9, 9, 9, EndpointReason.END)]
    assert endpointer.state is State.SILENCE


def test_flush_in_the_trailing_silence_keeps_the_post_roll() -> None:
    endpointer = Endpointer(rules_in_frames(post_roll=3))
    push_all(endpointer, "#### .....")
    assert endpointer.state is State.HANGOVER
    assert endpointer.flush(19, EndpointReason.FLUSH) == [
        Endpoint(0, 2 * 7, 2 * 4, 19, EndpointReason.FLUSH)
    ]


def test_flush_right_after_a_forced_break_closes_the_remainder() -> None:
    endpointer = Endpointer(rules_in_frames(longest=50, search=20))
    push_all(endpointer, "#" * 50)
    assert endpointer.flush(100) == [Endpoint(96, 100, 100, 100, EndpointReason.END)]


def test_a_second_flush_says_nothing() -> None:
    endpointer = Endpointer(rules_in_frames())
    push_all(endpointer, "####")
    endpointer.flush(8)
    assert endpointer.flush(8) == []


def test_speech_that_goes_on_after_a_flush_opens_the_next_utterance_where_it_was_cut() -> None:
    endpointer = Endpointer(rules_in_frames(pre_roll=4))
    push_all(endpointer, "####")
    assert endpointer.flush(9, EndpointReason.FLUSH) == [Endpoint(0, 9, 9, 9, EndpointReason.FLUSH)]
    assert push_all(endpointer, "#") == [SpeechStarted(9, 9)]


def test_after_a_flush_in_silence_neither_onset_nor_pre_roll_reaches_back_beyond_it() -> None:
    endpointer = Endpointer(rules_in_frames(pre_roll=4))
    assert push_all(endpointer, "....##") == []
    assert endpointer.flush(12, EndpointReason.FLUSH) == []
    assert push_all(endpointer, "#") == [SpeechStarted(12, 12)]


def test_what_lies_between_the_end_of_an_utterance_and_its_flush_is_decided() -> None:
    endpointer = Endpointer(rules_in_frames(pre_roll=4, post_roll=1))
    push_all(endpointer, "####.....")
    assert endpointer.flush(19, EndpointReason.FLUSH) == [
        Endpoint(0, 10, 8, 19, EndpointReason.FLUSH)
    ]
    assert endpointer.oldest_needed_sample == 19
    assert push_all(endpointer, ".###") == [SpeechStarted(19, 2 * 10)]


def test_each_flush_closes_what_is_open_then() -> None:
    endpointer = Endpointer(rules_in_frames())
    reasons: list[EndpointReason] = []
    for frames in range(4, 24, 4):
        push_all(endpointer, "####")
        reasons += [
            event.reason
            for event in endpointer.flush(2 * frames, EndpointReason.FLUSH)
            if isinstance(event, Endpoint)
        ]
    assert reasons == [EndpointReason.FLUSH] * 5


def test_the_limit_is_counted_anew_from_a_flush() -> None:
    endpointer = Endpointer(rules_in_frames(longest=50, search=20))
    push_all(endpointer, "#" * 45)
    endpointer.flush(2 * 45, EndpointReason.FLUSH)
    events = push_all(endpointer, "#" * 50)
    assert isinstance(endpoint := events[1], Endpoint)
    assert (endpoint.start_sample, endpoint.at_sample) == (2 * 45, 2 * 95)


def test_a_flush_that_closes_an_utterance_starts_the_wait_for_vad_head_anew() -> None:
    endpointer = Endpointer(rules_in_frames(head=8))
    push_all(endpointer, "####")
    endpointer.flush(8, EndpointReason.FLUSH)
    assert push_all(endpointer, ".......") == []
    assert push_all(endpointer, ".") == [HeadSilence(2 * 12)]


def test_a_flush_in_silence_does_not_put_off_vad_head() -> None:
    endpointer = Endpointer(rules_in_frames(head=8))
    push_all(endpointer, "....")
    endpointer.flush(8, EndpointReason.FLUSH)
    assert push_all(endpointer, "....") == [HeadSilence(2 * 8)]


def test_a_dropped_utterance_has_no_endpoint_and_is_part_of_no_other() -> None:
    endpointer = Endpointer(rules_in_frames(pre_roll=4))
    push_all(endpointer, "####..")
    endpointer.drop(13)
    assert endpointer.state is State.SILENCE
    assert endpointer.committed_sample == endpointer.oldest_needed_sample == 13
    assert push_all(endpointer, ".....###") == [SpeechStarted(2 * 7, 2 * 11)]
    assert endpointer.flush(28) == [Endpoint(14, 28, 28, 28, EndpointReason.END)]


def test_speech_that_goes_on_after_a_drop_opens_an_utterance_there() -> None:
    endpointer = Endpointer(rules_in_frames(pre_roll=4))
    push_all(endpointer, "####")
    endpointer.drop(9)
    assert push_all(endpointer, "#") == [SpeechStarted(9, 9)]


def test_a_drop_in_silence_drops_the_speech_that_was_not_yet_believed() -> None:
    endpointer = Endpointer(rules_in_frames())
    push_all(endpointer, "##")
    endpointer.drop(4)
    assert push_all(endpointer, "#") == [SpeechStarted(4, 4)]


def test_a_position_before_the_last_flush_or_drop_is_refused() -> None:
    endpointer = Endpointer(rules_in_frames())
    push_all(endpointer, "####")
    endpointer.flush(9, EndpointReason.FLUSH)
    with pytest.raises(VadError, match="at_sample is 8, allowed: 9 to 9"):
        endpointer.drop(8)


@pytest.mark.parametrize("at_sample", [7, 10])
def test_flush_refuses_a_total_that_contradicts_the_frames(at_sample: int) -> None:
    endpointer = Endpointer(rules_in_frames())
    push_all(endpointer, "####")
    with pytest.raises(VadError, match=f"at_sample is {at_sample}, allowed: 8 to 9"):
        endpointer.flush(at_sample)
    with pytest.raises(VadError, match=f"at_sample is {at_sample}, allowed: 8 to 9"):
        endpointer.drop(at_sample)
    assert endpointer.is_open


@pytest.mark.parametrize("level", [-1.0, math.nan])
def test_a_level_that_is_no_level_is_refused_and_changes_nothing(level: float) -> None:
    endpointer = Endpointer(rules_in_frames())
    with pytest.raises(VadError, match="level is"):
        endpointer.push(True, level)
    assert endpointer.flush(0) == []


# Pauses


def test_a_pause_begins_when_the_whole_post_roll_is_committed_and_ends_with_speech() -> None:
    endpointer = Endpointer(rules_in_frames(tail=10, post_roll=4))
    paused = []
    for mark in "##### ..... ## ## ..........".replace(" ", ""):
        push_all(endpointer, mark)
        paused.append("p" if endpointer.is_paused else "-")
    assert "".join(paused) == "-----" + "---pp" + "pp--" + "---pppppp-"


def test_where_the_tail_is_shorter_than_the_post_roll_there_is_no_pause() -> None:
    endpointer = Endpointer(rules_in_frames(tail=3, post_roll=4))
    for mark in "#####...":
        push_all(endpointer, mark)
        assert not endpointer.is_paused
