"""The two graphs of a Moonshine model on onnxruntime: audio to states, and states to tokens.

What the published graphs take and give (read from them; onnxruntime 1.32):

- encoder: `input_values` [b, n] float32 of the audio at 16 kHz, −1 to 1, and `attention_mask`
  [b, n]; a state for each 384 samples.
- decoder: the states, the mask of the *audio*, tokens, and the keys and values of what it has read
  before. In its first pass (`use_cache_branch` false) it makes keys and values of the states too;
  those are kept, and later passes need the new tokens alone.

The weights are whole numbers of 8 bits, and the scale of the other factor is taken over the whole
tensor. So one utterance in a batch with others would come out a little different from the same one
alone, and its text would depend on who else speaks. Each utterance is therefore read alone; the
paths of a beam are of one utterance and are read together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from decoder.engine import Samples
from decoder.errors import EngineUnavailable

Floats = NDArray[np.float32]

LEAST_SAMPLES: Final = 1600
"""Less audio gives the encoder no state to speak of, and holds no word."""

_ENCODER_INPUTS: Final = frozenset({"input_values", "attention_mask"})
_DECODER_INPUTS: Final = frozenset(
    {"encoder_attention_mask", "input_ids", "encoder_hidden_states", "use_cache_branch"}
)
_PAST: Final = "past_key_values."
_PRESENT: Final = "present."
_FULL_SCALE: Final = 32768.0


@dataclass(frozen=True, slots=True)
class Heard:
    """An utterance, encoded, for so many paths at once."""

    states: Floats
    """Shape (paths, t, width)."""
    mask: NDArray[np.int64]
    """Shape (paths, n): one for each sample."""

    def first(self, paths: int) -> Heard:
        """For the first of the paths."""
        return Heard(self.states[:paths], self.mask[:paths])

    def repeated(self, paths: int) -> Heard:
        """For so many paths instead of one."""
        return Heard(np.repeat(self.states, paths, 0), np.repeat(self.mask, paths, 0))


@dataclass(frozen=True, slots=True)
class Memory:
    """Keys and values of what the decoder has read: of the states, and of the tokens."""

    heard: Mapping[str, Floats]
    """For as many paths as there are, or more: those of one utterance are all the same."""
    tokens: Mapping[str, Floats]
    """Each of shape (paths, heads, read, width)."""

    def shortened(self, read: int) -> Memory:
        """As it was after so many tokens."""
        return Memory(
            self.heard,
            {name: np.ascontiguousarray(array[:, :, :read]) for name, array in self.tokens.items()},
        )

    def reordered(self, paths: Sequence[int]) -> Memory:
        """The paths of these places, in this order. They are of one utterance."""
        return Memory(self.heard, {name: array[list(paths)] for name, array in self.tokens.items()})

    def for_paths(self, paths: int) -> Memory:
        """Of one path: with room for so many, which `reordered` makes of it."""
        return Memory(
            {name: np.repeat(array, paths, 0) for name, array in self.heard.items()}, self.tokens
        )


class Graphs:
    """The graphs of one model, loaded. Several threads may use them at once."""

    def __init__(self, encoder: Path, decoder: Path) -> None:
        """
        Raises:
            EngineUnavailable: a file is missing, damaged, or no such graph; or onnxruntime is not
                installed.
        """
        self._encoder = _session(encoder)
        self._decoder = _session(decoder)
        _require(encoder, _names(self._encoder.get_inputs()), _ENCODER_INPUTS)
        inputs = _names(self._decoder.get_inputs())
        _require(decoder, inputs, _DECODER_INPUTS)
        self._past = {
            name.removeprefix(_PAST): [size if isinstance(size, int) else 0 for size in one.shape]
            for one in self._decoder.get_inputs()
            if (name := one.name).startswith(_PAST)
        }
        self._heard = [name for name in self._past if ".encoder." in name]
        self._read = [name for name in self._past if ".encoder." not in name]
        _require(
            decoder,
            _names(self._decoder.get_outputs()),
            {"logits", *(_PRESENT + name for name in self._past)},
        )
        if not self._heard or not self._read:
            raise EngineUnavailable(
                f"{decoder} keeps nothing of what it has read: it is a graph of another version; "
                "pull the model again"
            )

    @property
    def tokens(self) -> int | None:
        """How many tokens the decoder knows; None where the graph does not say."""
        shape = self._decoder.get_outputs()[0].shape
        return shape[-1] if isinstance(shape[-1], int) else None

    def encode(self, samples: Samples) -> Heard:
        """Encode an utterance, shape (n,), int16, at 16 kHz, `LEAST_SAMPLES` or more."""
        audio = samples.astype(np.float32)[None] / np.float32(_FULL_SCALE)
        mask = np.ones(audio.shape, np.int64)
        states = self._encoder.run(None, {"input_values": audio, "attention_mask": mask})[0]
        return Heard(states, mask)

    def first_pass(self, heard: Heard, tokens: Sequence[int]) -> tuple[Floats, Memory]:
        """Read the first tokens of a text of one path.

        Returns: the logits behind each of the tokens, shape (len(tokens), vocabulary), and what
            was read.
        """
        past: dict[str, Floats] = {}
        for name, (_, heads, _, width) in self._past.items():
            past[_PAST + name] = np.zeros((1, heads, 0, width), np.float32)
        names = [*self._read, *self._heard]
        logits, *present = self._decoder.run(
            ["logits", *(_PRESENT + name for name in names)],
            self._inputs(heard, [list(tokens)], use_cache=False) | past,
        )
        read = dict(zip(names, present, strict=True))
        memory = Memory(
            {name: read[name] for name in self._heard}, {name: read[name] for name in self._read}
        )
        return logits[0], memory

    def next_pass(
        self, heard: Heard, tokens: Sequence[int], memory: Memory
    ) -> tuple[Floats, Memory]:
        """Read one more token for each path.

        Returns: the logits behind them, shape (paths, vocabulary), and what was read.
        """
        past = {_PAST + name: array[: len(tokens)] for name, array in memory.heard.items()}
        past |= {_PAST + name: array for name, array in memory.tokens.items()}
        logits, *present = self._decoder.run(
            ["logits", *(_PRESENT + name for name in self._read)],
            self._inputs(heard, [[token] for token in tokens], use_cache=True) | past,
        )
        return logits[:, -1], Memory(memory.heard, dict(zip(self._read, present, strict=True)))

    def _inputs(
        self, heard: Heard, tokens: Sequence[Sequence[int]], *, use_cache: bool
    ) -> dict[str, Any]:
        return {
            "encoder_attention_mask": heard.mask,
            "encoder_hidden_states": heard.states,
            "input_ids": np.array(tokens, np.int64),
            "use_cache_branch": np.array([use_cache]),
        }


def _session(file: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineUnavailable(
            "the package onnxruntime is not installed; pip install onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    # Each worker is one thread. More of them would wait for each other, and spin meanwhile.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # onnxruntime raises a dozen kinds, none of them documented.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EngineUnavailable(
            f"{file} cannot be loaded: {reason}; pull the model again"
        ) from error


def _names(values: Sequence[Any]) -> set[str]:
    return {value.name for value in values}


def _require(file: Path, names: set[str], wanted: frozenset[str] | set[str]) -> None:
    missing = sorted(wanted - names)
    if missing:
        raise EngineUnavailable(
            f"{file} has no {', '.join(missing[:3])}: it is another graph, or one of another "
            "version; pull the model again"
        )
