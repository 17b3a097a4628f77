"""The decoding loop of Moonshine, on graphs whose answers a test can foretell."""

from __future__ import annotations

import gc
import math
import weakref
import zlib
from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import HotWord
from decoder.moonshine.graphs import Floats, Graphs, Heard, Memory
from decoder.moonshine.guards import is_believed
from decoder.moonshine.hot_words import HotWordList, HotWordLists, TokenTexts
from decoder.moonshine.search import (
    Text,
    beam_search,
    greedy,
    most_tokens,
    reconsidered,
)
from decoder.moonshine.vocabulary import END, START, Vocabulary
from decoder.repetition import loop_period, without_loop
from tests.longer import mostly_long

PIECES = ["<unk>", "<s>", "</s>", *" abcdefgh", "\u2581a", "\u2581b", "\u2581be", "\u2581abc", "."]
SIZE = len(PIECES)
VOCABULARY = Vocabulary([piece.encode() for piece in PIECES])
HEARD = Heard(np.zeros((1, 1, 1), np.float32), np.ones((1, 1), np.int64))


class Foretold:
    """Graphs whose logits depend on the tokens so far, and on nothing else.

    Their memory holds the tokens that were read, as shape (paths, 1, read, 1).
    """

    def __init__(self, seed: int, *, ends_at: int = 12) -> None:
        self._seed = seed
        self._ends_at = ends_at
        self.passes = 0

    def logits(self, tokens: Sequence[int]) -> Floats:
        key = zlib.crc32(bytes([self._seed % 256, *tokens]))
        made = np.random.default_rng(key).normal(0, 2, SIZE).astype(np.float32)
        made[START] = -50
        if len(tokens) > self._ends_at:
            made[END] = 50
        return made

    def first_pass(self, heard: Heard, tokens: Sequence[int]) -> tuple[Floats, Memory]:
        self.passes += 1
        logits = np.stack([self.logits(tokens[: at + 1]) for at in range(len(tokens))])
        return logits, Memory({}, {"read": np.array(tokens, np.float32).reshape(1, 1, -1, 1)})

    def next_pass(
        self, heard: Heard, tokens: Sequence[int], memory: Memory
    ) -> tuple[Floats, Memory]:
        self.passes += 1
        before = memory.tokens["read"]
        assert len(before) == len(tokens) == len(heard.states)
        read = np.concatenate([before, np.array(tokens, np.float32).reshape(-1, 1, 1, 1)], axis=2)
        rows = [self.logits([int(one) for one in row.ravel()]) for row in read]
        return np.stack(rows), Memory(memory.heard, {"read": read})


def graphs(seed: int, *, ends_at: int = 12) -> Graphs:
    return cast(Graphs, Foretold(seed, ends_at=ends_at))


def hot_words(*words: str, boost: float = 0.5) -> HotWordList:
    return HotWordList([HotWord(word) for word in words], TokenTexts(VOCABULARY), boost)


TOKENS = st.lists(st.integers(3, SIZE - 1), max_size=20)


@given(seed=st.integers(0, 255), draft=TOKENS, most=st.integers(1, 30))
def test_a_draft_decides_nothing(seed: int, draft: list[int], most: int) -> None:
    alone = greedy(graphs(seed), HEARD, most)
    assert greedy(graphs(seed), HEARD, most, draft) == alone
    half = [*alone.tokens[: len(alone.tokens) // 2], *draft]
    assert greedy(graphs(seed), HEARD, most, half) == alone
    assert greedy(graphs(seed), HEARD, most, alone.tokens) == alone
    assert len(alone.tokens) <= most


@given(seed=st.integers(0, 255), draft=TOKENS)
def test_a_draft_decides_nothing_with_hot_words_either(seed: int, draft: list[int]) -> None:
    words = hot_words("abc", "be a", "h")
    alone = greedy(graphs(seed), HEARD, 20, (), words)
    assert greedy(graphs(seed), HEARD, 20, draft, words) == alone
    assert greedy(graphs(seed), HEARD, 20, alone.tokens, words) == alone


def test_a_draft_that_is_right_saves_passes() -> None:
    first, second = Foretold(3), Foretold(3)
    text = greedy(cast(Graphs, first), HEARD, 30)
    assert greedy(cast(Graphs, second), HEARD, 30, text.tokens) == text
    assert (first.passes, second.passes) == (len(text.tokens) + 1, 1)


@given(seed=st.integers(0, 255))
def test_a_beam_of_one_without_matches_is_greedy(seed: int) -> None:
    nothing = hot_words("zzz")
    found = beam_search(graphs(seed), HEARD, 20, nothing, 1)
    wanted = greedy(graphs(seed), HEARD, 20)
    assert found.tokens == wanted.tokens
    assert found.log_probabilities == pytest.approx(wanted.log_probabilities)
    assert found.ended == wanted.ended


def probability(seed: int, text: Text) -> float:
    """Logarithm of the probability of a text that has ended."""
    sums = 0.0
    for at, token in enumerate([*text.tokens, END]):
        row = Foretold(seed, ends_at=6).logits([START, *text.tokens[:at]]).astype(np.float64)
        sums += row[token] - np.log(np.exp(row).sum())
    return float(sums)


@settings(max_examples=50)
@given(seed=st.integers(0, 255))
def test_a_wider_beam_finds_no_worse_text(seed: int) -> None:
    nothing = hot_words("zzz")
    narrow = beam_search(graphs(seed, ends_at=6), HEARD, 20, nothing, 1)
    # Wide enough to hold every path of the narrow one's probability.
    wide = beam_search(graphs(seed, ends_at=6), HEARD, 20, nothing, 16)
    if narrow.ended and wide.ended:
        assert probability(seed, wide) >= probability(seed, narrow) - 1e-6


@settings(max_examples=50)
@given(seed=st.integers(0, 255))
def test_a_text_is_sought_anew_from_its_first_doubtful_token(seed: int) -> None:
    text = greedy(graphs(seed, ends_at=6), HEARD, 20)
    again = reconsidered(graphs(seed, ends_at=6), HEARD, 20, text, 16)
    doubtful = [at for at, one in enumerate(text.log_probabilities) if one < math.log(0.6)]
    if not doubtful:
        assert again == text
    else:
        assert again.tokens[: doubtful[0]] == text.tokens[: doubtful[0]]
        if text.ended and again.ended:
            assert probability(seed, again) >= probability(seed, text) - 1e-6
    assert reconsidered(graphs(seed, ends_at=6), HEARD, 20, text, 1) == text


class Spelling(Foretold):
    """Between two texts, of which the first is more probable by 0.6 at its first token."""

    def __init__(self, likely: Sequence[int], other: Sequence[int], by: float = 0.6) -> None:
        super().__init__(0)
        self._texts = [*likely, END], [*other, END]
        self._by = by

    def logits(self, tokens: Sequence[int]) -> Floats:
        made = np.full(SIZE, -8.0, np.float32)
        for text, more in zip(self._texts, (self._by, 0.0), strict=True):
            before = len(tokens) - 1
            if list(tokens[1:]) == text[:before] and before < len(text):
                made[text[before]] = 5.0 + more
        return made


def ids(*pieces: str) -> list[int]:
    return [PIECES.index(piece) for piece in pieces]


A, B, BE, ABC = (f"\u2581{one}" for one in ("a", "b", "be", "abc"))


@pytest.mark.parametrize("spelt", [(ABC,), (A, "b", "c")])
def test_a_hot_word_wins_however_it_is_split(spelt: tuple[str, ...]) -> None:
    likely, wanted = ids(B, "."), ids(*spelt, ".")
    spelling = cast(Graphs, Spelling(likely, wanted))
    assert greedy(spelling, HEARD, 9).tokens == likely
    for words in (hot_words("abc"), hot_words("ABC", "other")):
        assert beam_search(spelling, HEARD, 9, words, 4).tokens == wanted


def test_a_beginning_alone_is_not_preferred() -> None:
    likely, beginning = ids(B, "."), ids(A, "b", ".")
    spelling = cast(Graphs, Spelling(likely, beginning))
    assert beam_search(spelling, HEARD, 9, hot_words("abcdefgh"), 4).tokens == likely


def test_a_longer_word_with_the_same_beginning_is_not_preferred() -> None:
    likely, longer = ids(B, "."), ids(A, "b", "c")
    spelling = cast(Graphs, Spelling(likely, longer))
    assert beam_search(spelling, HEARD, 9, hot_words("ab"), 4).tokens == likely


def test_words_that_are_complete_keep_their_bonus_when_a_phrase_goes_on_otherwise() -> None:
    words = hot_words("a", "a bcd")
    match = words.start()
    for token in ids(A, B):
        match = next(
            type(match)(moves.nodes[list(moves.tokens).index(token)], settled)
            for moves, settled in words.steps(match)
            if token in moves.tokens
        )
    assert match.bonus == 1.0
    assert words.broken(match).bonus == words.over(match).bonus == 0.5


def test_what_is_not_near_the_best_is_not_heard_because_it_is_wished_for() -> None:
    likely, other = ids(B, "."), ids(ABC, ".")
    spelling = cast(Graphs, Spelling(likely, other, by=11.0))
    assert greedy(spelling, HEARD, 9, (), hot_words("abc", boost=10.0)).tokens == likely


def test_words_without_letters_and_whole_sentences_are_refused() -> None:
    words = [HotWord("a"), HotWord("—"), HotWord(""), HotWord("ab " * 40)]
    made = HotWordList(words, TokenTexts(VOCABULARY), 0.5)
    assert made.refused == tuple(words[1:])


def test_sessions_with_the_same_words_share_a_list_and_old_lists_go() -> None:
    lists = HotWordLists(VOCABULARY, 0.5)
    words = (HotWord("abc"),)
    first = lists.get(words)
    assert lists.get(()) is None
    assert lists.get((HotWord("abc"),)) is first
    for number in range(40):
        lists.get((HotWord("a" * (number + 1)),))
    assert lists.get(words) is first, "small lists do not push each other out"
    for number in range(40):
        lists.get(tuple(HotWord(f"word {number} {at}") for at in range(1000)))
    assert lists.get(words) is not first


def made(letter: str) -> tuple[HotWord, ...]:
    """1,000 hot words of 60 letters, which have nothing in common beyond the first."""
    return tuple(HotWord(f"{letter}{at:03}" + "x" * 56) for at in range(1000))


@pytest.mark.parametrize("refused", mostly_long([False, True], True))
def test_the_lists_of_many_sessions_do_not_fill_the_memory(refused: bool) -> None:
    def words(number: int) -> tuple[HotWord, ...]:
        if refused:
            return tuple(HotWord("—" * (60 + number)) for _ in range(1000))
        return made(chr(ord("a") + number))

    lists = HotWordLists(VOCABULARY, 0.5)
    kept = [weakref.ref(lists.get(words(number))) for number in range(8)]
    gc.collect()
    assert sum(one() is not None for one in kept) <= 2


@pytest.mark.parametrize(
    ("tokens", "period", "left"),
    [
        ([1, 2, 3], None, 3),
        ([7] * 11, None, 11),
        ([7] * 12, 1, 1),
        ([9, 9, *[5, 6] * 6], 2, 4),
        ([4, *[1, 2, 3, 4] * 3], 4, 4),
        ([0, *range(10, 20), *range(10, 20)], None, 21),
        ([0, *[*range(10, 20)] * 3], 10, 11),
    ],
)
def test_a_loop_is_told_once(tokens: list[int], period: int | None, left: int) -> None:
    assert loop_period(tokens) == period
    if period is not None:
        assert without_loop(tokens, period) == left


def test_a_model_that_repeats_itself_is_stopped() -> None:
    class Stuck(Foretold):
        def logits(self, tokens: Sequence[int]) -> Floats:
            made = np.zeros(SIZE, np.float32)
            made[ids("a", "b", "c")[len(tokens) % 3]] = 9.0
            return made

    stuck = Stuck(0)
    text = greedy(cast(Graphs, stuck), HEARD, 500)
    assert text.ended
    assert len(text.tokens) == len(text.log_probabilities) == 3
    assert stuck.passes < 20
    assert beam_search(cast(Graphs, stuck), HEARD, 500, hot_words("h"), 2).tokens == text.tokens


@pytest.mark.parametrize(
    ("log_probabilities", "believed"),
    [
        ([-0.2, -0.1], True),
        ([-0.6], False),
        ([-0.4], True),
        ([-0.6, -1.2, -0.9, -0.8], True),
        ([-1.1, -0.9, -1.2], False),
        ([], False),
    ],
)
def test_a_text_is_believed_by_the_probability_of_what_has_letters(
    log_probabilities: list[float], believed: bool
) -> None:
    assert is_believed(log_probabilities) is believed


def test_what_has_letters_is_told_from_marks() -> None:
    assert [VOCABULARY.is_spoken[one] for one in ids("a", ABC, ".", "</s>", " ")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_the_longest_text_grows_with_the_audio() -> None:
    assert most_tokens(0, 16_000) == 8
    assert most_tokens(160_000, 16_000) == 128


def test_words_are_what_stands_between_spaces() -> None:
    tokens = ids(A, "b", "c", B, "e", ".", "<unk>", ABC)
    assert VOCABULARY.words(tokens) == [
        ("abc", [0, 1, 2]),
        ("be.", [3, 4, 5]),
        ("abc", [7]),
    ]
