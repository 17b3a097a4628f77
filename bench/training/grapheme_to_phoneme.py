"""Verb `g2p`: learn grapheme-to-phoneme rules from the dictionary of the default engine.

It makes `decoder/pocketsphinx/grapheme_to_phoneme.txt`; what that file means stands in
`decoder.pocketsphinx.pronunciation`, which reads it. It is run by hand: the dictionary changes
rarely.

Each word's letters are aligned with its phones, none to two for a letter, by Viterbi training. Then
each letter is read as most often, given ever more of the letters around it; a longer context is
kept where it occurs often enough and is read differently from the shorter one.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click
import jiwer
import pocketsphinx

from bench.report import report
from decoder.pocketsphinx.pronunciation import (
    CONTEXTS,
    RULES_FILE,
    GraphemeToPhonemeRules,
    contexts_of,
)

Phones = tuple[str, ...]
Entry = tuple[str, Phones]
Aligned = tuple[str, Sequence[Phones]]

_MOST_PHONES = 2
"""Of one letter: x is K S."""
_ITERATIONS = 5
_UNSEEN = -12.0
"""Logarithm of the probability of what no alignment has had yet."""
_LEAST_OCCURRENCES = 5
"""Fewer make more rules and few words more right: 3: 16,500 rules, 53 % of words; 5: 9,700 rules,
50 %; 10: 5,000 rules, 45 %."""
_HELD_OUT = 3000


@click.command()
@click.option("--write", is_flag=True, help=f"write {RULES_FILE.name} anew")
def g2p(write: bool) -> None:
    """How well words are read that are in no dictionary, measured on words held out of learning.

    Prints the phone error rate and the share of words that are right to the last phone.
    """
    entries = _entries()
    random.Random(1).shuffle(entries)
    held_out, known = entries[:_HELD_OUT], entries[_HELD_OUT:]
    rules = learn(known)
    reader = GraphemeToPhonemeRules(rules)
    told = [reader.read(word) for word, _ in held_out]
    expected = [phones for _, phones in held_out]
    error_rate = float(jiwer.wer([*map(" ".join, expected)], [*map(" ".join, told)]))
    right = sum(one == other for one, other in zip(told, expected, strict=True)) / len(held_out)
    if write:
        lines = (f"{context} {' '.join(said)}".rstrip() for context, said in sorted(rules.items()))
        RULES_FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    report(
        "g2p",
        ("rules", "phone error rate", "words right"),
        [(str(len(rules)), f"{error_rate:.1%}", f"{right:.1%}")],
        notes=(f"learnt from {len(known)} words, measured on {len(held_out)} others",),
        figures={"phone_error_rate": error_rate, "words_right": right},
    )


def learn(entries: Iterable[Entry]) -> dict[str, Phones]:
    """Learn the phones of a letter by its context, for `GraphemeToPhonemeRules`."""
    aligned = _aligned(list(entries))
    said: list[dict[str, Counter[Phones]]] = [defaultdict(Counter) for _ in CONTEXTS]
    for word, phones in aligned:
        for contexts, phone in zip(contexts_of(word), phones, strict=True):
            for table, context in zip(said, contexts, strict=True):
                table[context][phone] += 1
    rules: dict[str, Phones] = {}
    reader = GraphemeToPhonemeRules(rules)
    for width, table in enumerate(said):
        for context, counts in table.items():
            if counts.total() < _LEAST_OCCURRENCES and width:
                continue
            commonest = counts.most_common(1)[0][0]
            if not width or reader.shorter(context, width) != commonest:
                rules[context] = commonest
    return rules


def _entries() -> list[Entry]:
    path = Path(pocketsphinx.Config()["dict"])
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines():
        word, *phones = line.split()
        if re.fullmatch("[a-z']{2,}", word) and len(phones) <= _MOST_PHONES * len(word):
            entries.append((word, tuple(phones)))
    return entries


def _aligned(entries: Sequence[Entry]) -> list[Aligned]:
    """Each word with the phones of each of its letters."""
    counts = _first_guess(entries)
    aligned: list[Aligned] = []
    for _ in range(_ITERATIONS):
        scores = {
            letter: {phones: math.log(count / of.total()) for phones, count in of.items()}
            for letter, of in counts.items()
        }
        aligned = [(word, _best(word, phones, scores)) for word, phones in entries]
        counts = defaultdict(Counter)
        for word, parts in aligned:
            for letter, part in zip(word, parts, strict=True):
                counts[letter][part] += 1
    return aligned


def _first_guess(entries: Sequence[Entry]) -> dict[str, Counter[Phones]]:
    """Letters and phones at about the same part of a word belong together."""
    counts: dict[str, Counter[Phones]] = defaultdict(Counter)
    for word, phones in entries:
        for at, letter in enumerate(word):
            for position, phone in enumerate(phones):
                if abs(at / len(word) - position / len(phones)) < 0.25:
                    counts[letter][(phone,)] += 1
    for of in counts.values():
        of[()] = of.total() // 20
    return counts


def _best(word: str, phones: Phones, scores: Mapping[str, Mapping[Phones, float]]) -> list[Phones]:
    """The most probable parts of `phones`, one for each letter."""
    count = len(phones)
    best: list[list[tuple[float, int]]] = [[(0.0, 0)] + [(-math.inf, 0)] * count]
    for letter in word:
        row = [(-math.inf, 0)] * (count + 1)
        of = scores.get(letter, {})
        for start, (so_far, _) in enumerate(best[-1]):
            if so_far == -math.inf:
                continue
            for taken in range(min(_MOST_PHONES, count - start) + 1):
                part = phones[start : start + taken]
                score = so_far + _score(part, of)
                if score > row[start + taken][0]:
                    row[start + taken] = (score, taken)
        best.append(row)
    parts: list[Phones] = []
    end = count
    for row in reversed(best[1:]):
        taken = row[end][1]
        parts.append(phones[end - taken : end])
        end -= taken
    return parts[::-1]


def _score(part: Phones, of: Mapping[Phones, float]) -> float:
    if part in of:
        return of[part]
    # Two phones that were never one letter's: possible, and less likely than each alone.
    return sum(of.get((phone,), _UNSEEN) for phone in part) - 4.0 if len(part) == 2 else _UNSEEN
