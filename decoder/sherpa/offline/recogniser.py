"""sherpa-onnx's recogniser for offline models. The only importer of that part of the package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from decoder.errors import EngineUnavailable
from decoder.sherpa.offline.families import Family, HotWords
from decoder.sherpa.offline.model import OfflineModel
from decoder.sherpa.recogniser import BEAM_SEARCH, FOREIGN_ERRORS

_PROMPT_SEPARATOR = ","


class OfflineResult(Protocol):
    """sherpa_onnx.OfflineRecognitionResult, as far as it is used."""

    @property
    def text(self) -> str:
        """All that was recognised."""

    @property
    def tokens(self) -> list[str]:
        """Its symbols. Raises UnicodeDecodeError where one is a part of a letter."""

    @property
    def timestamps(self) -> list[float]:
        """When each of them was said, in seconds; empty where the family does not know."""

    @property
    def ys_log_probs(self) -> list[float]:
        """Logarithm of the probability of each; empty where the family has none."""

    @property
    def lang(self) -> str:
        """A code or a tag such as `<|en|>`; empty where the family does not say."""

    @property
    def emotion(self) -> str:
        """A tag such as `<|HAPPY|>`, or empty."""

    @property
    def event(self) -> str:
        """A tag such as `<|Speech|>`, or empty."""


class OfflineNativeStream(Protocol):
    """sherpa_onnx.OfflineStream, as far as it is used."""

    def accept_waveform(self, sample_rate: float, waveform: Sequence[float]) -> None:
        """Take all samples at once, from -1 to 1, at `sample_rate` Hz."""

    def set_option(self, key: str, value: str) -> None:
        """Tell the model something for this utterance alone."""

    @property
    def result(self) -> OfflineResult:
        """What was recognised; empty before."""


class OfflineRecogniser(Protocol):
    """sherpa_onnx.OfflineRecognizer, as far as it is used.

    Several threads may call one, but for families that keep state (`Traits.keeps_state`).
    """

    def create_stream(self, hotwords: str | None = None) -> OfflineNativeStream:
        """A stream; `hotwords` are phrases separated by slashes."""

    def decode_stream(self, s: OfflineNativeStream) -> None:
        """Recognise all of it."""


def factory_arguments(model: OfflineModel, threads: int) -> dict[str, Any]:
    """The arguments of the function of `OfflineRecognizer` that loads a model.

    Args:
        threads: that compute one reading.
    """
    arguments: dict[str, Any] = {part: str(path) for part, path in model.files.graphs.items()}
    arguments["tokenizer" if model.files.layout.tokenizer else "tokens"] = str(model.files.table)
    arguments["num_threads"] = threads
    if model.feature_dim:
        arguments |= {"feature_dim": model.feature_dim, "sample_rate": model.sample_rate}
    match model.family:
        case Family.TRANSDUCER:
            arguments["model_type"] = "transducer"
        case Family.NEMO_TRANSDUCER:
            arguments["model_type"] = "nemo_transducer"
        case Family.PARAFORMER:
            arguments["paraformer"] = arguments.pop("model")
        case Family.SENSE_VOICE:
            # With it come marks, case and digits; a client who wants none has them undone.
            arguments |= {"language": model.told, "use_itn": True}
        case Family.WHISPER:
            arguments |= {"language": model.told, "enable_token_timestamps": model.word_times}
        case Family.CANARY:
            arguments |= {"src_lang": model.told, "tgt_lang": model.told}
        case Family.COHERE:
            arguments |= {"language": model.told, "use_punct": True, "use_itn": True}
        case Family.FUNASR_NANO:
            arguments |= {"language": model.told, "itn": True}
        case _:
            pass
    return arguments


def load_offline_recogniser(
    model: OfflineModel, threads: int, *, beam: int | None = None
) -> OfflineRecogniser:
    """The recogniser for utterances without hot words.

    Args:
        threads: that compute one reading.
        beam: paths that it keeps, for transducers only; None for greedy search.

    Raises:
        EngineUnavailable: the package is not installed, or does not take the model.
    """
    search = {} if beam is None else {"decoding_method": BEAM_SEARCH, "max_active_paths": beam}
    return _load(model, threads, search)


def load_biased_offline_recogniser(
    model: OfflineModel, threads: int, *, modeling_unit: str, bpe_vocab: str, beam: int
) -> OfflineRecogniser:
    """The recogniser for hot words: a beam search, for transducers only.

    Raises:
        EngineUnavailable: as above.
    """
    search = {
        "decoding_method": BEAM_SEARCH,
        "max_active_paths": beam,
        "modeling_unit": modeling_unit,
        "bpe_vocab": bpe_vocab,
    }
    return _load(model, threads, search)


def instruct(stream: OfflineNativeStream, model: OfflineModel, words: Sequence[str]) -> None:
    """Tell a model what it can be told for one utterance alone.

    Args:
        words: hot words, for families that are told them in words; none holds a comma
            (`fits_prompt`).
    """
    if words:
        assert model.traits.hot_words is HotWords.PROMPT, "a family that is told no hot words"
        stream.set_option("hotwords", _PROMPT_SEPARATOR.join(words))
    if model.family is Family.QWEN3_ASR and model.told:
        stream.set_option("language", model.told)


def fits_prompt(word: str) -> bool:
    """False for what would be read as two hot words."""
    return _PROMPT_SEPARATOR not in word


def _load(model: OfflineModel, threads: int, search: dict[str, Any]) -> OfflineRecogniser:
    try:
        from sherpa_onnx import OfflineRecognizer
    except ImportError as error:
        raise EngineUnavailable(
            "the package sherpa-onnx is not installed; pip install sherpa-onnx"
        ) from error
    factory = getattr(OfflineRecognizer, model.traits.factory)
    try:
        recogniser: OfflineRecogniser = factory(**factory_arguments(model, threads), **search)
    except (*FOREIGN_ERRORS, AssertionError) as error:
        raise EngineUnavailable(
            f"sherpa-onnx does not load {model.place} ({error}); pull the model again"
        ) from error
    return recogniser
