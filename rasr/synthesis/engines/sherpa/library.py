"""sherpa-onnx's object for a model of voices. The package is imported here alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, assert_never

import numpy as np
import onnx
from numpy.typing import NDArray

from rasr.synthesis.engines.sherpa.families import TRAITS, Family, FrontEnd
from rasr.synthesis.engines.sherpa.voice_model import VoiceModel
from rasr.synthesis.engines.sherpa.words import Told
from rasr.synthesis.errors import VoiceUnavailable

FOREIGN_ERRORS = (RuntimeError, ValueError, TypeError, IndexError, OSError)
"""What the library raises, where it does not end the process."""
_SEED = "1"
"""Of the noise from which some families make sound."""


class LoadedVoices:
    """A model that is loaded."""

    def __init__(self, model: VoiceModel) -> None:
        """
        Raises:
            VoiceUnavailable: sherpa-onnx does not take the model.
        """
        self._model = model
        self._prompt = model.prompt.samples().tolist() if model.prompt is not None else []
        try:
            with _graph(model) as (graph, tokens):
                self._tts = _loaded(model, graph, tokens)
        except FOREIGN_ERRORS as error:
            raise VoiceUnavailable(
                f"the voice in {model.folder} cannot be loaded: {error}"
            ) from error

    def say(
        self,
        told: Told,
        speaker: int,
        speed: float,
        *,
        steps: int = 0,
        prompted: Sequence[str] = (),
    ) -> NDArray[np.float32]:
        """Samples in -1 to 1; none where the model knows nothing of what it is told.

        Args:
            steps: of a family that has steps; 0 for as many as the library takes by itself.
            prompted: the tokens of what is said in the recording, of a model that imitates one.
        """
        import sherpa_onnx

        config = sherpa_onnx.GenerationConfig()
        config.sid = speaker
        config.speed = speed
        if told.phones:
            config.phoneme_codepoints = [[ord(one) for one in told.phones]]
        if told.tokens:
            config.tokens = [list(prompted), list(told.tokens)] if prompted else [list(told.tokens)]
        if TRAITS[self._model.family].has_steps:
            # Else the same text would be another sound each time. ZipVoice does not look at it.
            config.extra = {"seed": _SEED}
        if steps:
            config.num_steps = steps
        if (prompt := self._model.prompt) is not None:
            config.reference_audio, config.reference_sample_rate = self._prompt, prompt.rate
            config.reference_text = prompt.text
        with _silenced():
            made = self._tts.generate(told.text, config)
        return np.asarray(made.samples, np.float32)


@contextmanager
def _silenced() -> Iterator[None]:
    """Nothing is written to standard error: the library writes words that it does not know there,
    and texts are in no log."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _graph(model: VoiceModel) -> Iterator[tuple[Path, Path | None]]:
    """The graph and its tokens: those of the folder, or copies on the disk with what they lack."""
    graph = next(iter(model.graphs.values()))
    if not model.described:
        yield graph, model.tokens
        return
    described = onnx.load(graph)
    for key, value in model.described.items():
        entry = described.metadata_props.add()
        entry.key, entry.value = key, value
    with TemporaryDirectory(prefix="rasr-voice-") as name:
        folder = Path(name)
        onnx.save(described, folder / "model.onnx")
        lines = (f"{symbol} {number}\n" for symbol, number in model.symbols.items())
        (folder / "tokens.txt").write_text("".join(lines), "utf-8")
        yield folder / "model.onnx", folder / "tokens.txt"


def _loaded(model: VoiceModel, graph: Path, tokens: Path | None) -> Any:
    # Here, because the library takes a while to load.
    import sherpa_onnx

    files = {argument: str(path) for argument, path in model.graphs.items()}
    files[next(iter(model.graphs))] = str(graph)
    if tokens is not None:
        files["tokens"] = str(tokens)
    if model.front_end is FrontEnd.LIBRARY and tokens is not None:
        files["lexicon"] = ",".join(str(one) for one in model.lexicons)
    match model.family:
        case Family.VITS | Family.PIPER:
            parts = {"vits": sherpa_onnx.OfflineTtsVitsModelConfig(**files)}
        case Family.MATCHA:
            parts = {"matcha": sherpa_onnx.OfflineTtsMatchaModelConfig(**files)}
        case Family.KOKORO:
            parts = {"kokoro": sherpa_onnx.OfflineTtsKokoroModelConfig(**files)}
        case Family.KITTEN:
            parts = {"kitten": sherpa_onnx.OfflineTtsKittenModelConfig(**files)}
        case Family.ZIPVOICE:
            parts = {"zipvoice": sherpa_onnx.OfflineTtsZipvoiceModelConfig(**files)}
        case Family.POCKET:
            parts = {"pocket": sherpa_onnx.OfflineTtsPocketModelConfig(**files)}
        case Family.SUPERTONIC:
            parts = {"supertonic": sherpa_onnx.OfflineTtsSupertonicModelConfig(**files)}
        case _:
            assert_never(model.family)
    # Threads would take the processors from those who listen.
    config = sherpa_onnx.OfflineTtsConfig(
        model=sherpa_onnx.OfflineTtsModelConfig(**parts, num_threads=1)
    )
    if not config.validate():
        raise VoiceUnavailable(
            f"the voice in {model.folder} cannot be loaded: sherpa-onnx does not take it"
        )
    return sherpa_onnx.OfflineTts(config)
