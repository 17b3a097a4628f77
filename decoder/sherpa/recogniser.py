"""sherpa-onnx's recogniser, made for a model.

One thread of its own a call: the threads that call it are the parallelism (measured: two callers
with a thread each decode 101 streams, one caller with two threads 46). Endpointing is off: the
endpoint is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from decoder.errors import EngineUnavailable
from decoder.sherpa.families import Family
from decoder.sherpa.model import Model

FOREIGN_ERRORS = (RuntimeError, ValueError, IndexError, MemoryError)
"""What comes through pybind11 from C++: std::exception and its children."""

BEAM_SEARCH = "modified_beam_search"


class NativeStream(Protocol):
    """sherpa_onnx.OnlineStream, as far as it is used."""

    def accept_waveform(self, sample_rate: float, waveform: Sequence[float]) -> None:
        """Take samples from -1 to 1, at `sample_rate` Hz."""


class NativeResult(Protocol):
    """sherpa_onnx.OnlineRecognizerResult, as far as it is used."""

    @property
    def tokens(self) -> list[str]:
        """The symbols that were recognised so far."""

    @property
    def timestamps(self) -> list[float]:
        """When each of them was emitted, in seconds of the result."""

    @property
    def ys_probs(self) -> list[float]:
        """Logarithm of the probability of each; empty where the family has none."""


class Recogniser(Protocol):
    """sherpa_onnx.OnlineRecognizer, as far as it is used. Several threads may call one."""

    def create_stream(self, hotwords: str | None = None) -> NativeStream:
        """A stream; `hotwords` are phrases separated by slashes."""

    def is_ready(self, s: NativeStream) -> bool:
        """True if the stream has audio enough for a step."""

    def decode_streams(self, ss: list[NativeStream]) -> None:
        """Decode one step of each stream; all must be ready."""

    def get_result_all(self, s: NativeStream) -> NativeResult:
        """The result of the stream so far."""


def load_recogniser(model: Model, beam: int | None = None) -> Recogniser:
    """The recogniser for streams without hot words.

    Args:
        beam: paths that it keeps, for transducers only; None for greedy search.

    Raises:
        EngineUnavailable: the package is not installed, or does not take the model.
    """
    if beam is None:
        return _load(model, {})
    return _load(model, {"decoding_method": BEAM_SEARCH, "max_active_paths": beam})


def load_biased_recogniser(
    model: Model, *, modeling_unit: str, bpe_vocab: str, beam: int, boost: float
) -> Recogniser:
    """The recogniser for hot words: a beam search, for transducers only.

    Raises:
        EngineUnavailable: as above.
    """
    return _load(
        model,
        {
            "decoding_method": BEAM_SEARCH,
            "max_active_paths": beam,
            "hotwords_score": boost,
            "modeling_unit": modeling_unit,
            "bpe_vocab": bpe_vocab,
        },
    )


@contextmanager
def _translated(model: Model) -> Iterator[None]:
    try:
        yield
    except (*FOREIGN_ERRORS, AssertionError) as error:
        raise EngineUnavailable(
            f"sherpa-onnx does not load the {model.name} in {model.files.tokens.parent} "
            f"({error}); pull the model again"
        ) from error


def _load(model: Model, search: dict[str, Any]) -> Recogniser:
    try:
        from sherpa_onnx import OnlineRecognizer
    except ImportError as error:
        raise EngineUnavailable(
            "the package sherpa-onnx is not installed; pip install sherpa-onnx"
        ) from error
    files = model.files
    common: dict[str, Any] = {
        "tokens": str(files.tokens),
        "num_threads": 1,
        "sample_rate": model.sample_rate,
        "feature_dim": model.feature_dim,
        "enable_endpoint_detection": False,
        **search,
    }
    parts = {
        "encoder": str(files.encoder),
        "decoder": str(files.decoder),
    }
    recogniser: Recogniser
    with _translated(model):
        match model.family:
            case Family.TRANSDUCER | Family.NEMO_TRANSDUCER:
                recogniser = OnlineRecognizer.from_transducer(
                    joiner=str(files.joiner), model_type=model.kind, **parts, **common
                )
            case Family.PARAFORMER:
                recogniser = OnlineRecognizer.from_paraformer(**parts, **common)
            case Family.ZIPFORMER2_CTC:
                recogniser = OnlineRecognizer.from_zipformer2_ctc(model=str(files.model), **common)
            case Family.NEMO_CTC:
                recogniser = OnlineRecognizer.from_nemo_ctc(model=str(files.model), **common)
            case Family.T_ONE_CTC:
                recogniser = OnlineRecognizer.from_t_one_ctc(model=str(files.model), **common)
            case Family.WENET_CTC:
                recogniser = OnlineRecognizer.from_wenet_ctc(
                    model=str(files.model),
                    chunk_size=model.chunk_size,
                    num_left_chunks=model.left_chunks,
                    **common,
                )
    return recogniser
