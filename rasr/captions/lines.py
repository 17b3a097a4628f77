"""Tokens → lines: where a line is broken.

A line is broken when the next token does not fit, at the best end of a phrase within it; nothing
behind that token is looked at. So a text that grows keeps every line but its last: the partials of
a sentence, and its final, break the same words at the same places. That is worth more than lines of
even length, which can only be had when the sentence is over.

Style guides of broadcasters say the same of where English phrases end: break behind a punctuation
mark, else before a conjunction, a preposition or an article, and never between an article and its
noun, a preposition and its phrase, a pronoun and its verb. Chinese is written without spaces and is
broken behind marks and pauses; particles stay with what they belong to.
"""

from __future__ import annotations

from collections.abc import Sequence

from rasr.captions.measure import LINE_WIDTH, width
from rasr.captions.tokens import Token

Line = tuple[Token, ...]

NEW_CUE_PAUSE_MS = 1500
"""Silence inside a segment after which nothing is added to what stands on the screen."""

_LEAST_FILLED = 0.4
"""Of a line: a break before that leaves a stub that reads worse than a broken phrase."""
_EMPTY_COSTS = 6.0
"""What an empty line would be worse than a full one, in degrees of badness."""

# Degrees of badness.
_SENTENCE_END = 0
_CLAUSE_END = 1
_PAUSE = 2
_PHRASE_START = 3
_ANYWHERE = 5
_BAD = 8

_PAUSE_MS = 200
"""Shorter silences are mostly within words: the closure of a stop."""

_STOPS = frozenset(".!?。！？…")
_COMMAS = frozenset(",;:，；：、—")
_CLOSERS = "”’）】》」』)]}\"'"

_LINKS = frozenset(
    {"and", "but", "or", "nor", "so", "yet", "because", "although", "though", "while", "when"}
    | {"where", "if", "unless", "until", "since", "that", "which", "who", "whom", "whose", "than"}
    | {"in", "on", "at", "by", "for", "from", "with", "without", "into", "onto", "over", "under"}
    | {"about", "after", "before", "between", "through", "during", "against", "of", "to", "as"}
)
_STARTERS = _LINKS | frozenset(
    {"a", "an", "the", "this", "these", "those", "my", "your", "his", "its", "our", "their"}
    | {"i", "he", "she", "we", "they"}
)
"""They begin a phrase."""
_LEADERS = _STARTERS | frozenset(
    {"you", "her", "it", "is", "are", "was", "were", "be", "been", "am"}
    | {"have", "has", "had", "do", "does", "did", "will", "would", "shall", "should", "can"}
    | {"could", "may", "might", "must", "not", "no", "very", "mr.", "mrs.", "ms.", "dr."}
)
"""They lead into what follows: a line that ends with one is broken inside a phrase."""

_LINKS_ZH = frozenset("但而因所如虽或并且当若")
_LEADERS_ZH = frozenset("和与跟在把被从对向比给让是很不没最更这那每各第")
_FOLLOWERS_ZH = frozenset("的了着过吗呢吧啊嘛们地得个们里上下中边儿")


def lines_of(tokens: Sequence[Token]) -> list[Line]:
    """`tokens` in lines of at most 42 Latin or 20 Chinese characters."""
    lines: list[Line] = []
    line: list[Token] = []
    ends: list[int] = []
    for token in tokens:
        if line and token.start_ms - line[-1].end_ms >= NEW_CUE_PAUSE_MS:
            lines.append(tuple(line))
            line, ends = [], []
        line.append(token)
        ends.append(_end(token, ends))
        while ends[-1] > LINE_WIDTH:
            count = _best_break(line, ends)
            lines.append(tuple(line[:count]))
            line, ends = line[count:], []
            for left in line:
                ends.append(_end(left, ends))
    if line:
        lines.append(tuple(line))
    return lines


def _end(token: Token, ends: Sequence[int]) -> int:
    """Where `token` ends in its line, in the unit of `width`.

    Args:
        ends: where those before it in the line end.
    """
    if not ends:
        return width(token.text)
    return ends[-1] + width(f" {token.text}" if token.spaced else token.text)


def _best_break(line: Sequence[Token], ends: Sequence[int]) -> int:
    """How many tokens stay, of a line whose last token is too much for it.

    Args:
        ends: where each token ends, in the unit of `width`.
    """
    last = len(line) - 1

    def cost(end: int) -> float:
        filled = ends[end - 1] / LINE_WIDTH
        return _badness(line[end - 1], line[end]) + _EMPTY_COSTS * (1 - filled) ** 2

    # Backwards: of places that are equally bad the later one is taken.
    return min(
        (
            end
            for end in range(last, 0, -1)
            if end == last or ends[end - 1] >= _LEAST_FILLED * LINE_WIDTH
        ),
        key=cost,
    )


def _badness(before: Token, after: Token) -> int:
    """How bad it is to break a line between two tokens: 0 where a sentence ends, 8 in a phrase."""
    mark = before.text.rstrip(_CLOSERS)[-1:]
    word = before.text.lower()
    if word in _LEADERS:
        return _BAD
    if mark in _STOPS:
        return _SENTENCE_END
    if mark in _COMMAS:
        return _CLAUSE_END
    if after.text[0] in _FOLLOWERS_ZH and not after.spaced:
        return _BAD
    if after.start_ms - before.end_ms >= _PAUSE_MS:
        return _PAUSE
    if before.text[-1] in _LEADERS_ZH:
        return _BAD
    if after.text.lower() in _STARTERS or after.text[0] in _LINKS_ZH:
        return _PHRASE_START
    return _ANYWHERE
