"""Cues as the style guides want them: lines, phrases, times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.captions import Cue, TimedText, TimedWord, cues_of, readable
from rasr.captions.cues import LEAST_MS, RollingCues
from rasr.captions.lines import NEW_CUE_PAUSE_MS, lines_of
from rasr.captions.measure import LINE_WIDTH, reading_ms, width
from rasr.captions.tokens import CLOSING, OPENING, joined, tokens_of
from tests.captions.values import chinese_pieces, latin_pieces, marks, pure, said, sentences, spoken


def lines(text: str) -> list[str]:
    return [line for cue in cues_of(said(text, 0, 10_000)) for line in cue.lines]


def squeezed(text: str) -> str:
    return "".join(text.split())


class TestMeasure:
    def test_a_line_holds_42_latin_or_20_chinese_characters(self) -> None:
        assert width("x" * 42) == width("好" * 20) == LINE_WIDTH

    def test_mixed_text_takes_its_share_of_a_line(self) -> None:
        assert width("x" * 21 + "好" * 10) == LINE_WIDTH

    def test_twenty_latin_or_nine_chinese_characters_are_read_in_a_second(self) -> None:
        assert reading_ms("x" * 20) == reading_ms("好" * 9) == 1000
        assert reading_ms("好" * 10) == 1112
        assert reading_ms("x" * 10 + "好" * 9) == 1500


class TestLines:
    def test_what_fits_stays_in_one_line(self) -> None:
        assert lines("x" * 42) == ["x" * 42]

    @pytest.mark.parametrize(
        ("text", "broken"),
        [
            (
                "We came home late in the evening, tired but content with it",
                ["We came home late in the evening,", "tired but content with it"],
            ),
            (
                "I have never in my life seen the great library of that town",
                ["I have never in my life seen", "the great library of that town"],
            ),
            (
                "He said that nobody had told him about the meeting on Monday",
                ["He said that nobody had told him", "about the meeting on Monday"],
            ),
            (
                "今天天气很好，我们一起去公园散步，然后再去吃饭吧。",
                ["今天天气很好，我们一起去公园散步，", "然后再去吃饭吧。"],
            ),
        ],
        ids=["comma", "article", "preposition", "chinese"],
    )
    def test_lines_are_broken_at_the_ends_of_phrases(self, text: str, broken: list[str]) -> None:
        assert lines(text) == broken

    def test_a_pause_ends_a_phrase(self) -> None:
        heard = ["one two three four five six", "seven eight nine"]
        first, second = (part.split() for part in heard)
        words = [
            *(TimedWord(word, 300 * at, 300 * at + 300) for at, word in enumerate(first)),
            *(TimedWord(word, 2100 + 300 * at, 2400 + 300 * at) for at, word in enumerate(second)),
        ]
        text = " ".join(heard)
        (cue,) = cues_of(TimedText(text, 0, 3000, True, tuple(words)))
        assert cue.lines == tuple(heard)

    def test_a_long_silence_begins_a_new_cue(self) -> None:
        words = (TimedWord("well", 0, 300), TimedWord("yes", 300 + NEW_CUE_PAUSE_MS, 2500))
        assert cues_of(TimedText("well yes", 0, 2500, True, words)) == (
            Cue(0, 300, ("well",)),
            Cue(1800, 2500, ("yes",)),
        )

    def test_a_word_wider_than_a_line_is_cut(self) -> None:
        assert lines("x" * 100) == ["x" * 42, "x" * 42, "x" * 16]

    def test_control_characters_and_half_surrogates_are_left_out(self) -> None:
        assert lines("a\x00b \x01 c\ud800d") == ["ab cd"]

    def test_a_text_without_a_letter_is_no_cue(self) -> None:
        assert cues_of(said(" \n\x00 ")) == ()

    @pure
    @given(sentences())
    def test_a_cue_has_one_or_two_lines_of_at_most_a_line_s_width(self, text: TimedText) -> None:
        for cue in cues_of(text):
            assert 1 <= len(cue.lines) <= 2
            assert all(line.strip() and width(line) <= LINE_WIDTH for line in cue.lines)

    @pure
    @given(sentences(latin_pieces))
    def test_latin_lines_have_at_most_42_characters(self, text: TimedText) -> None:
        assert all(len(line) <= 42 for cue in cues_of(text) for line in cue.lines)

    @pure
    @given(st.lists(chinese_pieces, min_size=1, max_size=20).map("".join))
    def test_chinese_lines_have_at_most_20_characters(self, text: str) -> None:
        assert all(len(line) <= 20 for line in lines(text))

    @pure
    @given(st.text(max_size=200))
    def test_no_text_is_lost_and_none_is_too_wide(self, text: str) -> None:
        out = lines(text)
        kept = squeezed("".join(one for one in text if one.isprintable() or one.isspace()))
        assert kept == "".join(c for c in squeezed("".join(out)) if c.isprintable())
        assert all(width(line) <= LINE_WIDTH for line in out)

    @pure
    @given(sentences())
    def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one(
        self, text: TimedText
    ) -> None:
        for cue in cues_of(text):
            for line in cue.lines:
                assert line[0] not in CLOSING
                assert line[-1] not in OPENING

    def test_marks_stay_with_the_characters_they_belong_to(self) -> None:
        texts = [one.text for one in tokens_of(said("他说：“你好！”（笑）3.5米"))]
        assert texts == ["他", "说：", "“你", "好！”", "（笑）", "3.5", "米"]


class TestRolling:
    @pure
    @given(sentences(), st.data())
    def test_a_text_that_grows_keeps_every_line_but_its_last(
        self, text: TimedText, data: st.DataObject
    ) -> None:
        tokens = tokens_of(text)
        so_far = data.draw(st.integers(1, len(tokens)))
        before, after = lines_of(tokens[:so_far]), lines_of(tokens)
        assert after[: len(before) - 1] == before[:-1]
        assert joined(after[len(before) - 1]).startswith(joined(before[-1])[:1])

    def test_a_final_with_its_stop_keeps_the_lines_of_its_partials(self) -> None:
        text = "I went to the market this morning and bought three apples and a very big melon"
        partial = cues_of(spoken(text, final=False))
        final = cues_of(spoken(text + "."))
        assert [cue.lines for cue in final][:-1] == [cue.lines for cue in partial][:-1]
        assert final[-1].text == partial[-1].text + "."


def still_spoken(text: str, stable: str) -> TimedText:
    """A partial whose beginning is stable."""
    assert text.startswith(stable)
    return replace(spoken(text, final=False), stable=len(stable))


def shown_lines(cues: Iterable[Cue]) -> list[list[str]]:
    return [list(cue.lines) for cue in cues]


class TestSettledLines:
    FIRST, SECOND = "i went to the market this morning", "and bought three apples"

    def settled(self) -> RollingCues:
        rolling = RollingCues()
        text = f"{self.FIRST} {self.SECOND}"
        lines = shown_lines(rolling.next(still_spoken(text, self.FIRST)))
        assert lines == [[self.FIRST, self.SECOND]]
        return rolling

    def test_marks_and_capitals_that_come_later_move_no_word(self) -> None:
        final = "I went, to the market. This morning. And bought three apples."
        assert [len(line) for line in shown_lines(cues_of(spoken(final)))] == [1, 1]
        assert shown_lines(self.settled().next(spoken(final))) == [
            ["I went, to the market. This morning.", "And bought three apples."]
        ]

    def test_times_that_come_later_move_no_word(self) -> None:
        words = f"{self.FIRST} {self.SECOND}".split()
        late = tuple(
            TimedWord(word, 400 * at + 3000 * (at > 2), 400 * (at + 1) + 3000 * (at > 2))
            for at, word in enumerate(words)
        )
        text = TimedText(" ".join(words), 0, late[-1].end_ms, True, late)
        assert shown_lines(cues_of(text)) != [[self.FIRST, self.SECOND]]
        assert shown_lines(self.settled().next(text)) == [[self.FIRST, self.SECOND]]

    def test_what_changes_after_all_is_laid_out_anew(self) -> None:
        text = "i went to the great old market square this morning and bought three apples"
        assert self.settled().next(spoken(text)) == cues_of(spoken(text))

    def test_a_line_of_which_a_word_may_change_is_not_kept(self) -> None:
        rolling = RollingCues()
        text = f"{self.FIRST} {self.SECOND}"
        rolling.next(still_spoken(text, self.FIRST[:-1]))
        final = spoken("I went to the market. This morning and bought three apples.")
        assert rolling.next(final) == cues_of(final)

    def test_the_next_segment_knows_nothing_of_the_last_one(self) -> None:
        for over in (spoken(f"{self.FIRST} {self.SECOND}"), said("")):
            rolling = self.settled()
            rolling.next(over)
            final = spoken("I went, to the market. This morning. And bought three apples.")
            assert rolling.next(final) == cues_of(final)

    def test_a_final_of_one_sentence_leaves_the_lines_of_the_others(self) -> None:
        rolling = RollingCues()
        one = "We all went home."
        first = self.FIRST.capitalize()
        text = still_spoken(f"{one} {first} {self.SECOND}", f"{one} {first}")
        assert shown_lines(rolling.next(text)) == [[one], [first, self.SECOND]]
        assert shown_lines(rolling.next(spoken(one))) == [[one]]
        final = spoken("I went, to the market. This morning. And bought three apples.")
        assert shown_lines(rolling.next(final)) == [
            ["I went, to the market. This morning.", "And bought three apples."]
        ]

    @pure
    @given(sentences(), sentences(), st.data())
    def test_whatever_is_told_next_a_stable_line_is_told_as_it_was(
        self, text: TimedText, times: TimedText, data: st.DataObject
    ) -> None:
        so_far = data.draw(st.integers(1, len(text.words)))
        words = text.words[:so_far]
        partial = TimedText(" ".join(word.text for word in words), 0, 0, False, words)
        stable = data.draw(st.integers(0, len(partial.text)))
        rolling = RollingCues()
        before = rolling.next(replace(partial, stable=stable))
        marked = [word.text.rstrip(",.?，。？") + data.draw(marks) for word in text.words]
        spans = [*times.words, *text.words]
        timed = tuple(replace(span, text=word) for word, span in zip(marked, spans, strict=False))
        after = rolling.next(TimedText(" ".join(marked), 0, 9000, True, timed))
        lines = [(cue, at) for cue in range(len(before)) for at in range(len(before[cue].lines))]
        read = 0
        for cue, at in lines[:-1]:
            read += len(before[cue].lines[at]) + (at > 0)
            if at == 0:
                read = len(before[cue].lines[0])
            if read > before[cue].stable:
                break
            assert bare(after[cue].lines[at]) == bare(before[cue].lines[at])


def bare(line: str) -> str:
    return "".join(filter(str.isalnum, line))


class TestSentences:
    def test_a_sentence_begins_a_cue_of_its_own(self) -> None:
        shown = cues_of(spoken("We came home. It was late by then. So what? We slept."))
        assert [cue.text for cue in shown] == [
            "We came home.",
            "It was late by then.",
            "So what? We slept.",
        ]
        assert [(cue.start_ms, cue.end_ms) for cue in shown] == [
            *[(0, 900), (900, 2400), (2400, 3600)],
        ]

    def test_abbreviations_begin_none(self) -> None:
        shown = cues_of(spoken("Mr. Smith came at 9 a.m. today."))
        assert [cue.text for cue in shown] == ["Mr. Smith came at 9 a.m. today."]

    def test_while_it_is_spoken_a_sentence_is_not_put_to_the_one_before_it(self) -> None:
        text = "We came home. It"
        assert len(cues_of(spoken(text, final=False))) == 2
        assert len(cues_of(spoken(text))) == 1


class TestStable:
    def test_whole_words_are_stable_over_the_lines_of_a_cue(self) -> None:
        text = " ".join(["xxxxxxxxx"] * 8)
        (cue,) = cues_of(replace(spoken(text, final=False), stable=text.index("x", 45) + 9))
        assert cue.lines == (" ".join(["xxxxxxxxx"] * 4),) * 2
        assert cue.text[: cue.stable] == "\n".join((" ".join(["xxxxxxxxx"] * 4), "xxxxxxxxx"))

    def test_each_cue_counts_its_own(self) -> None:
        text = " ".join(["xxxxxxxxx"] * 12)
        cues = cues_of(replace(spoken(text, final=False), stable=len(text) - 10))
        assert [cue.stable for cue in cues] == [79, 29]

    def test_a_word_is_stable_whole_or_not_at_all(self) -> None:
        (cue,) = cues_of(replace(spoken("good morning", final=False), stable=9))
        assert cue.stable == len("good")


class TestTimes:
    def test_a_cue_has_the_time_of_its_words(self) -> None:
        text = (
            "a line that is long enough to be broken, and a second line as long as that one is, too"
        )
        first, second = cues_of(spoken(text, start_ms=700))
        assert (first.start_ms, second.end_ms) == (700, 700 + 300 * len(text.split()))
        assert first.end_ms == second.start_ms == 700 + 300 * len(first.text.split())

    def test_without_word_times_a_cue_gets_its_share_of_the_text(self) -> None:
        cues = cues_of(said(" ".join(["xxxxxxxxx"] * 16), 1000, 17_000))
        assert [(cue.start_ms, cue.end_ms) for cue in cues] == [(1000, 9000), (9000, 17_000)]

    def test_word_times_that_are_of_another_text_are_not_believed(self) -> None:
        text = TimedText("good day", 0, 800, True, (TimedWord("bad", 100, 200),))
        assert cues_of(text) == (Cue(0, 800, ("good day",)),)

    def test_a_short_word_stays_a_second(self) -> None:
        assert readable(cues_of(said("Yes.", 500, 700))) == [Cue(500, 1500, ("Yes.",))]

    def test_a_fast_text_stays_until_it_can_be_read(self) -> None:
        assert readable([Cue(0, 1200, ("x" * 40,))]) == [Cue(0, 2000, ("x" * 40,))]

    def test_it_stays_no_longer_than_until_the_next_one(self) -> None:
        cues = readable([Cue(0, 1200, ("x" * 40,)), Cue(1500, 3000, ("y",))])
        assert [(cue.start_ms, cue.end_ms) for cue in cues] == [(0, 1500), (1500, 3000)]

    def test_two_short_sentences_stand_together(self) -> None:
        cues = readable([Cue(0, 300, ("Yes.",)), Cue(800, 1100, ("No.",))])
        assert cues == [Cue(0, 1100, ("Yes.", "No."))]

    def test_what_does_not_fit_beside_a_short_sentence_waits(self) -> None:
        cues = readable([Cue(0, 300, ("Yes.",)), Cue(800, 3000, ("one", "two"))])
        assert cues == [Cue(0, 1000, ("Yes.",)), Cue(1000, 3000, ("one", "two"))]

    @pure
    @given(st.lists(sentences(), max_size=6))
    def test_every_cue_can_be_read(self, texts: list[TimedText]) -> None:
        cues = sorted(
            (cue for text in texts for cue in cues_of(text)),
            key=lambda cue: cue.start_ms,
        )
        shown = readable(cues)
        assert "".join(line for cue in shown for line in cue.lines) == "".join(
            line for cue in cues for line in cue.lines
        )
        for cue in shown:
            assert cue.end_ms - cue.start_ms >= LEAST_MS
            assert 1 <= len(cue.lines) <= 2
        for cue, after in pairwise(shown):
            assert cue.end_ms <= after.start_ms
            speech_allows = after.start_ms - cue.start_ms >= reading_ms(cue.text)
            if speech_allows:
                assert cue.end_ms - cue.start_ms >= reading_ms(cue.text)
