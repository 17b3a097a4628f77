"""The training itself: batches, learning rate, progress.

It is deterministic for a seed and a number of threads, as far as PyTorch
promises it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray

from bench.training.dataset import SLOWEST, Example, vary
from bench.training.features import DIMENSIONS, FRAME_S
from bench.training.loss import (
    NOTHING,
    PHONE_LAG_S,
    UNIT_LAG_S,
    UNIT_LONGEST_S,
    Batch,
    loss,
    window,
)
from bench.training.model import STEP_FRAMES, STEP_S, Shape, Transducer

NEVER = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast."""

    passes: int = 6
    batch_frames: int = 9000
    """Feature frames in one batch, padding included: 90 s of audio."""
    peak_rate: float = 3e-3
    warm_up: int = 300
    """Batches until the learning rate is at its peak."""
    seed: int = 1


def train(examples: Sequence[Example], shape: Shape, plan: Plan) -> Transducer:
    """Train a network on the examples, and print how it goes."""
    torch.manual_seed(plan.seed)
    random = Random(plan.seed)
    names = sorted({phone.name for example in examples for phone in example.phones} | {""})
    phone_ids = {name: index for index, name in enumerate(names)}
    model = Transducer(replace(shape, phones=len(names)))
    _scale(model, examples)
    groups = _groups(examples, plan.batch_frames)
    total = plan.passes * len(groups)
    print(
        f"{model.exported_size():,} parameters, {len(groups)} batches, {plan.passes} passes",
        flush=True,
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=plan.peak_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: _rate(step, plan.warm_up, total)
    )
    began = time.monotonic()
    done = 0
    for number in range(plan.passes):
        model.train()
        random.shuffle(groups)
        losses: list[tuple[float, float, float]] = []
        for group in groups:
            batch = _batch([examples[index] for index in group], phone_ids, random)
            values = loss(model, batch)
            optimiser.zero_grad()
            values.total.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            losses.append((values.transducer.item(), values.phones.item(), values.units.item()))
            done += 1
            if done % 50 == 0:
                spent = time.monotonic() - began
                left = spent / done * (total - done)
                token, phone, unit = np.mean(losses[-50:], 0)
                print(
                    f"pass {number + 1:2}/{plan.passes}  batch {done:5}/{total}"
                    f"  loss of a token {token:6.3f}, a phone {phone:5.3f}, a step {unit:5.3f}"
                    f"  {spent:5.0f} s, {left:5.0f} s to go",
                    flush=True,
                )
    model.eval()
    return model


def _rate(step: int, warm_up: int, total: int) -> float:
    """Up in a line, down in half a cosine."""
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, total - warm_up)))


def _scale(model: Transducer, examples: Sequence[Example]) -> None:
    frames = np.concatenate([example.features for example in examples[:500]]).astype(np.float32)
    model.mean.copy_(torch.from_numpy(frames.mean(0)))
    model.scale.copy_(torch.from_numpy(1 / frames.std(0)))


def _groups(examples: Sequence[Example], batch_frames: int) -> list[list[int]]:
    """Examples of like length together."""
    order = sorted(range(len(examples)), key=lambda index: len(examples[index].features))
    groups: list[list[int]] = [[]]
    for index in order:
        if (len(groups[-1]) + 1) * len(examples[index].features) > batch_frames:
            groups.append([])
        groups[-1].append(index)
    return groups


def _batch(examples: Sequence[Example], phone_ids: Mapping[str, int], random: Random) -> Batch:
    frames = max(len(example.features) for example in examples) * SLOWEST
    longest = math.ceil(frames / STEP_FRAMES) * STEP_FRAMES
    most = max(len(example.tokens) for example in examples)
    features = torch.full((len(examples), longest, DIMENSIONS), -10.0)
    tokens = torch.zeros(len(examples), most, dtype=torch.int64)
    first = torch.full((len(examples), most), NEVER)
    last = torch.full((len(examples), most), NEVER)
    phones = torch.full((len(examples), longest // STEP_FRAMES), NOTHING)
    units = phones.clone()
    steps = torch.zeros(len(examples), dtype=torch.int64)
    for row, example in enumerate(examples):
        varied = vary(example, random)
        # Speech begins at any of a step's four frames.
        skip = random.randrange(STEP_FRAMES)
        length = (len(varied.features) - skip) // STEP_FRAMES
        part = varied.features[skip : skip + length * STEP_FRAMES]
        features[row, : len(part)] = torch.from_numpy(part)
        count = len(example.tokens)
        tokens[row, :count] = torch.tensor(example.tokens)
        begin, end = window([at - skip * FRAME_S for at in varied.ends_s], length)
        first[row, :count] = torch.tensor(begin)
        last[row, :count] = torch.tensor(end)
        starts = np.array(varied.phones_s) - skip * FRAME_S
        at = np.searchsorted(starts, np.arange(length) * STEP_S - PHONE_LAG_S, side="right")
        ids = np.array([0, *(phone_ids[phone.name] for phone in example.phones)])
        phones[row, :length] = torch.from_numpy(ids[at])
        ends = np.array(varied.ends_s) - skip * FRAME_S
        units[row, :length] = torch.from_numpy(_units(example.tokens, ends, length))
        steps[row] = length
    counts = torch.tensor([len(example.tokens) for example in examples])
    return Batch(features, tokens, first, last, phones, units, steps, counts)


def _units(tokens: Sequence[int], ends_s: NDArray[np.float64], length: int) -> NDArray[np.int64]:
    """The token that is being said at each step, a little later than it is; 0 is silence."""
    moments = np.arange(length) * STEP_S - UNIT_LAG_S
    index = np.searchsorted(ends_s, moments)
    end = np.append(ends_s, np.inf)[index]
    ids = np.append(np.array(tokens), 0)[index]
    said: NDArray[np.int64] = np.where(end - moments < UNIT_LONGEST_S, ids, 0)
    return said
