"""What is very likely wrong with the audio of a stream, so that the client can be told.

This module owns when to look, in which order, and the sentence for each finding. It never changes
the audio and never stops it: recognition goes on whatever is found.

Mistakes of this kind are made once, when a client is written or a microphone is plugged in, and
last for a whole stream. So the beginning of a stream is judged and then no more: the signature of a
file after 1 s, silence after 3 s, encoding and clipping after the first 2 s of loud audio, the rate
on up to three windows of 5 s. Nothing that could be a proper recording is called wrong; much that
is wrong is not noticed. The limits stand beside their measurements in `encoding_mismatch` and
`rate_mismatch`, and below.

Cost on one core: 0.05 to 0.1 ms for each second listened to, 0.3 ms once for the encoding and about
2 ms for a window, at most three; nothing after that, and no memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

import numpy as np

from rasr.audio.containers.signatures import SNIFFED_BYTES, FileType, sniff
from rasr.audio.encoding_mismatch import ActualEncoding, encoding_mismatch
from rasr.audio.formats import Samples
from rasr.audio.rate_mismatch import measure_voice

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
    """What is wrong, as a word for programs."""

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


class AudioCheck:
    """Listens to one stream; reports each finding once, whatever the cut of the audio."""

    def __init__(self, sample_rate: int) -> None:
        """Make the check of a stream of `sample_rate` Hz, as declared."""
        self._sample_rate = sample_rate
        self._block = sample_rate // _BLOCKS_PER_S
        self._second = _BLOCKS_PER_S * self._block
        self._pieces: list[Samples] = []
        """Audio not listened to yet: it is taken a second at a time, which is cheaper by far."""
        self._waiting = 0
        """Samples in `_pieces`."""
        self._begun = False
        """True once the signature of a file has been looked for."""
        self._silent: int | None = 0
        """Blocks of silence since the start; None once anything was heard."""
        self._loud: list[Samples] | None = []
        """The first loud blocks; None once they are judged."""
        self._window: list[Samples] = []
        """Audio in a row, from a loud block on."""
        self._windows_left = _WINDOWS

    def feed(self, samples: Samples) -> tuple[Finding, ...]:
        """Return what the next samples show; they are those that `on_audio` is given.

        The array is kept for up to a second of audio and must not change meanwhile.
        """
        if self._done:
            self._pieces.clear()
            return ()
        self._pieces.append(samples)
        self._waiting += len(samples)
        if self._waiting < self._second:
            return ()
        audio = np.concatenate(self._pieces)
        whole = len(audio) // self._second * self._second
        # A copy: a view would keep everything before it alive.
        self._pieces = [audio[whole:].copy()]
        self._waiting -= whole
        return tuple(self._listen(audio[:whole].reshape(-1, self._block)))

    @property
    def _done(self) -> bool:
        return self._silent is None and self._loud is None and not self._windows_left

    def _listen(self, blocks: Samples) -> Iterator[Finding]:
        """Listen to `blocks`, shape (n, samples of 0.1 s)."""
        if not self._begun:
            self._begun = True
            yield from self._judge_beginning(blocks[0])
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

    def _judge_beginning(self, block: Samples) -> Iterator[Finding]:
        kind = sniff(block[: SNIFFED_BYTES // 2].astype("<i2", copy=False).tobytes())
        # A WAV header that comes as far as here is damaged, and is audio on purpose.
        if kind is None or kind is FileType.WAV:
            return
        self._stop()
        yield Finding(
            FindingCode.ENCODING,
            f"the bytes are a file of {kind}, which is compressed, read as 16-bit samples; "
            f"the audio_format for that is {kind.advice}",
        )

    def _stop(self) -> None:
        """Judge no more: measures of audio that is none mean nothing."""
        self._silent = self._loud = None
        self._windows_left, self._window = 0, []

    def _judge_silence(self, block: Samples) -> Iterator[Finding]:
        assert self._silent is not None
        if int(block.max()) - int(block.min()) > _SILENT_RANGE:
            self._silent = None
            return
        self._silent += 1
        if self._silent == _SILENT_BLOCKS:
            seconds = _SILENT_BLOCKS // _BLOCKS_PER_S
            yield Finding(
                FindingCode.SILENCE,
                f"the first {seconds} s are digital silence; see whether the microphone is muted "
                "or another one is meant",
            )

    def _judge_loud(self, excerpt: Samples) -> Iterator[Finding]:
        self._loud = None
        actual = encoding_mismatch(excerpt)
        if actual is not None:
            self._stop()
            yield _of(actual)
            return
        share = float((np.abs(excerpt.astype(np.int32)) >= _FULL_SCALE).mean())
        if share > _CLIPPED_SHARE:
            yield Finding(
                FindingCode.CLIPPED,
                f"{share:.0%} of the samples are at full scale, so the sound is distorted; "
                "lower the level at which it is recorded",
            )

    def _judge_window(self) -> Iterator[Finding]:
        voice = measure_voice(np.concatenate(self._window), self._sample_rate)
        self._window = []
        self._windows_left -= 1
        if voice is not None and voice.slowed_down:
            self._windows_left = 0
            yield Finding(
                FindingCode.RATE,
                f"the voice is too low ({voice.pitch_hz:.0f} Hz) and too slow for a human one; it "
                f"was probably recorded at a higher rate than the declared {self._sample_rate} Hz: "
                "declare the rate that it has or resample it",
            )


def _of(actual: ActualEncoding) -> Finding:
    match actual:
        case ActualEncoding.SWAPPED:
            return Finding(
                FindingCode.BYTE_ORDER,
                "the sound is noise as sent and smooth with the bytes of each sample swapped; "
                "send 16-bit samples with the low byte first (little-endian)",
            )
        case ActualEncoding.EIGHT_BIT:
            return Finding(
                FindingCode.ENCODING,
                "the bytes look like 8-bit samples (µ-law, A-law or linear) read as 16-bit ones; "
                "declare ulaw… or alaw…, or send 16-bit samples",
            )
        case ActualEncoding.FLOATING_POINT:
            return Finding(
                FindingCode.ENCODING,
                "the bytes look like 32-bit floating point samples read as 16-bit ones; multiply "
                "them by 32767, round and send signed 16-bit integers",
            )
        case ActualEncoding.COMPRESSED:
            return Finding(
                FindingCode.ENCODING,
                "the bytes look compressed (MP3, AAC, Opus, FLAC …) or encrypted, read as 16-bit "
                "samples; send raw samples of the declared audio_format",
            )
        case _:
            assert_never(actual)
