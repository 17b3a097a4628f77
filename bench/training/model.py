"""The network: an LSTM encoder, a decoder that sees two tokens back, a joiner.

`export.py` writes the same sums as ONNX graphs. Four
feature frames make one step of 40 ms; the encoder looks at nothing later than its own step.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.training.features import DIMENSIONS

STEP_FRAMES = 4
"""Feature frames in one step of the encoder."""
STEP_S = 0.04
CONTEXT = 2
"""Tokens that the decoder sees."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the network."""

    vocabulary: int
    hidden: int = 224
    layers: int = 2
    joint: int = 128
    phones: int = 1
    """Phones that the first layer learns to name; in training only."""


class Transducer(nn.Module):
    """Encoder, decoder and joiner; blank is token 0."""

    mean: Tensor
    scale: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        # Unscaled log-mel energies, around -10, saturate every gate: nothing is learned.
        self.register_buffer("mean", torch.zeros(DIMENSIONS))
        self.register_buffer("scale", torch.ones(DIMENSIONS))
        self.front = nn.Linear(STEP_FRAMES * DIMENSIONS, shape.hidden)
        self.lstm = nn.ModuleList(
            nn.LSTM(shape.hidden, shape.hidden, batch_first=True) for _ in range(shape.layers)
        )
        self.dropout = nn.Dropout(0.05)
        for lstm in self.lstm:
            # Remember at first: the gate that forgets begins nearly open.
            lstm.bias_ih_l0.data[shape.hidden : 2 * shape.hidden] = 1.0
        self.phone = nn.Linear(shape.hidden, shape.phones)
        self.unit = nn.Linear(shape.hidden, shape.vocabulary)
        self.encoder_joint = nn.Linear(shape.hidden, shape.joint)
        self.embedding = nn.Embedding(shape.vocabulary, shape.joint)
        self.context = nn.Linear(CONTEXT * shape.joint, shape.joint)
        self.decoder_joint = nn.Linear(shape.joint, shape.joint)
        self.output = nn.Linear(shape.joint, shape.vocabulary)

    def exported_size(self) -> int:
        """Count the parameters that are shipped: what only training looks at stays here."""
        whole = sum(parameter.numel() for parameter in self.parameters())
        helpers = (*self.phone.parameters(), *self.unit.parameters())
        return whole - sum(parameter.numel() for parameter in helpers)

    def encode(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Turn features (batch, frames, 80) into (batch, frames / 4, joint); frames in fours.

        Second, (batch, frames / 4, phones), what the first layer takes each step for; third,
        (batch, frames / 4, vocabulary), what the last layer takes it for: logits that only
        training looks at.
        """
        batch, frames, _ = features.shape
        scaled = (features - self.mean) * self.scale
        steps = scaled.reshape(batch, frames // STEP_FRAMES, STEP_FRAMES * DIMENSIONS)
        value = torch.relu(self.front(steps))
        layers = []
        for lstm in self.lstm:
            value, _ = lstm(self.dropout(value))
            layers.append(value)
        value = self.dropout(value)
        return self.encoder_joint(value), self.phone(layers[0]), self.unit(value)

    def predict(self, tokens: Tensor) -> Tensor:
        """Turn tokens (batch, n) into what the decoder says before each and behind the last."""
        batch = tokens.shape[0]
        start = tokens.new_zeros(batch, CONTEXT)
        embedded = self.embedding(torch.cat([start, tokens], 1))
        count = tokens.shape[1] + 1
        seen = torch.cat([embedded[:, back : back + count] for back in range(CONTEXT)], 2)
        joint: Tensor = self.decoder_joint(torch.relu(self.context(seen)))
        return joint

    def join(self, encoded: Tensor) -> Tensor:
        """Turn the sum of encoder and decoder, (…, joint), into logits (…, vocabulary)."""
        logits: Tensor = self.output(torch.tanh(encoded))
        return logits
