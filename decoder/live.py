"""Offline engines as streaming ones: the growing utterance is read anew as it grows.

What a stream says of its utterance so far is always one reading of all of it. So the final is what
the engine makes of the whole, however the audio was cut on its way, and readings in between cost
time and decide nothing. Three rules keep that time small:

- The utterance is read again when it has grown by the interval of the options, or by a share of its
  length where that is more: reading costs more the longer it is, and so the cost for a second of
  speech stays about the same.
- It is read when the speaker pauses (`Stream.pause`). If the pause becomes the end, that reading is
  the final, and nobody waits for it. Where it has grown quiet a pause is likely, and waited for.
- While nobody asks for hypotheses, it is read when the speaker pauses and at its end alone.

An utterance that grows longer than the engine likes is cut at its quietest place: the part before
is read once more and stays as it is, and the rest goes on as an utterance of its own, whose reading
is told what came before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from decoder.engine import SAMPLE_RATE, Capabilities, HotWord, Hypothesis, Samples, Stream
from decoder.errors import DecodeFailed, EngineUnavailable
from decoder.hypotheses import joined, placed
from decoder.joining import join_words
from decoder.loudness import ends_quietly, quiet_place
from decoder.offline import OfflineEngine, Reading, Utterance
from decoder.open_streams import OpenStreams

_CLOSING_MARKS = ".,!?;:…。，！？；：、"
_EARLIEST_CUT = 0.5
"""Of the longest utterance: a piece that is shorter tells the engine less of its sentence."""
_DOUBTFUL = 0.4
"""Confidence of a last word that is not told before the end: it may not be whole yet. With 0.3
instead, waiting for the next reading cost the other words 50 ms in the median."""
_CONTEXT_CHARACTERS = 200
_NOTHING = Hypothesis()


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How often an utterance is read while it grows."""

    streams: int = 256
    """Utterances open at the same time."""
    interval_ms: int = 400
    """The utterance is read again when it has grown by so much."""
    interval_share: float = 0.05
    """It must also have grown by this share of its length: 0 to 1."""

    def check(self) -> None:
        """Refuse values that are out of range, all in one sentence.

        Raises:
            EngineUnavailable: a value is out of its range.
        """
        faults = []
        if self.streams < 1:
            faults.append(f"streams is {self.streams}; allowed: 1 or more")
        if not 20 <= self.interval_ms <= 10_000:
            faults.append(f"interval_ms is {self.interval_ms}; allowed: 20 to 10000")
        if not 0 <= self.interval_share <= 1:
            faults.append(f"interval_share is {self.interval_share}; allowed: 0 to 1")
        if faults:
            raise EngineUnavailable("; ".join(faults))


class LiveEngine:
    """An offline engine behind `decoder.engine.Engine`. It is as safe to share by threads."""

    def __init__(self, engine: OfflineEngine, options: LiveOptions) -> None:
        self._engine = engine
        self._options = options
        known = engine.capabilities
        assert known.sample_rate == SAMPLE_RATE, "an offline engine takes 16 kHz"
        step = SAMPLE_RATE * options.interval_ms // 1000
        self._capabilities = replace(
            known, partials=True, rereads=True, first_step_samples=step, step_samples=step
        )
        self._open_streams = OpenStreams(options.streams)

    @property
    def capabilities(self) -> Capabilities:
        """Those of the engine inside, with partials."""
        return self._capabilities

    def open(self, hot_words: Sequence[HotWord] = ()) -> LiveStream:
        """Start an utterance; as `Engine.open`."""
        if hot_words and not self._capabilities.hot_words:
            raise DecodeFailed(f"the engine {self._capabilities.name!r} knows no hot words")
        self._open_streams.take()
        return LiveStream(
            self._open_streams, tuple(hot_words), self._capabilities, self._options.interval_share
        )

    def decode(self, streams: Sequence[Stream]) -> None:
        """Work on streams of this engine; as `Engine.decode`."""
        waiting: list[LiveStream] = []
        for stream in streams:
            assert isinstance(stream, LiveStream), "a stream of another engine"
            waiting.append(stream)
        # A stream whose utterance is cut has two readings to be made, one after the other.
        while waiting := [stream for stream in waiting if stream.ready]:
            most = self._capabilities.max_batch
            for at in range(0, len(waiting), most):
                batch = waiting[at : at + most]
                readings = self._engine.read([stream.next_utterance() for stream in batch])
                for stream, reading in zip(batch, readings, strict=True):
                    stream.read(reading)


class LiveStream:
    """One utterance, read again and again; its methods are those of `Stream`."""

    def __init__(
        self,
        open_streams: OpenStreams,
        hot_words: tuple[HotWord, ...],
        capabilities: Capabilities,
        interval_share: float,
    ) -> None:
        self._open_streams = open_streams
        self._hot_words = hot_words
        self._known = capabilities
        self._interval_share = interval_share
        self.refused_hot_words: tuple[HotWord, ...] = ()
        self._audio = _GrowingAudio()
        """Of the piece that is not settled."""
        self._settled: list[Hypothesis] = []
        """Of the pieces before it, on the clock of the stream."""
        self._settled_samples = 0
        self._cut: int | None = None
        """Where the piece in hand will be cut: the next reading is of the part before."""
        self._draft: object = None
        self._newest = _NOTHING
        """Of the piece that is not settled."""
        self._told: Hypothesis | None = None
        """What the last reading says, made when it is asked for."""
        self._read_samples = -1
        """Of that piece, when it was read last."""
        self._read_whole = False
        """It was read as one that may be whole."""
        self._watched = False
        self._paused = False
        self._finished = False
        self._closed = False

    def accept(self, samples: Samples) -> None:
        """Take the next samples. The array is copied."""
        assert not self._closed, "accept on a closed stream"
        assert not self._finished, "accept after finish"
        if len(samples):
            self._audio.append(samples)
            self._paused = False

    @property
    def ready(self) -> bool:
        """Whether a reading is due: for the length, the growth, a pause or the end."""
        length = self._audio.length
        if self._find_cut() is not None:
            return True
        if self._may_be_whole:
            return length > 0 and not (self._read_whole and self._read_samples == length)
        if not self._watched:
            return False
        grown = length - max(0, self._read_samples)
        interval = max(self._known.step_samples, int(self._interval_share * length))
        if grown < interval:
            return False
        # Nothing is lost if a pause follows, and then one reading is enough.
        return grown >= 2 * interval or not ends_quietly(self._audio.first(length))

    def pause(self) -> None:
        """Nobody speaks just now."""
        self._paused = True

    def finish(self, silence: int = 0) -> None:
        """No more samples will come; silence is read too."""
        assert not self._closed, "finish on a closed stream"
        self._finished = True
        self._told = None

    def hypothesis(self) -> Hypothesis:
        """What the last reading says, the same object until there is another one.

        Before the end it lacks what the next reading most often takes back: last words that the
        engine is not sure of, and the closing mark.
        """
        assert not self._closed, "hypothesis of a closed stream"
        self._watched = True
        if self._told is None:
            pieces = [*self._settled, self._placed(self._newest)]
            whole = joined([piece for piece in pieces if piece.words])
            self._told = whole if self._finished else _without_doubtful_end(whole)
        return self._told

    def close(self) -> None:
        """Give the stream back to the engine."""
        if not self._closed:
            self._closed = True
            self._audio = _GrowingAudio()
            self._open_streams.give_back()

    # For the engine

    def next_utterance(self) -> Utterance:
        """What is to be read next."""
        if self._cut is not None:
            end, is_whole = self._cut, True
        else:
            end, is_whole = self._audio.length, self._may_be_whole
        samples = self._audio.first(end)
        return Utterance(samples, self._hot_words, self._draft, self._context(), is_whole)

    def read(self, reading: Reading) -> None:
        """What was to be read has been."""
        self.refused_hot_words = reading.refused_hot_words
        self._told = None
        if self._cut is None:
            self._draft, self._newest = reading.draft, reading.hypothesis
            self._read_samples, self._read_whole = self._audio.length, self._may_be_whole
            return
        self._settled.append(self._placed(reading.hypothesis))
        self._settled_samples += self._cut
        self._audio.forget_first(self._cut)
        self._cut, self._draft, self._newest, self._read_samples = None, None, _NOTHING, -1

    @property
    def _may_be_whole(self) -> bool:
        return self._finished or self._paused

    def _find_cut(self) -> int | None:
        longest = self._known.longest_samples
        if self._cut is None and longest is not None and self._audio.length > longest:
            # Of the first samples alone: the place must not depend on how much came at once.
            audio = self._audio.first(longest)
            self._cut = quiet_place(audio, int(_EARLIEST_CUT * longest), longest)
        return self._cut

    def _context(self) -> str:
        return join_words(one.text for one in self._settled)[-_CONTEXT_CHARACTERS:]

    def _placed(self, hypothesis: Hypothesis) -> Hypothesis:
        """On the clock of the stream."""
        return placed(hypothesis, self._settled_samples)


class _GrowingAudio:
    """Audio that grows at its end, in one array: it is read whole, again and again."""

    def __init__(self) -> None:
        self._array: Samples = np.empty(0, np.int16)
        self.length = 0
        """Samples."""

    def append(self, samples: Samples) -> None:
        end = self.length + len(samples)
        if end > len(self._array):
            grown = np.empty(max(end, 2 * len(self._array), SAMPLE_RATE), np.int16)
            grown[: self.length] = self._array[: self.length]
            self._array = grown
        self._array[self.length : end] = samples
        self.length = end

    def first(self, count: int) -> Samples:
        """A view, good until the next call of another method."""
        return self._array[:count]

    def forget_first(self, count: int) -> None:
        self._array = self._array[count : self.length].copy()
        self.length = len(self._array)


def _without_doubtful_end(hypothesis: Hypothesis) -> Hypothesis:
    words = list(hypothesis.words)
    while words and 0.0 < words[-1].confidence < _DOUBTFUL:
        words.pop()
    if words and (bare := words[-1].text.rstrip(_CLOSING_MARKS)):
        words[-1] = replace(words[-1], text=bare)
    text = join_words(word.text for word in words)
    return (
        hypothesis
        if text == hypothesis.text
        else replace(hypothesis, words=tuple(words), text=text)
    )
