"""Engines of 8 kHz behind the interface of one of 16 kHz: the adapter resamples, and scales times.

`decoder.registry.load` puts it around an engine of 8 kHz, so that all engines look alike to whoever
uses them: samples, positions and sample counts are those of 16 kHz.

How soxr is used, and why (measured with soxr 1.1; tests hold delay, rounding and place):

- float32 inside. With int16, soxr dithers, and its dither depends on how the input was cut.
- By the variable-rate filter, whose output is 15 ms behind its input. The fixed-rate one is up to
  115 ms behind at quality HQ and 61 ms at LQ, all of it added to the latency of every partial. The
  variable-rate filter is flat to 3.9 kHz and suppresses what would alias by 118 dB. It does not
  delay all frequencies alike, by up to 1 ms near 4 kHz, which is a tenth of a frame of features.
  It costs 0.4 ms per second of audio.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np
import soxr

from decoder.engine import SAMPLE_RATE, Capabilities, Engine, HotWord, Hypothesis, Samples, Stream
from decoder.errors import EngineUnavailable

ENGINE_RATE: Final = 8000
"""Hz of the engines that are adapted."""
DELAY_SAMPLES: Final = 240
"""Samples of 16 kHz by which the output of the filter is behind its input."""

_RATIO: Final = SAMPLE_RATE // ENGINE_RATE
_DELAYED: Final = ("first_step_samples", "lookahead_samples")
"""Counts of `Capabilities` that grow by the delay of the filter: audio that must have come before
the engine has something to do or to say."""
_BLOCK_SAMPLES: Final = 1600
"""Most samples handed to soxr at once: its buffers grow to the largest block and stay so."""


def adapted(engine: Engine) -> Engine:
    """`engine` if it takes 16 kHz, else an engine that resamples for it.

    Raises:
        EngineUnavailable: it takes neither 16 nor 8 kHz.
    """
    rate = engine.capabilities.sample_rate
    if rate == SAMPLE_RATE:
        return engine
    if rate != ENGINE_RATE:
        raise EngineUnavailable(
            f"the engine {engine.capabilities.name!r} takes {rate} Hz; allowed: {ENGINE_RATE} or "
            f"{SAMPLE_RATE}; choose another model"
        )
    return ResamplingEngine(engine)


class ResamplingEngine:
    """An engine of 8 kHz that takes 16 kHz. It is as safe to share by threads as that one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._capabilities = _scaled_capabilities(engine.capabilities)

    @property
    def capabilities(self) -> Capabilities:
        """Those of the engine inside, counted at 16 kHz."""
        return self._capabilities

    def open(self, hot_words: Sequence[HotWord] = ()) -> ResamplingStream:
        """Start an utterance; as `Engine.open`."""
        return ResamplingStream(self._engine.open(hot_words))

    def decode(self, streams: Sequence[Stream]) -> None:
        """Work on streams of this engine; as `Engine.decode`."""
        inside: list[Stream] = []
        for stream in streams:
            assert isinstance(stream, ResamplingStream), "a stream of another engine"
            inside.append(stream.inside)
        self._engine.decode(inside)


class ResamplingStream:
    """One utterance at 16 kHz on a stream of 8 kHz.

    Args:
        inside: the stream of the engine inside, of 8 kHz, to which nothing was given yet.
    """

    def __init__(self, inside: Stream) -> None:
        self.inside = inside
        self._resampler = soxr.ResampleStream(
            SAMPLE_RATE, ENGINE_RATE, num_channels=1, dtype="float32", vr=True
        )
        self._read = self._scaled = Hypothesis()
        """The last hypothesis of the stream inside, and what it is at 16 kHz."""

    @property
    def refused_hot_words(self) -> tuple[HotWord, ...]:
        """Those that cannot be preferred; as `Stream.refused_hot_words`."""
        return self.inside.refused_hot_words

    def accept(self, samples: Samples) -> None:
        """Take the next samples, shape (n,), int16, at 16 kHz; as `Stream.accept`."""
        for start in range(0, len(samples), _BLOCK_SAMPLES):
            self._pass_on(samples[start : start + _BLOCK_SAMPLES], last=False)

    @property
    def ready(self) -> bool:
        """Whether `ResamplingEngine.decode` has something to do for this stream."""
        return self.inside.ready

    def pause(self) -> None:
        """Nobody speaks just now; as `Stream.pause`."""
        self.inside.pause()

    def finish(self, silence: int = 0) -> None:
        """No more samples will come; as `Stream.finish`, `silence` in samples of 16 kHz."""
        self._pass_on(np.empty(0, np.int16), last=True)
        self.inside.finish(silence // _RATIO)

    def hypothesis(self) -> Hypothesis:
        """The best words so far, placed in samples of 16 kHz; as `Stream.hypothesis`."""
        read = self.inside.hypothesis()
        if read is not self._read:
            words = tuple(
                dataclasses.replace(
                    word,
                    start_sample=word.start_sample * _RATIO,
                    end_sample=word.end_sample * _RATIO,
                )
                for word in read.words
            )
            self._read, self._scaled = read, dataclasses.replace(read, words=words)
        return self._scaled

    def close(self) -> None:
        """Give back what the stream holds; as `Stream.close`."""
        self.inside.close()

    def _pass_on(self, samples: Samples, *, last: bool) -> None:
        audio = self._resampler.resample_chunk(samples.astype(np.float32), last=last)
        np.rint(audio, out=audio)
        # A filter overshoots at full scale: wrapping round would turn that into a loud click.
        np.clip(audio, -32768, 32767, out=audio)
        self.inside.accept(audio.astype(np.int16))


def _scaled_capabilities(known: Capabilities) -> Capabilities:
    counts = {
        name: getattr(known, name) * _RATIO + (DELAY_SAMPLES if name in _DELAYED else 0)
        for name in (field.name for field in dataclasses.fields(known))
        if name.endswith("_samples") and getattr(known, name) is not None
    }
    return dataclasses.replace(known, sample_rate=SAMPLE_RATE, **counts)
