"""What kind of model a folder holds, and whether its files belong together.

What sherpa-onnx does not check itself, or answers by ending the process, is refused here with a
sentence. Shapes that a file leaves open are left to `preflight`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from decoder.errors import EngineUnavailable
from decoder.languages import split_languages
from decoder.sherpa.families import NEEDED, TRANSDUCERS, Family, family_of_one_file
from decoder.sherpa.folder import ModelFiles, find_files
from decoder.sherpa.graphs import Graph, read_graph
from decoder.sherpa.options import SherpaOptions
from decoder.sherpa.vocabulary import Vocabulary, read_vocabulary

SAMPLE_RATES = (8000, 16000)
_IF_OFFLINE = "for an offline model set the engine's kind to sherpa-onnx-offline"
_RESULT_FRAME_MS = 40.0
"""sherpa-onnx counts the frames of CTC results as if each were four steps of 10 ms, but for
T-one, where it knows better."""
_PARAFORMER_RIGHT = 3
"""Frames at the end of each chunk that the paraformer decodes with the next chunk only
(`right_chunk_size_` in online-recognizer-paraformer-impl.h)."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model, as far as it must be known to load it and to read its results."""

    family: Family
    kind: str
    """Of a transducer: which encoder; else empty."""
    files: ModelFiles
    sample_rate: int
    feature_dim: int
    time_scale: float
    """Factor from the seconds of a result to seconds."""
    held_back_ms: float
    """Audio that a step takes in but decodes in the next one."""
    emission_delay_ms: int | None
    """None where nobody said."""
    languages: tuple[str, ...]
    """Empty where neither the options nor the model's metadata say it: its tokens tell scripts,
    which many languages share."""
    chunk_size: int = 0
    left_chunks: int = 0
    """WeNet: frames of a chunk, and chunks of the past that attention sees."""

    @property
    def name(self) -> str:
        """What a person calls such a model, such as "zipformer2 transducer"."""
        return f"{self.kind} {self.family}".strip()

    @property
    def word_times(self) -> bool:
        """True if its results say when each word was said."""
        return self.family is not Family.PARAFORMER


def sample_rate_of(graph: Graph | None) -> int:
    """Hz of the audio that a model takes: as its metadata say, or 16000.

    Raises:
        EngineUnavailable: it takes audio of a rate that is not allowed.
    """
    if graph is None or not graph.metadata.get("sample_rate"):
        return 16000
    rate = graph.integer("sample_rate")
    if rate not in SAMPLE_RATES:
        allowed = " or ".join(str(allowed) for allowed in SAMPLE_RATES)
        raise EngineUnavailable(
            f"{graph.path} is for audio of {rate} Hz; allowed: {allowed}; choose another model"
        )
    return rate


def read_model(options: SherpaOptions) -> tuple[Model, Vocabulary]:
    """The model that `options` name, examined.

    Raises:
        EngineUnavailable: something is missing or does not fit; the text names file and cure.
    """
    files = find_files(options)
    vocabulary = read_vocabulary(files.tokens)
    if files.model is not None:
        model, size = _one_file(files, read_graph(files.model))
    else:
        assert files.encoder is not None
        assert files.decoder is not None
        encoder, decoder = read_graph(files.encoder), read_graph(files.decoder)
        if files.joiner is not None:
            model, size = _transducer(files, encoder, decoder, read_graph(files.joiner))
        else:
            model, size = _paraformer(files, encoder)
    vocabulary.fit(size, files.tokens)
    return _with_options(model, options), vocabulary


def _with_options(model: Model, options: SherpaOptions) -> Model:
    if options.emission_delay_ms >= 0:
        model = replace(model, emission_delay_ms=options.emission_delay_ms)
    return replace(model, languages=split_languages(options.languages) or model.languages)


def _transducer(
    files: ModelFiles, encoder: Graph, decoder: Graph, joiner: Graph
) -> tuple[Model, int]:
    if len(decoder.outputs) > 1:
        encoder.need(NEEDED[Family.NEMO_TRANSDUCER], Family.NEMO_TRANSDUCER)
        # NeMo does not count the blank.
        size = encoder.integer("vocab_size") + 1
        model = _model(
            Family.NEMO_TRANSDUCER, files, encoder, feature_dim=encoder.input_size(1, 80)
        )
    else:
        kind = encoder.metadata.get("model_type", "")
        if kind not in TRANSDUCERS:
            raise EngineUnavailable(
                f"{encoder.path}: metadata 'model_type' is {kind!r}; allowed for a streaming "
                f"transducer: {', '.join(TRANSDUCERS)}; {_IF_OFFLINE}"
            )
        if encoder.metadata.keys().isdisjoint(("T", "decode_chunk_len")):
            raise EngineUnavailable(
                f"{encoder.path} reads whole utterances, not chunks; {_IF_OFFLINE}"
            )
        encoder.need(TRANSDUCERS[kind], f"{kind} transducer")
        decoder.need(("vocab_size", "context_size"), "transducer's decoder")
        size = decoder.integer("vocab_size")
        model = _model(Family.TRANSDUCER, files, encoder, kind=kind)
        _meet(encoder, encoder.outputs[0], joiner, 0)
        _meet(decoder, decoder.outputs[0], joiner, 1)
        _chunk(encoder)
    logits = joiner.outputs[0][-1] if joiner.outputs[0] else None
    # A NeMo joiner may have further outputs for durations.
    if logits is not None and (logits < size if len(decoder.outputs) > 1 else logits != size):
        raise EngineUnavailable(
            f"{joiner.path} tells {logits} tokens apart, {decoder.path} knows {size}; they are "
            "of two models: pull the model again"
        )
    return model, size


def _meet(giver: Graph, given: tuple[int | None, ...], joiner: Graph, index: int) -> None:
    """What encoder or decoder give must be as wide as what the joiner takes."""
    taken = joiner.inputs[index] if index < len(joiner.inputs) else ()
    if given and taken and given[-1] and taken[-1] and given[-1] != taken[-1]:
        raise EngineUnavailable(
            f"{giver.path} gives vectors of {given[-1]}, {joiner.path} takes {taken[-1]}; they "
            "are of two models: pull the model again"
        )


def _chunk(graph: Graph) -> None:
    """The chunk that the metadata tell must be the one that the first input takes."""
    length, frames = graph.integer("T"), graph.inputs[0][1] if len(graph.inputs[0]) > 1 else None
    if frames is not None and frames != length:
        raise EngineUnavailable(
            f"{graph.path} takes {frames} frames at a time, its metadata 'T' says {length}; "
            "export the model again"
        )


def _paraformer(files: ModelFiles, encoder: Graph) -> tuple[Model, int]:
    if "lfr_window_size" not in encoder.metadata:
        kind = encoder.metadata.get("model_type", "none")
        raise EngineUnavailable(
            f"{files.tokens.parent} has an encoder and a decoder but no joiner…onnx, and the "
            f"encoder is no paraformer (its model_type: {kind}); pull the model again; "
            f"{_IF_OFFLINE}"
        )
    encoder.need(NEEDED[Family.PARAFORMER], Family.PARAFORMER)
    shift = encoder.integer("lfr_window_shift")
    mean = len(encoder.metadata["neg_mean"].split(","))
    window = encoder.integer("lfr_window_size")
    if mean % window or len(encoder.metadata["inv_stddev"].split(",")) != mean:
        raise EngineUnavailable(
            f"{encoder.path}: metadata neg_mean and inv_stddev do not fit {window} frames side "
            "by side; export the model again"
        )
    model = _model(
        Family.PARAFORMER,
        files,
        encoder,
        feature_dim=mean // window,
        held_back_ms=10.0 * shift * _PARAFORMER_RIGHT,
    )
    return model, encoder.integer("vocab_size")


def _one_file(files: ModelFiles, graph: Graph) -> tuple[Model, int]:
    family = family_of_one_file(graph.metadata)
    if family is None:
        kind = graph.metadata.get("model_type", "none")
        raise EngineUnavailable(
            f"{graph.path} is no streaming model that is known here (its model_type: {kind}); "
            "allowed: streaming zipformer2, WeNet, NeMo and T-one CTC models, and transducers "
            f"and paraformers in several files; {_IF_OFFLINE}"
        )
    graph.need(NEEDED[family], family)
    width = graph.outputs[0][-1] if graph.outputs[0] else None
    match family:
        case Family.T_ONE_CTC:
            model = _model(family, files, graph, feature_dim=80)
        case Family.NEMO_CTC:
            width = graph.integer("vocab_size") + 1
            scale = graph.integer("subsampling_factor") * 10 / _RESULT_FRAME_MS
            model = _model(
                family, files, graph, feature_dim=graph.input_size(1, 80), time_scale=scale
            )
        case Family.WENET_CTC:
            width = graph.integer("vocab_size")
            scale = graph.integer("subsampling_factor") * 10 / _RESULT_FRAME_MS
            model = _model(
                family,
                files,
                graph,
                time_scale=scale,
                chunk_size=int(graph.metadata.get("chunk_size") or 16),
                left_chunks=int(graph.metadata.get("left_chunks") or 4),
            )
        case _:
            _chunk(graph)
            model = _model(family, files, graph)
    if width is None:
        raise EngineUnavailable(
            f"{graph.path} leaves the number of its tokens open; export the model again"
        )
    return model, width


def _model(
    family: Family,
    files: ModelFiles,
    graph: Graph,
    *,
    kind: str = "",
    feature_dim: int = 0,
    time_scale: float = 1.0,
    held_back_ms: float = 0.0,
    chunk_size: int = 0,
    left_chunks: int = 0,
) -> Model:
    delay = graph.metadata.get("emission_delay_ms")
    return Model(
        family,
        kind,
        files,
        sample_rate_of(graph),
        feature_dim or graph.input_size(2, 80),
        time_scale,
        held_back_ms,
        graph.integer("emission_delay_ms") if delay else None,
        tuple(graph.metadata.get("languages", "").replace(",", " ").split()),
        chunk_size,
        left_chunks,
    )
