"""The preflight of a streaming model: examined, loaded and made to decode in a child process."""

from __future__ import annotations

from dataclasses import dataclass, replace

from decoder.errors import EngineUnavailable
from decoder.sherpa.child import enter, in_child
from decoder.sherpa.chunking import Chunking, measure_chunking
from decoder.sherpa.families import Family
from decoder.sherpa.graph_optimisation import optimised
from decoder.sherpa.hot_words import HotWordPlan, plan_hot_words
from decoder.sherpa.model import Model, read_model
from decoder.sherpa.options import SherpaOptions
from decoder.sherpa.recogniser import (
    Recogniser,
    load_biased_recogniser,
    load_recogniser,
)
from decoder.sherpa.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of a model that passed."""

    model: Model
    vocabulary: Vocabulary
    hot_words: HotWordPlan
    chunking: Chunking


@dataclass(frozen=True, slots=True)
class Recognisers:
    """The recognisers of one model that are loaded."""

    fast: Recogniser
    biased: Recogniser | None
    """None where hot words are not wanted or not possible."""


def examine(options: SherpaOptions) -> Findings:
    """Findings on a model, from a child process with a time limit.

    Raises:
        EngineUnavailable: the model is no good; the text names file and cure.
    """
    return in_child(_find, options)


def load_recognisers(options: SherpaOptions, findings: Findings) -> Recognisers:
    """Load the recognisers of a model that was examined.

    Raises:
        EngineUnavailable: sherpa-onnx is not installed, or does not take the model.
    """
    with optimised(findings.model.files) as files:
        return _load(replace(findings.model, files=files), findings.hot_words, options)


def _load(model: Model, plan: HotWordPlan, options: SherpaOptions) -> Recognisers:
    fast = load_recogniser(model, options.beam if options.search == "beam" else None)
    if not plan.possible:
        return Recognisers(fast, None)
    with plan.pieces_file() as pieces:
        biased = load_biased_recogniser(
            model,
            modeling_unit=plan.unit,
            bpe_vocab=pieces,
            beam=options.beam,
            boost=options.hot_word_boost,
        )
    return Recognisers(fast, biased)


def _find(options: SherpaOptions) -> Findings:
    enter("examined")
    model, vocabulary = read_model(options)
    if options.search == "beam" and model.family is not Family.TRANSDUCER:
        raise EngineUnavailable(
            f"the {model.name} in {model.files.tokens.parent} has no beam search; set the option "
            "search to greedy, or choose a transducer"
        )
    plan = plan_hot_words(model, vocabulary) if options.hot_words else HotWordPlan()
    enter("loaded")
    # The chunking is not known yet, and not used to load.
    recognisers = load_recognisers(options, Findings(model, vocabulary, plan, Chunking(1, 1, 1)))
    enter("measured")
    chunking = measure_chunking(recognisers.fast, model)
    enter("tried to decode with")
    for recogniser in filter(None, (recognisers.fast, recognisers.biased)):
        _decode_noise(recogniser, model)
    return Findings(model, vocabulary, plan, chunking)


def _decode_noise(recogniser: Recogniser, model: Model) -> None:
    """Two streams at once, for as long as some steps take, and their results."""
    import numpy as np

    noise = np.random.default_rng(0).normal(0, 0.05, 3 * model.sample_rate).astype(np.float32)
    streams = [recogniser.create_stream() for _ in range(2)]
    for stream in streams:
        stream.accept_waveform(model.sample_rate, noise.tolist())
    while all(recogniser.is_ready(stream) for stream in streams):
        recogniser.decode_streams(streams)
    for stream in streams:
        _ = recogniser.get_result_all(stream).tokens
