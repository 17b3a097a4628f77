"""Where a phrase ends: how bad it is to break a line between two tokens.

Broadcasters' guides say the same of English: break behind a mark, else before a conjunction, a
preposition or an article, and never between an article and its noun, a preposition and its phrase,
a pronoun and its verb. Chinese is written without spaces and is broken behind marks and pauses;
particles stay with what they belong to.
"""

from __future__ import annotations

from rasr.captions.tokens import Token

SENTENCE_END = 0
CLAUSE_END = 1
PAUSE = 2
PHRASE_START = 3
ANYWHERE = 5
BAD = 8

PAUSE_MS = 200
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


def badness(before: Token, after: Token) -> int:
    """0 where a sentence ends, 8 inside a phrase."""
    mark = before.text.rstrip(_CLOSERS)[-1:]
    word = before.text.lower()
    if word in _LEADERS:
        return BAD
    if mark in _STOPS:
        return SENTENCE_END
    if mark in _COMMAS:
        return CLAUSE_END
    if after.text[0] in _FOLLOWERS_ZH and not after.spaced:
        return BAD
    if after.start_ms - before.end_ms >= PAUSE_MS:
        return PAUSE
    if before.text[-1] in _LEADERS_ZH:
        return BAD
    if after.text.lower() in _STARTERS or after.text[0] in _LINKS_ZH:
        return PHRASE_START
    return ANYWHERE
