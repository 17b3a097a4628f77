"""The preflight of an offline model: examined, loaded and made to read in a child process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from decoder.engine import Samples
from decoder.errors import EngineUnavailable
from decoder.sherpa.child import enter, in_child
from decoder.sherpa.hot_words import HotWordPlan, plan_spelling
from decoder.sherpa.offline.families import HotWords
from decoder.sherpa.offline.model import OfflineModel, read_offline_model
from decoder.sherpa.offline.options import SherpaOfflineOptions
from decoder.sherpa.offline.reading import hypothesis_of
from decoder.sherpa.offline.recogniser import (
    OfflineRecogniser,
    load_biased_offline_recogniser,
    load_offline_recogniser,
)
from decoder.sherpa.recogniser import FOREIGN_ERRORS
from decoder.sherpa.transcript import WordMaker
from decoder.sherpa.vocabulary import Vocabulary

LEAST_SAMPLES = 8000
"""Half a second: a shorter utterance is given so much with silence at its end. Families whose
frames are joined by sevens read memory that is not theirs where there are fewer frames."""
SCALE = np.float32(1 / 32768)


@dataclass(frozen=True, slots=True)
class OfflineFindings:
    """What is known of a model that passed."""

    model: OfflineModel
    vocabulary: Vocabulary | None
    hot_words: HotWordPlan


@dataclass(frozen=True, slots=True)
class OfflineRecognisers:
    """The recognisers of one model that are loaded."""

    fast: OfflineRecogniser
    biased: OfflineRecogniser | None
    """None where no search for hot words is wanted."""

    def all(self) -> Iterator[OfflineRecogniser]:
        """Each of them."""
        yield self.fast
        if self.biased is not None:
            yield self.biased


def examine_offline(options: SherpaOfflineOptions) -> OfflineFindings:
    """Findings on a model, from a child process with a time limit.

    Raises:
        EngineUnavailable: the model is no good; the text names file and cure.
    """
    return in_child(_find, options)


def load_offline_recognisers(
    options: SherpaOfflineOptions, findings: OfflineFindings
) -> OfflineRecognisers:
    """Load the recognisers of a model that was examined.

    Raises:
        EngineUnavailable: sherpa-onnx is not installed, or does not take the model.
    """
    model, plan = findings.model, findings.hot_words
    beam = options.beam if options.search == "beam" else None
    fast = load_offline_recogniser(model, options.threads, beam=beam)
    if not plan.possible:
        return OfflineRecognisers(fast, None)
    with plan.pieces_file() as pieces:
        biased = load_biased_offline_recogniser(
            model,
            options.threads,
            modeling_unit=plan.unit,
            bpe_vocab=pieces,
            beam=options.beam,
        )
    return OfflineRecognisers(fast, biased)


def noise(seconds: float) -> Samples:
    """Some sound at 16 kHz, the same each time."""
    return np.random.default_rng(0).normal(0, 500, int(seconds * 16_000)).astype(np.int16)


def _find(options: SherpaOfflineOptions) -> OfflineFindings:
    enter("examined")
    model, vocabulary = read_offline_model(options)
    if options.search == "beam" and model.traits.hot_words is not HotWords.SEARCH:
        raise EngineUnavailable(
            f"{model.place} has no beam search; set the option search to greedy, or choose a "
            "transducer"
        )
    findings = OfflineFindings(model, vocabulary, _plan(options, model, vocabulary))
    enter("loaded")
    recognisers = load_offline_recognisers(options, findings)
    enter("tried to read with")
    maker = None if vocabulary is None else WordMaker(vocabulary)
    for recogniser in recognisers.all():
        for seconds in (LEAST_SAMPLES / 16_000, 3.0):
            _read_noise(recogniser, model, maker, noise(seconds))
    return findings


def _plan(
    options: SherpaOfflineOptions, model: OfflineModel, vocabulary: Vocabulary | None
) -> HotWordPlan:
    how = model.traits.hot_words
    if not options.hot_words or how is HotWords.PROMPT:
        return HotWordPlan()
    if how is HotWords.NO:
        raise EngineUnavailable(
            f"{model.place} knows no hot words; set the option hot_words to false, or choose a "
            "transducer"
        )
    assert vocabulary is not None
    return plan_spelling(model.files.table, model.files.pieces, vocabulary)


def _read_noise(
    recogniser: OfflineRecogniser, model: OfflineModel, maker: WordMaker | None, audio: Samples
) -> None:
    try:
        stream = recogniser.create_stream()
        stream.accept_waveform(16_000, (audio * SCALE).tolist())
        recogniser.decode_stream(stream)
        hypothesis_of(stream.result, maker, audio)
    except FOREIGN_ERRORS as error:
        raise EngineUnavailable(
            f"sherpa-onnx cannot read with {model.place} ({error}); pull the model again, or "
            "choose another one"
        ) from error
