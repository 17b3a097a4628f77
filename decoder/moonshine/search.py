"""From states to tokens: the most probable text, or with hot words the best of some.

A draft is what an earlier reading of the beginning of the audio said. All of it goes through the
decoder in one pass, and each of its tokens is kept as long as it is the one that would have been
chosen; from the first that is not, the text goes on token by token. So a draft saves passes and
decides nothing.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder.moonshine.graphs import Floats, Graphs, Heard
from decoder.moonshine.hot_words import NO_HOT_WORDS, HotWordList, Match
from decoder.moonshine.vocabulary import END, START
from decoder.repetition import loop_period, without_loop

_TOKENS_A_SECOND: Final = 12
"""More come of a model that has lost its way: quick speech has 5 words a second, of 1.3 tokens."""
_TOKENS_AT_LEAST: Final = 8
_WITHIN: Final = 10.0
"""A token of a hot word counts only if it is that much less probable than the best one, natural
logarithm: what nobody can have said is not heard because it is wished for."""

_MORE: Final = 4
"""Tokens that are looked at beyond the width of the search."""
_MOST_READINGS: Final = 4
"""Two texts that lead to each other are as good as each other."""
_DOUBTFUL: Final = math.log(0.6)
"""A token that is less probable may be another one."""


@dataclass(slots=True)
class Text:
    """The tokens of an utterance."""

    tokens: list[int] = field(default_factory=list)
    """Without start and end."""
    log_probabilities: list[float] = field(default_factory=list)
    """Of each token, natural logarithm."""
    ended: bool = False
    """False if the model had still more to say when it was stopped."""

    def add(self, token: int, log_probability: float) -> None:
        """The next token."""
        if token == END:
            self.ended = True
        else:
            self.tokens.append(token)
            self.log_probabilities.append(log_probability)

    def leave_loop(self) -> bool:
        """If the text ends in a loop: end it after the first turn. True if it did."""
        period = loop_period(self.tokens)
        if period is None:
            return False
        left = without_loop(self.tokens, period)
        del self.tokens[left:], self.log_probabilities[left:]
        self.ended = True
        return True


def most_tokens(samples: int, sample_rate: int) -> int:
    """So many tokens an utterance of this length may have."""
    return _TOKENS_AT_LEAST + _TOKENS_A_SECOND * samples // sample_rate


def greedy(
    graphs: Graphs,
    heard: Heard,
    most: int,
    draft: Sequence[int] = (),
    hot_words: HotWordList | None = None,
    stops: Collection[int] = (),
) -> Text:
    """The text that follows from choosing the best token each time.

    Args:
        most: the longest text that is allowed, in tokens.
        draft: the tokens of an earlier reading.
        hot_words: preferred where they are said.
        stops: tokens behind which a text may end unasked, if they stand behind the draft: of a text
            that will be read again, with this one as its draft.
    """
    choose = _MostProbable() if hot_words is None else _WithHotWords(hot_words)
    # The pass over a draft gives one token more than it has.
    draft = draft[: most - 1]
    logits, memory = graphs.first_pass(heard, [START, *draft])
    text = Text()
    for place, (token, log_probability) in enumerate(choose.along(logits)):
        text.add(token, log_probability)
        if place >= len(draft) or token != draft[place]:
            break
    kept = len(text.tokens) if text.ended else len(text.tokens) - 1
    if kept < len(draft):
        memory = memory.shortened(kept + 1)
    while not (text.ended or len(text.tokens) >= most or text.leave_loop()):
        if text.tokens[-1] in stops:
            text.ended = True
            break
        logits, memory = graphs.next_pass(heard, text.tokens[-1:], memory)
        text.add(*next(choose.along(logits)))
    return text


class _MostProbable:
    """Chooses the most probable token."""

    def along(self, logits: Floats) -> Iterator[tuple[int, float]]:
        """The choice behind each token that was read, shape (n, vocabulary), and its
        log-probability, one after the other as long as they are asked for."""
        chosen = logits.argmax(axis=-1)
        for row, token in zip(logits, chosen, strict=True):
            yield int(token), float(row[token] - _log_sum(row))


class _WithHotWords:
    """Chooses the best token where those of hot words are preferred."""

    def __init__(self, hot_words: HotWordList) -> None:
        self._hot_words = hot_words
        self._match = hot_words.start()

    def along(self, logits: Floats) -> Iterator[tuple[int, float]]:
        """As `_MostProbable.along`; each choice depends on those before it."""
        for row in logits:
            best = max(_candidates(row, self._hot_words, self._match, 1), key=_by_total)
            self._match = best.match
            yield best.token, best.log_probability


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A token that a text may go on with."""

    token: int
    log_probability: float
    match: Match
    total: float
    """Log-probability of the token and what all tokens have earned."""


def _by_total(candidate: _Candidate) -> float:
    return candidate.total


def _candidates(
    row: Floats, hot_words: HotWordList, match: Match, most: int
) -> Iterator[_Candidate]:
    """The tokens of hot words that may be next, and the most probable ones, at least `most`.

    Some are both; they come twice then, once with less than they have earned.
    """
    log_sum = _log_sum(row)
    over, inside = hot_words.over(match), hot_words.broken(match)
    # Some more, because what a word has earned depends on whether the token goes on with it.
    for token in _largest(row, most + _MORE):
        log_probability = float(row[token] - log_sum)
        left = inside if hot_words.goes_on(int(token)) else over
        yield _Candidate(int(token), log_probability, left, log_probability + left.bonus)
    least = row.max() - _WITHIN
    for moves, settled in hot_words.steps(match):
        logits = row[moves.tokens]
        for at in np.flatnonzero(logits >= least):
            log_probability = float(logits[at] - log_sum)
            yield _Candidate(
                int(moves.tokens[at]),
                log_probability,
                Match(moves.nodes[at], settled),
                log_probability + settled + float(moves.earned[at]),
            )


@dataclass(frozen=True, slots=True)
class _Path:
    """One of the texts that a beam search follows."""

    tokens: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    match: Match
    score: float
    """Sum of the log-probabilities, that of the end too."""

    @property
    def total(self) -> float:
        """What it is chosen by."""
        return self.score + self.match.bonus


def settled(graphs: Graphs, heard: Heard, most: int, draft: Sequence[int] = ()) -> Text:
    """As `greedy`, and the same to the last digit whatever the draft was.

    Weights of 8 bits make a token's probability depend a little on how many were read in one pass.
    So the text is read in one pass until that changes nothing, which is most often at once.
    """
    text = greedy(graphs, heard, most, draft)
    for _ in range(_MOST_READINGS):
        if text.tokens == list(draft):
            break
        draft = text.tokens
        text = greedy(graphs, heard, most, draft)
    return text


def reconsidered(graphs: Graphs, heard: Heard, most: int, text: Text, beam: int) -> Text:
    """A greedy text, sought anew with a beam from its first doubtful token on.

    What comes before that token would win with any beam, and most texts have none: so it costs
    nothing where speech is clear, and in noise of 10 dB there are a third fewer errors.

    Args:
        most: the longest text that is allowed, in tokens.
        text: from `greedy`, without hot words.
        beam: so many texts are followed.
    """
    doubtful = next((at for at, one in enumerate(text.log_probabilities) if one < _DOUBTFUL), None)
    if doubtful is None or beam < 2:
        return text
    begun = Text(text.tokens[:doubtful], text.log_probabilities[:doubtful])
    return beam_search(graphs, heard, most, NO_HOT_WORDS, beam, begun)


def beam_search(
    graphs: Graphs,
    heard: Heard,
    most: int,
    hot_words: HotWordList,
    beam: int,
    begun: Text | None = None,
) -> Text:
    """The best of the texts that are followed at the same time, with hot words preferred.

    Args:
        most: the longest text that is allowed, in tokens.
        beam: so many are followed.
        begun: all of them begin with it; without hot words alone.
    """
    begun = Text() if begun is None else begun
    logits, memory = graphs.first_pass(heard, [START, *begun.tokens])
    logits = logits[-1:]
    heard, memory = heard.repeated(beam), memory.for_paths(beam)
    score = sum(begun.log_probabilities)
    paths = [_Path(tuple(begun.tokens), tuple(begun.log_probabilities), hot_words.start(), score)]
    best_ended: _Path | None = None
    while True:
        followed: list[tuple[int, _Path]] = []
        for place, path in _extended(paths, logits, hot_words, beam):
            if len(path.tokens) == len(paths[0].tokens):
                if best_ended is None or path.total > best_ended.total:
                    best_ended = path
            else:
                followed.append((place, path))
        paths = [path for _, path in followed]
        # Every token costs; what goes on can only gain by words that it has not said yet.
        if best_ended is not None and (not paths or best_ended.total >= paths[0].total):
            return _text(best_ended, ended=True)
        if len(paths[0].tokens) >= most:
            return _text(paths[0], ended=False)
        best = _text(paths[0], ended=False)
        if best.leave_loop():
            return best
        memory = memory.reordered([place for place, _ in followed])
        logits, memory = graphs.next_pass(
            heard.first(len(paths)), [path.tokens[-1] for path in paths], memory
        )


def _extended(
    paths: Sequence[_Path], logits: Floats, hot_words: HotWordList, beam: int
) -> list[tuple[int, _Path]]:
    """The best paths that are one token longer, or over; each with the place of the one before."""
    best: dict[tuple[int, ...], tuple[float, int, _Candidate]] = {}
    for place, (path, row) in enumerate(zip(paths, logits, strict=True)):
        for candidate in _candidates(row, hot_words, path.match, beam):
            total = path.score + candidate.total
            tokens = (*path.tokens, candidate.token)
            # The same token may be part of a hot word and none of it.
            if tokens not in best or best[tokens][0] < total:
                best[tokens] = total, place, candidate
    chosen = heapq.nlargest(beam, best.items(), key=lambda item: item[1][0])
    return [(place, _longer(paths[place], candidate)) for _, (_, place, candidate) in chosen]


def _longer(path: _Path, candidate: _Candidate) -> _Path:
    score = path.score + candidate.log_probability
    if candidate.token == END:
        return _Path(path.tokens, path.log_probabilities, candidate.match, score)
    return _Path(
        (*path.tokens, candidate.token),
        (*path.log_probabilities, candidate.log_probability),
        candidate.match,
        score,
    )


def _text(path: _Path, *, ended: bool) -> Text:
    return Text(list(path.tokens), list(path.log_probabilities), ended)


def _largest(row: Floats, most: int) -> NDArray[np.intp]:
    most = min(most, len(row))
    return np.argpartition(row, -most)[-most:]


def _log_sum(row: Floats) -> float:
    """Natural logarithm of the sum of the exponentials."""
    largest = row.max()
    return float(largest + np.log(np.exp(row - largest).sum()))
