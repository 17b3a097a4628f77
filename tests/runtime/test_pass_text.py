"""Marks, case and digits mean the same, whichever pass gave the words."""

from __future__ import annotations

import pytest

from decoder import Hypothesis
from decoder.engine import Writing
from decoder.hypotheses import joined, placed
from rasr.runtime.chosen_text import PassText
from rasr.text import TextTools
from tests.runtime.fakes import words

WRITES = Writing(punctuation=True, case=True, digits=True)


@pytest.fixture(scope="module")
def tools() -> TextTools:
    return TextTools()


def pass_text(tools: TextTools, *, marks: bool) -> PassText:
    """A live engine that writes bare words, and one of finals that writes all by itself."""
    return PassText(
        *(
            tools.processor("english", digits=False, punctuation=marks, writing=writing)
            for writing in (Writing(), WRITES)
        )
    )


def by_second(text: str) -> Hypothesis:
    said = words(text)
    return Hypothesis(said.words, said.text, said.confidence, second_pass=True)


@pytest.mark.parametrize(
    ("marks", "live", "final"),
    [
        (False, "we have five dogs", "we have five dogs"),
        (True, "We have five dogs.", "We have five dogs, sir."),
    ],
)
def test_each_engines_words_become_what_was_asked_for(
    tools: TextTools, marks: bool, live: str, final: str
) -> None:
    texts = pass_text(tools, marks=marks)
    assert texts.process(words("we have five dogs"), final=True).text == live
    written = "We have 5 dogs, sir." if marks else "We have 5 dogs."
    assert texts.process(by_second(written), final=True).text == final
    assert texts.substitute(by_second(written), final=True).text.lower().startswith("we have")


def test_where_segments_are_told_as_one_the_second_pass_decides(tools: TextTools) -> None:
    whole = joined([by_second("We have 5 dogs."), placed(words("and a cat"), 16000)])
    assert whole.second_pass
    told = pass_text(tools, marks=False).process(whole, final=True)
    assert told.text == "we have five dogs and a cat"
    assert not joined([words("we"), words("have")]).second_pass
    assert placed(by_second("We."), 100).second_pass


def test_a_partial_behind_finals_of_the_second_pass_has_nothing_that_was_not_asked_for(
    tools: TextTools,
) -> None:
    whole = joined([by_second("Is it 5, Mr. Smith?"), placed(words("and then"), 16000)])
    told = pass_text(tools, marks=False).process(whole, final=False)
    assert told.text == "is it five mister Smith and then"
