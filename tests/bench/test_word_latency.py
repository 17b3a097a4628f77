"""When words of a text appear and stay; which final belongs to which sentence."""

from __future__ import annotations

import pytest

from bench.latency import FinalLatencies, WordLatencies, final_latencies, word_latencies
from bench.recordings import SpeechSpan, SpokenWord
from bench.wire_clients import Answer
from bench.workload import Script

START_S = 1000.0


def spoken(text: str, start_ms: int, word_ms: int = 500) -> SpeechSpan:
    words = tuple(
        SpokenWord(word, start_ms + place * word_ms, start_ms + (place + 1) * word_ms)
        for place, word in enumerate(text.split())
    )
    return SpeechSpan(start_ms, words[-1].end_ms, words)


def script(*sentences: SpeechSpan, length_ms: int = 20_000) -> Script:
    return Script(tuple(range(length_ms // 100)), sentences)


def at(second: float, text: str, **more: object) -> Answer:
    return Answer(START_S + second, text, **more)  # type: ignore[arg-type]


def ms(waits: tuple[object, ...]) -> list[int]:
    return [round(one.ms) for one in waits]  # type: ignore[attr-defined]


# A word each half second, the first one ends at 0.5 s.
RAIN = script(spoken("it rains all day", 0))


def look(*answers: Answer, said: Script = RAIN) -> WordLatencies:
    return word_latencies(0, answers, said.speech, START_S)


def test_a_word_is_seen_with_the_first_message_that_has_it() -> None:
    one = look(
        at(0.7, "it"),
        at(1.3, "it rains"),
        at(2.4, "it rains all day", is_final=True),
    )
    assert ms(one.first) == [200, 300, 900, 400]
    assert one.first == one.stable
    assert (one.said, len(one.heard)) == (4, 4)


def test_a_word_that_changes_and_comes_back_is_stable_from_then_on() -> None:
    one = look(
        at(1.2, "it rains"),
        at(1.7, "it reigns all"),
        at(2.1, "it rains all day"),
        at(2.6, "it rains all day", is_final=True),
    )
    assert ms(one.first) == [700, 200, 200, 100]
    assert ms(one.stable) == [700, 1100, 200, 100]


def test_a_word_that_the_final_has_not_counts_as_not_heard() -> None:
    one = look(at(1.2, "it rains"), at(2.5, "it reins all day", is_final=True))
    assert len(one.first) == 3
    assert (one.said, one.heard) == (4, frozenset({0, 2, 3}))


def test_a_word_is_not_found_where_it_is_said_a_second_time() -> None:
    said = script(spoken("up and up", 0))
    one = look(at(0.6, "up"), at(1.9, "up and up", is_final=True), said=said)
    assert ms(one.first) == [100, 900, 400]


def test_partials_of_one_sentence_say_nothing_of_the_next() -> None:
    said = script(spoken("it rains", 0), spoken("it snows", 5000))
    one = look(
        at(1.1, "it rains"),
        at(1.6, "it rains", is_final=True),
        at(5.7, "it"),
        at(6.5, "it snows", is_final=True),
        said=said,
    )
    assert ms(one.first) == [600, 100, 200, 500]


def test_text_that_no_final_ends_is_left_out() -> None:
    assert look(at(0.7, "it")).first == ()


TALK = script(spoken("it rains all day", 0), spoken("it snows all night", 5000))


def count(*answers: Answer, said: Script = TALK) -> FinalLatencies:
    return final_latencies(0, answers, said.speech, START_S)


def final(second: float, start_ms: int, end_ms: int, text: str = "a") -> Answer:
    return at(second, text, is_final=True, times_ms=(start_ms, end_ms))


def test_a_final_is_waited_for_from_the_true_end_of_its_speech() -> None:
    one = count(final(2.7, 100, 1900), final(8.0, 5100, 6900))
    # The last one is ended by END, not by a pause.
    assert ms(one.latencies) == [700]
    assert (one.sentences, one.lost, one.doubled) == (2, 0, 0)


def test_of_two_finals_of_one_sentence_the_last_one_is_waited_for() -> None:
    assert ms(count(final(1.5, 0, 900), final(2.8, 1000, 2000)).latencies) == [800]


def test_a_sentence_without_a_final_is_lost() -> None:
    assert count(final(8.0, 5100, 6900)).lost == 1


def test_the_same_stretch_told_twice_is_doubled() -> None:
    assert count(final(2.7, 100, 1900), final(2.8, 150, 1900), final(8, 5000, 7000)).doubled == 1


def test_a_pause_that_may_not_end_a_sentence_gives_no_latency() -> None:
    said = script(spoken("it rains", 0), spoken("all day", 1600), spoken("it snows", 6000))
    one = count(final(3.4, 0, 2600), final(8.0, 6000, 7000), said=said)
    assert ms(one.latencies) == [800]
    assert (one.lost, one.doubled) == (0, 0)


def test_a_moment_of_speech_that_is_cut_off_need_not_have_a_final() -> None:
    said = script(SpeechSpan(0, 300), spoken("it snows all night", 5000))
    assert count(final(8.0, 5100, 6900), said=said).lost == 0


def test_finals_without_times_belong_to_the_sentence_whose_words_they_have() -> None:
    one = count(
        at(2.7, "it rains all day", is_final=True), at(8.0, "it snows or night", is_final=True)
    )
    assert ms(one.latencies) == [700]
    assert (one.sentences, one.lost) == (2, 0)


def test_without_times_a_sentence_none_of_whose_words_is_told_is_lost() -> None:
    assert count(at(2.7, "it rains all day", is_final=True)).lost == 1


def test_without_times_and_words_nothing_is_said_of_what_is_lost() -> None:
    said = script(SpeechSpan(0, 2000), SpeechSpan(5000, 7000))
    one = count(at(2.7, "hm", is_final=True), said=said)
    assert (one.latencies, one.sentences, one.lost) == ((), 0, 0)


@pytest.mark.parametrize("text", ["", "a"])
def test_partials_are_no_finals(text: str) -> None:
    assert count(at(2.7, text, times_ms=(0, 2000))).lost == 2
