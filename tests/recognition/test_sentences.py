"""A segment of several sentences is told as one final for each, where that was asked for."""

from __future__ import annotations

import pytest

from rasr.recognition.config import Segmentation, TextOptions
from rasr.recognition.events import Final, text_span
from tests.recognition.talk import Talk, hush, speech

MS = 16
SAID = "We went home today. It was late by then."
WITH_MARKS = TextOptions("english", punctuation=True)


def test_each_sentence_has_a_final_with_its_own_times() -> None:
    talk = Talk(Segmentation(sentences=True), text=WITH_MARKS)
    talk.audio(hush(1000), speech(2000)).flush().final(SAID)
    first, second = talk.of(Final)
    start = first.start_sample
    assert (first.hypothesis.text, second.hypothesis.text) == tuple(
        f"{one}." for one in SAID.rstrip(".").split(". ")
    )
    assert text_span(first) == (start, start + 800 * MS) == (start, first.end_sample)
    assert text_span(second) == (start + 800 * MS, start + 1800 * MS)
    assert (second.segment, second.start_sample) == (first.segment, start)
    assert second.end_sample > first.end_sample


def test_they_come_together_and_before_what_stands_behind_the_segment() -> None:
    talk = Talk(Segmentation(tail_ms=300, sentences=True), text=WITH_MARKS)
    talk.audio(speech(600), hush(400)).flush("m").partial(SAID).final(SAID)
    assert talk.told()[-3:] == [
        "final We went home today.",
        "final It was late by then.",
        "mark m",
    ]


@pytest.mark.parametrize(
    ("segmentation", "text"),
    [
        (Segmentation(), WITH_MARKS),
        (Segmentation(sentences=True), TextOptions("english")),
        (Segmentation(sentences=True, joined=True), WITH_MARKS),
    ],
    ids=["not asked for", "without marks", "told as one"],
)
def test_else_a_segment_has_one_final(segmentation: Segmentation, text: TextOptions) -> None:
    talk = Talk(segmentation, text=text, partials=False)
    talk.audio(speech(600)).finish().final(SAID)
    assert [final.hypothesis.text for final in talk.of(Final)] == [SAID]
