"""The engine: warm decoders for as many streams.

A decoder holds the GIL, about 95 MB and takes half a second to load; it decodes one utterance at a
time. So an engine holds a number of decoders, loaded and warmed when it is made, and lends one to
each stream. The engine runs in a worker process (`decoder.registry`).

Passes: the tree search runs while audio comes; at the end `bestpath` searches the word lattice,
which also gives the posteriors that confidence is made of. `fwdflat`, a second search over all of
the audio, costs up to a second at the end and gains no accuracy. The table and its command are in
`docs/adr/0007-decoder-passes.md`.
"""

from __future__ import annotations

from collections.abc import Sequence

from decoder.engine import Capabilities, HotWord, Stream
from decoder.errors import DecodeFailed, EngineUnavailable
from decoder.pocketsphinx.cepstral_mean import CepstralMean
from decoder.pocketsphinx.library import SAMPLE_RATE
from decoder.pocketsphinx.options import PocketSphinxOptions
from decoder.pocketsphinx.stream import BLOCK_SAMPLES, PocketSphinxStream
from decoder.pocketsphinx.wrapper import SphinxDecoder


class PocketSphinxEngine:
    """English, recognised by the model that comes with PocketSphinx. Used by one thread.

    Raises:
        EngineUnavailable: an option is out of its range, or the model does not load.
    """

    def __init__(self, options: PocketSphinxOptions) -> None:
        if options.decoders < 1:
            raise EngineUnavailable(f"decoders is {options.decoders}; allowed: 1 or more")
        if not options.hot_word_weight > 0:
            raise EngineUnavailable(
                f"hot_word_weight is {options.hot_word_weight}; allowed: more than 0"
            )
        self._options = options
        self._free = [SphinxDecoder(options) for _ in range(options.decoders)]
        self._mean = CepstralMean(SAMPLE_RATE)

    @property
    def capabilities(self) -> Capabilities:
        """What PocketSphinx can do: English and hot words, one stream a call, in a process."""
        return Capabilities(
            name="pocketsphinx",
            languages=("english",),
            sample_rate=SAMPLE_RATE,
            partials=True,
            word_times=True,
            hot_words=True,
            max_batch=1,
            first_step_samples=BLOCK_SAMPLES,
            step_samples=BLOCK_SAMPLES,
            lookahead_samples=BLOCK_SAMPLES,
        )

    def open(self, hot_words: Sequence[HotWord] = ()) -> PocketSphinxStream:
        """Start an utterance on a decoder that is free, tuned to the hot words.

        Raises:
            DecodeFailed: all decoders are in use, or PocketSphinx fails on the hot words.
        """
        if not self._free:
            raise DecodeFailed(f"all {self._options.decoders} decoders are in use")
        # One that has the words already, if there is one: a new search takes a tenth of a second.
        chosen = next((free for free in self._free if free.prefers(hot_words)), self._free[-1])
        self._free.remove(chosen)
        try:
            refused = chosen.tune(hot_words)
        except RuntimeError as error:
            self._free.append(chosen)
            raise DecodeFailed("PocketSphinx failed on the hot words") from error
        return PocketSphinxStream(chosen, self._mean, refused, self._free.append)

    def decode(self, streams: Sequence[Stream]) -> None:
        """Decode the audio that waits in each stream.

        Raises:
            DecodeFailed: PocketSphinx failed on a stream.
        """
        for stream in streams:
            assert isinstance(stream, PocketSphinxStream), "a stream of another engine"
            stream.decode()
