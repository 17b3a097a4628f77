"""Timed tokens become words, with their marks, in the script that is asked for."""

from __future__ import annotations

import itertools

from decoder.engine import SAMPLE_RATE
from decoder.joining import join_words
from decoder.whisper.words import Piece, make_words

LENGTH = 10 * SAMPLE_RATE
EARLY = 800
"""Samples that the model is ahead of the voice."""


def pieces(*texts: str, step_s: float = 0.5) -> list[Piece]:
    """One after the other, each as long as the next."""
    return [
        Piece(text, index * step_s, (index + 1) * step_s, 0.5) for index, text in enumerate(texts)
    ]


def texts(*given: str) -> list[str]:
    return [word.text for word in make_words(pieces(*given), LENGTH)]


def test_spaces_part_words_and_tokens_do_not() -> None:
    assert texts(" cold", "-", "hearted", " or", " ill", "-dis", "posed", ".") == [
        "cold-hearted",
        "or",
        "ill-disposed.",
    ]


def test_numbers_and_apostrophes_stay_in_one_piece() -> None:
    assert texts(" It", "'s", " $", "1", ",", "000", ".", "50") == ["It's", "$1,000.50"]


def test_each_character_of_chinese_is_a_word_and_latin_letters_are_not() -> None:
    assert texts("欢迎", "，", "AI", "语", "音", "。") == ["欢", "迎，", "AI", "语", "音。"]


def test_an_opening_mark_belongs_to_the_word_behind_it() -> None:
    assert texts("《", "模型", "》", " ¿", "Qué", " ?") == ["《模", "型》", "¿Qué?"]


def test_marks_alone_are_no_words() -> None:
    assert make_words(pieces(" .", " .", "..."), LENGTH) == ()
    assert make_words([], LENGTH) == ()


def test_half_a_character_is_left_out() -> None:
    assert texts("好", "\N{REPLACEMENT CHARACTER}") == ["好"]


def test_characters_share_the_time_of_their_token_and_marks_take_none() -> None:
    one, two, three = make_words(pieces("欢迎", "了", "。"), LENGTH)
    assert (one.start_sample, one.end_sample) == (EARLY, EARLY + SAMPLE_RATE // 4)
    assert (two.start_sample, two.end_sample) == (one.end_sample, EARLY + SAMPLE_RATE // 2)
    assert three.text == "了。"
    assert three.end_sample == EARLY + SAMPLE_RATE


def test_words_lie_apart_within_the_audio_however_they_were_placed() -> None:
    late = [Piece(f" w{index}", 9.99, 9.99, 1.5) for index in range(40)]
    early = [Piece(f" e{index}", 0.0, 0.0, 0.5) for index in range(40)]
    words = make_words([*early, *late], LENGTH)
    assert len(words) == 80
    for before, after in itertools.pairwise(words):
        assert before.start_sample < before.end_sample <= after.start_sample
    assert words[-1].end_sample <= LENGTH
    assert words[-1].confidence == 1.0


def test_traditional_characters_become_simplified_with_their_times() -> None:
    def simplify(text: str) -> str:
        return text.translate(str.maketrans("廣產", "广产"))

    given = pieces("廣", "州", "產")
    simple, as_it_is = make_words(given, LENGTH, simplify), make_words(given, LENGTH)
    assert join_words(word.text for word in simple) == "广州产"
    assert join_words(word.text for word in as_it_is) == "廣州產"
    assert [word.start_sample for word in simple] == [word.start_sample for word in as_it_is]


def test_a_phrase_of_another_length_is_rewritten_character_by_character() -> None:
    def simplify(text: str) -> str:
        return {"甲乙": "丙", "甲": "一", "乙": "二"}[text]

    assert join_words(w.text for w in make_words(pieces("甲", "乙"), LENGTH, simplify)) == "一二"
