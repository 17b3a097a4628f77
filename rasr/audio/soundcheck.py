"""What is very likely wrong with the sound of a round, so that the client can be told.

Owns when to look, in which order, and the sentence for each finding. Never changes the sound and
never stops it: recognition goes on whatever is found.

Mistakes of this kind are made once, when a client is written or a microphone is plugged in, and
last for a whole round. So the beginning of a round is judged and then no more: silence after 3 s,
coding and clipping after the first 2 s of loud sound, speed on up to three windows of 5 s. Nothing
that could be a proper recording is called wrong; much that is wrong is not noticed. The limits
stand beside their measurements in `readings` and `pace`, and below.

Cost on one core: 0.05 to 0.1 ms for each second listened to, 0.3 ms once for the coding and about
2 ms for a window, at most three; nothing after that, and no memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

import numpy as np

from rasr.audio.formats import Samples
from rasr.audio.pace import measure_pace
from rasr.audio.readings import Misreading, misreading

_BLOCKS_PER_S = 10
_SILENT_BLOCKS = 3 * _BLOCKS_PER_S
_SILENT_RANGE = 16
"""Highest minus lowest sample of 0.1 s: A-law has no zero and idles between -8 and 8."""
_LOUD_BLOCKS = 2 * _BLOCKS_PER_S
_LOUD = 300.0
"""Standard deviation of the samples of 0.1 s, about -41 dB below full scale."""
_FULL_SCALE = 32000
"""The loudest value of µ-law is 32124."""
_CLIPPED_SHARE = 0.08
"""Of samples at full scale. Speech with peaks at full scale has below 0.01, four times as loud
(12 dB too much) 0.01 to 0.25, eight times 0.09 to 0.4."""
_WINDOW_BLOCKS = 5 * _BLOCKS_PER_S
_WINDOWS = 3


class FindingCode(StrEnum):
    """What is wrong, as the word in EVENT WARNING."""

    SILENCE = "silence"
    CLIPPED = "clipped"
    BYTE_ORDER = "byte_order"
    ENCODING = "encoding"
    RATE = "rate"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is very likely wrong."""

    code: FindingCode
    message: str
    """What was heard and what to do about it."""


class SoundCheck:
    """Listens to the sound of one round; tells each finding once, whatever the cut of the sound."""

    def __init__(self, sample_rate: int) -> None:
        """`sample_rate` is the declared one, in Hz: a multiple of 4000."""
        self._sample_rate = sample_rate
        self._block = sample_rate // _BLOCKS_PER_S
        self._pieces: list[Samples] = []
        """Sound not listened to yet: it is taken a second at a time, which is cheaper by far."""
        self._waiting = 0
        """Samples in `_pieces`."""
        self._silent: int | None = 0
        """Blocks of silence since the start; None once that is decided."""
        self._loud: list[Samples] | None = []
        """The first loud blocks; None once they are judged."""
        self._window: list[Samples] = []
        """Sound in a row, from a loud block on."""
        self._windows_left = _WINDOWS

    def feed(self, samples: Samples) -> tuple[Finding, ...]:
        """Listen to the next decoded samples, at the rate they came with.

        The array is kept for up to a second of sound and must not change meanwhile.
        """
        if self._done:
            self._pieces.clear()
            return ()
        self._pieces.append(samples)
        self._waiting += len(samples)
        if self._waiting < self._sample_rate:
            return ()
        sound = np.concatenate(self._pieces)
        whole = len(sound) // self._sample_rate * self._sample_rate
        # A copy: a view would keep everything before it alive.
        self._pieces = [sound[whole:].copy()]
        self._waiting -= whole
        return tuple(self._listen(sound[:whole].reshape(-1, self._block)))

    @property
    def _done(self) -> bool:
        return self._silent is None and self._loud is None and not self._windows_left

    def _listen(self, blocks: Samples) -> Iterator[Finding]:
        """Listen to `blocks`, shape (n, samples of 0.1 s)."""
        centred = blocks.astype(np.float32)
        centred -= centred.mean(axis=1, keepdims=True)
        levels = np.sqrt(np.square(centred).mean(axis=1))
        for block, level in zip(blocks, levels, strict=True):
            if self._silent is not None:
                yield from self._judge_silence(block)
            loud = bool(level >= _LOUD)
            if self._windows_left and (loud or self._window):
                self._window.append(block)
                if len(self._window) == _WINDOW_BLOCKS:
                    yield from self._judge_window()
            if self._loud is not None and loud:
                # A copy: loud blocks may be far apart, and a view keeps its whole second alive.
                self._loud.append(block.copy())
                if len(self._loud) == _LOUD_BLOCKS:
                    yield from self._judge_loud(np.concatenate(self._loud))

    def _judge_silence(self, block: Samples) -> Iterator[Finding]:
        assert self._silent is not None
        if int(block.max()) - int(block.min()) > _SILENT_RANGE:
            self._silent = None
            return
        self._silent += 1
        if self._silent == _SILENT_BLOCKS:
            self._silent = None
            seconds = _SILENT_BLOCKS // _BLOCKS_PER_S
            yield Finding(
                FindingCode.SILENCE,
                f"the first {seconds} s are digital silence; see whether the microphone is muted "
                "or another one is meant",
            )

    def _judge_loud(self, excerpt: Samples) -> Iterator[Finding]:
        self._loud = None
        mistake = misreading(excerpt)
        if mistake is not None:
            # Measures of sound that is none mean nothing.
            self._windows_left, self._window = 0, []
            yield _of(mistake)
            return
        share = float((np.abs(excerpt.astype(np.int32)) >= _FULL_SCALE).mean())
        if share > _CLIPPED_SHARE:
            yield Finding(
                FindingCode.CLIPPED,
                f"{share:.0%} of the samples are at full scale, so the sound is distorted; "
                "lower the level at which it is recorded",
            )

    def _judge_window(self) -> Iterator[Finding]:
        pace = measure_pace(np.concatenate(self._window), self._sample_rate)
        self._window = []
        self._windows_left -= 1
        if pace is not None and pace.too_slow:
            self._windows_left = 0
            yield Finding(
                FindingCode.RATE,
                f"the voice is too low ({pace.pitch_hz:.0f} Hz) and too slow for a human one; it "
                f"was probably recorded at a higher rate than the declared {self._sample_rate} Hz: "
                "declare the rate that it has or resample it",
            )


def _of(mistake: Misreading) -> Finding:
    match mistake:
        case Misreading.SWAPPED:
            return Finding(
                FindingCode.BYTE_ORDER,
                "the sound is noise as sent and smooth with the bytes of each sample swapped; "
                "send 16-bit samples with the low byte first (little-endian)",
            )
        case Misreading.EIGHT_BIT:
            return Finding(
                FindingCode.ENCODING,
                "the bytes look like 8-bit samples (µ-law, A-law or linear) read as 16-bit ones; "
                "declare ulaw… or alaw…, or send 16-bit samples",
            )
        case Misreading.FLOATING_POINT:
            return Finding(
                FindingCode.ENCODING,
                "the bytes look like 32-bit floating point samples read as 16-bit ones; multiply "
                "them by 32767, round and send signed 16-bit integers",
            )
        case Misreading.COMPRESSED:
            return Finding(
                FindingCode.ENCODING,
                "the bytes look compressed (MP3, AAC, Opus, FLAC …) or encrypted, read as 16-bit "
                "samples; send raw samples of the declared audio_format",
            )
        case _:
            assert_never(mistake)
