"""What the verb `hot-words` counts, and the list that must do no harm."""

from __future__ import annotations

from bench.hot_words import Found, count, is_found, long_list


def test_a_name_is_found_whatever_its_case_and_marks() -> None:
    assert is_found("Delacroix", "Please ask delacroix, now.")
    assert not is_found("Delacroix", "Please ask the Lack Waugh about it.")


def test_a_name_of_several_words_must_be_whole() -> None:
    assert is_found("New York", "In new york.")
    assert not is_found("New York", "A new city, York.")


def test_sentences_are_counted_without_the_list_and_with_it() -> None:
    names = ("Nguyen", "Wozniak")
    assert count(names, ("ask newian", "ask Wozniak"), ("ask Nguyen", "ask Wozniak")) == Found(
        asked=2, without=1, with_list=2
    )


def test_the_long_list_has_no_word_that_is_said_and_is_the_same_for_a_seed() -> None:
    listed = long_list(["everyone agreed that it was a good idea"], seed=1)
    assert len(set(listed)) == 1000
    assert not {"everyone", "agreed"} & set(listed)
    assert listed == long_list(["everyone agreed that it was a good idea"], seed=1)
    assert listed != long_list(["everyone agreed that it was a good idea"], seed=2)
