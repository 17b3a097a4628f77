"""Texts that are compared: spelling counts for nothing, words do."""

from __future__ import annotations

import math

import pytest

from bench.texts import Mistakes, Settled, mistakes, settled, tokens, told_twice


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It's, well - RAINING!", "it's well raining"),
        ("And Mr. John Dashwood,", "and mister john dashwood"),
        ("Mr Dashwood", "mister dashwood"),
        ("to be ill-disposed.", "to be ill disposed"),
        ("$5 in 1961", "five dollars in nineteen sixty one"),
        ("ninety-one", "ninety one"),
        ("don’t", "don't"),
        ("— …", ""),
    ],
)
def test_a_text_becomes_the_words_that_are_said(written: str, said: str) -> None:
    assert tokens(written) == said.split()


def test_chinese_is_counted_in_characters_whatever_the_spaces() -> None:
    assert tokens("打 开灯，25") == list("打开灯二十五")
    assert tokens("下雨了。OK") == ["下", "雨", "了", "ok"]
    assert mistakes("打开灯", "打开门").rate == pytest.approx(1 / 3)


def test_mistakes_are_told_apart_and_add_up() -> None:
    one = mistakes("turn on the light", "Turn on a light now.")
    assert one == Mistakes(said=4, substituted=1, lost=0, added=1)
    both = one + mistakes("please stop", "stop")
    assert (both.said, both.count, both.lost) == (6, 3, 1)
    assert both.rate == 0.5


@pytest.mark.parametrize(
    ("written", "twice"),
    [
        ("turn it down please", 0),
        ("turn it down turn it down please", 3),
        ("turn it down please please", 1),
        ("turn it all down please", 0),
        ("please", 0),
    ],
)
def test_words_that_are_told_twice(written: str, twice: int) -> None:
    assert told_twice("turn it down please", written) == twice


def test_where_nothing_is_said_every_word_is_added() -> None:
    one = mistakes("", "You. You.")
    assert one == Mistakes(added=2)
    assert math.isnan(one.rate)
    assert mistakes("a b", "") == Mistakes(said=2, lost=2)


def test_what_was_stable_and_stayed_is_not_taken_back() -> None:
    assert settled(["And so", "and so, my"], "And so my fellow.") == Settled(shown=3, changed=0)


def test_a_stable_word_that_another_one_replaces_is_taken_back_once() -> None:
    stable = ["he went", "he went to", "he went to bed lee"]
    assert settled(stable, "He went to bedlam early.") == Settled(shown=5, changed=2)


def test_a_word_that_comes_in_between_counts_once_and_not_for_all_behind_it() -> None:
    assert settled(["a b c d e"], "a b x c d e f") == Settled(shown=5, changed=1)


def test_the_worst_partial_counts_although_the_last_one_is_right() -> None:
    assert settled(["every one", "everyone agreed"], "everyone agreed") == Settled(2, 2)


def test_a_final_without_text_takes_everything_back() -> None:
    assert settled(["you"], "") == Settled(shown=1, changed=1)
    assert math.isnan(settled([], "a").rate)
