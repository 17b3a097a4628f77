"""The transducer loss, in plain PyTorch: one symbol a step, each token near where it was said.

A path says blank or one token at each step (as sherpa-onnx decodes), and a token
only between `SOONEST_S` and `LATEST_S` after its end, which espeak-ng told: so the loss is the
alignment-restricted one (Mahadeokar et al. 2021, arXiv:2011.03072), few (step, token) pairs are
possible, and only those are joined. What is written comes soon after it is said, by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from bench.training.model import STEP_S, Transducer

SOONEST_S = 0.06
"""From the end of a token to the first moment at which it may be written."""
LATEST_S = 0.42
"""To the last one. Homophones (电 of 电话 or 电视) are told apart by the syllable after them."""
IMPOSSIBLE = -1e9
ENCODER_WEIGHT = 0.3
"""Weight of the same loss with the decoder left out: the encoder learns sooner."""
PHONE_WEIGHT = 1.0
"""Weight of naming the phones, which espeak-ng told too: a help for the first layer."""
PHONE_LAG_S = 0.08
"""How much later than it is said the first layer names a phone."""
UNIT_WEIGHT = 1.0
"""Weight of naming, at each step, the token that is being said: a help for the last layer."""
UNIT_LAG_S = 0.16
"""How much later than it is said the last layer names it."""
UNIT_LONGEST_S = 0.4
"""A token after a pause began no longer before its end."""
NOTHING = -1
"""In place of a phone or token: none is asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Utterances padded to one length."""

    features: Tensor
    """(batch, frames, 80) float32."""
    tokens: Tensor
    """(batch, n) int64, padded with 0."""
    first: Tensor
    """(batch, n) int64: the first step at which each token may be written."""
    last: Tensor
    """(batch, n): the last one. Both strictly increase along n; of padding beyond every step."""
    phones: Tensor
    """(batch, steps) int64: the phone said at each step, or NOTHING."""
    units: Tensor
    """The same: the token said, 0 where there is silence."""
    steps: Tensor
    """(batch,): steps of each utterance."""
    counts: Tensor
    """(batch,): tokens of each utterance."""


def window(ends_s: Sequence[float], steps: int) -> tuple[list[int], list[int]]:
    """Return the first and last step of each token. Two tokens never share a step's only place."""
    first = [max(0, int((end + SOONEST_S) / STEP_S)) for end in ends_s]
    last = [min(steps - 1, int((end + LATEST_S) / STEP_S)) for end in ends_s]
    for index in range(1, len(first)):
        first[index] = max(first[index], first[index - 1] + 1)
    for index in reversed(range(len(last) - 1)):
        last[index] = min(last[index], last[index + 1] - 1)
    return first, last


def has_path(ends_s: Sequence[float], steps: int) -> bool:
    """Whether every token has a step of its own."""
    return all(begin <= end for begin, end in zip(*window(ends_s, steps), strict=True))


class Losses(NamedTuple):
    """What one batch says about the network."""

    total: Tensor
    """What training makes smaller."""
    transducer: Tensor
    """Mean negative log likelihood of a token."""
    phones: Tensor
    """The same of the phone at a step."""
    units: Tensor
    """And of the token at a step."""


def loss(model: Transducer, batch: Batch) -> Losses:
    """Return the transducer loss, with those that help it on its way."""
    encoded, phone_logits, unit_logits = model.encode(batch.features)
    phones = _naming(phone_logits, batch.phones)
    units = _naming(unit_logits, batch.units)
    predicted = model.predict(batch.tokens)
    length = encoded.shape[1]
    step = torch.arange(length)
    # At step t at least `low` tokens are written and at most `high`.
    low = (batch.last[:, None, :] < step[None, :, None]).sum(2)
    high = (batch.first[:, None, :] < step[None, :, None]).sum(2)
    width = int((high - low).max()) + 1
    places = (low[:, :, None] + torch.arange(width)).clamp(max=batch.tokens.shape[1])
    possible = places <= high[:, :, None]
    rows = torch.arange(len(places))[:, None, None]
    # Only possible places are joined: a third of the rectangle.
    where = possible.nonzero(as_tuple=True)
    chosen = places[where]
    joined = encoded[where[0], where[1]] + predicted[where[0], chosen]
    padded = functional.pad(batch.tokens, (0, 1))
    scores = torch.log_softmax(model.join(joined), 1)
    wanted = padded[where[0], chosen]
    shape = (len(places), length, batch.tokens.shape[1] + 1)
    blank = encoded.new_full(shape, IMPOSSIBLE)
    token = encoded.new_full(shape, IMPOSSIBLE)
    at = (where[0], where[1], chosen)
    blank = blank.index_put(at, scores[:, 0])
    token = token.index_put(at, scores.gather(1, wanted[:, None])[:, 0])
    first = functional.pad(batch.first, (0, 1), value=length)
    last = functional.pad(batch.last, (0, 1), value=-1)
    allowed = (first[:, None, :] <= step[None, :, None]) & (step[None, :, None] <= last[:, None, :])
    token = token.masked_fill(~allowed, IMPOSSIBLE)
    alone = torch.log_softmax(model.join(encoded), 2)
    blank_alone = alone[:, :, :1].expand(shape).masked_fill(blank <= IMPOSSIBLE, IMPOSSIBLE)
    token_alone = alone[rows, step[None, :, None], padded[:, None, :]]
    token_alone = token_alone.masked_fill(~allowed, IMPOSSIBLE)
    both = _negative_log_likelihood(
        torch.cat([blank, blank_alone]),
        torch.cat([token, token_alone]),
        batch.steps.repeat(2),
        batch.counts.repeat(2),
    )
    whole, encoder = both.chunk(2)
    paths = (whole.sum() + ENCODER_WEIGHT * encoder.sum()) / batch.counts.sum()
    total = paths + PHONE_WEIGHT * phones + UNIT_WEIGHT * units
    return Losses(total, whole.sum() / batch.counts.sum(), phones, units)


def _naming(logits: Tensor, wanted: Tensor) -> Tensor:
    return functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=NOTHING)


def _negative_log_likelihood(blank: Tensor, token: Tensor, steps: Tensor, counts: Tensor) -> Tensor:
    """Sum over all paths.

    Args:
        blank: log probability of no token, (batch, steps, n + 1).
        token: of the next token, the same shape.
        steps: of each utterance.
        counts: tokens of each utterance.
    """
    size, length, places = blank.shape
    alpha = blank.new_full((size, places), IMPOSSIBLE)
    alpha[:, 0] = 0.0
    ended = []
    for step in range(length):
        stay = alpha + blank[:, step]
        move = functional.pad((alpha + token[:, step])[:, :-1], (1, 0), value=IMPOSSIBLE)
        alpha = torch.logaddexp(stay, move)
        ended.append(alpha)
    rows = torch.arange(size)
    return -torch.stack(ended, 1)[rows, steps - 1, counts]
