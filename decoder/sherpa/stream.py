"""One utterance on a sherpa-onnx recogniser."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from decoder.engine import HotWord, Hypothesis, Samples
from decoder.errors import DecodeFailed
from decoder.sherpa.chunking import Chunking
from decoder.sherpa.recogniser import FOREIGN_ERRORS, NativeStream, Recogniser
from decoder.sherpa.transcript import Transcript

_SCALE = np.float32(1 / 32768)
_MOST_SILENCE_S = 3
"""A model that goes on speaking in silence is not listened to for longer."""


class SherpaStream:
    """Audio waits here until `decode`, so that converting it is work of a decode thread.

    The audio is kept until the end: a batch that fails leaves its streams without their states,
    and they begin anew.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        chunking: Chunking,
        sample_rate: int,
        transcript: Transcript,
        give_back: Callable[[], None],
        hot_words: str | None = None,
        refused: tuple[HotWord, ...] = (),
    ) -> None:
        self.recogniser = recogniser
        self.refused_hot_words = refused
        self._chunking = chunking
        self._sample_rate = sample_rate
        self._transcript = transcript
        self._give_back = give_back
        self._hot_words = hot_words
        self._native: NativeStream | None = self._begin()
        self._kept: list[Samples] = []
        self._fed_pieces = 0
        """How many of `_kept` the recogniser has."""
        self._samples = 0
        """All that was accepted."""
        self._fed_samples = 0
        """What the recogniser has, with the silence at the end."""
        self._said_before: list[str] | None = None
        """Tokens before the last step of nothing but silence; None before the first one."""
        self._steps = 0
        self._finished = False
        self._silence = 0
        """Of `_samples`, those at the end that hold no speech."""
        self._ended = False
        self._closed = False
        self._failure: str | None = None
        self._hypothesis: Hypothesis | None = Hypothesis()
        """None when it must be read anew."""

    def accept(self, samples: Samples) -> None:
        """Take the next samples, shape (n,), int16. The array is copied."""
        assert not self._closed, "accept on a closed stream"
        assert not self._finished, "accept after finish"
        if len(samples):
            self._kept.append(samples.copy())
            self._samples += len(samples)

    @property
    def ready(self) -> bool:
        """True if a step is due; after `finish`, until the rest was decoded."""
        if self._finished:
            return not self._ended
        return self._chunking.steps(self._samples) > self._steps

    def pause(self) -> None:
        """Nobody speaks just now. Of no use: the model decodes as audio comes."""

    def finish(self, silence: int = 0) -> None:
        """No more samples will come; see `Stream.finish`."""
        assert not self._closed, "finish on a closed stream"
        self._finished = True
        self._silence = silence

    def hypothesis(self) -> Hypothesis:
        """The best words so far; they are read from sherpa-onnx only after a step."""
        assert not self._closed, "hypothesis of a closed stream"
        if self._hypothesis is None:
            result = self.recogniser.get_result_all(self.native)
            self._hypothesis = self._transcript.read(result, self._samples)
        return self._hypothesis

    def close(self) -> None:
        """Let go of the native stream and the audio; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self._native = None
            self._kept.clear()
            self._give_back()

    # What follows is for the engine.

    @property
    def native(self) -> NativeStream:
        """sherpa-onnx's own stream; the stream must not be closed."""
        assert self._native is not None, "a closed stream"
        return self._native

    @property
    def has_step(self) -> bool:
        """True if the audio that the recogniser has allows a step, as it was measured."""
        return self._chunking.steps(self._fed_samples) > self._steps

    def feed(self) -> None:
        """Give the recogniser the audio that waits, and the silence after its end.

        Raises:
            DecodeFailed: the stream has failed, now or before.
        """
        if self._failure is not None:
            raise DecodeFailed(self._failure)
        try:
            pieces = self._kept[self._fed_pieces :]
            if pieces:
                audio = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
                self._give((audio * _SCALE).tolist())
                self._fed_pieces = len(self._kept)
            if self._finished and not self._ended and self._samples:
                self._give([0.0] * max(0, self._chunking.ending - self._silence))
        except FOREIGN_ERRORS as error:
            self.fail()
            raise DecodeFailed(self._failure) from error

    def go_on(self) -> bool:
        """Give the recogniser one more step of silence, if the last one may not be the last."""
        most = self._samples + _MOST_SILENCE_S * self._sample_rate
        if not (self._finished and self._samples and self._chunking.open_ended):
            return False
        if self._ended or self._fed_samples > most:
            return False
        said = self.recogniser.get_result_all(self.native).tokens
        if said == self._said_before:
            return False
        self._said_before = said
        self._give([0.0] * self._chunking.shift)
        return True

    def stepped(self) -> None:
        """One step was decoded."""
        self._steps += 1
        self._hypothesis = None

    def rested(self) -> None:
        """Nothing is left to decode."""
        self._ended = self._finished

    def restart(self) -> None:
        """Begin the utterance anew, with all its audio."""
        self._native = self._begin()
        self._fed_pieces = self._fed_samples = self._steps = 0
        self._said_before = None
        self._ended = False

    def fail(self) -> None:
        """This utterance is beyond help; the recogniser is not asked again."""
        self._failure = "sherpa-onnx failed on this utterance"
        self._hypothesis = self._hypothesis or Hypothesis()
        self._ended = True

    def _begin(self) -> NativeStream:
        try:
            if self._hot_words is None:
                return self.recogniser.create_stream()
            return self.recogniser.create_stream(self._hot_words)
        except FOREIGN_ERRORS as error:
            raise DecodeFailed("sherpa-onnx cannot open a stream") from error

    def _give(self, waveform: list[float]) -> None:
        self.native.accept_waveform(self._sample_rate, waveform)
        self._fed_samples += len(waveform)
