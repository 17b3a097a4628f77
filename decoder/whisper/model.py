"""The model, as faster-whisper and CTranslate2 have it: features, encoder, decoder, alignment.

faster-whisper's `transcribe` is for files: it walks through windows of 30 s and tries again with
chance where a text looks wrong. An utterance is one window, must be read the same each time, and
costs a quarter with less silence behind it; so the steps are called one by one here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens
from numpy.typing import NDArray
from opencc import OpenCC

from decoder.cores import cores
from decoder.engine import Samples
from decoder.errors import EngineUnavailable
from decoder.languages import LANGUAGE_NAMES
from decoder.whisper.decoded import Decoded
from decoder.whisper.folder import check_folder, read_vocabulary
from decoder.whisper.options import PRECISIONS, WhisperOptions
from decoder.whisper.words import Piece

Features = NDArray[np.float32]
"""Shape (mel bands, frames), natural scale of Whisper; a frame each 10 ms."""
WINDOW_S: Final = 30
"""The most that Whisper reads at once, and what it learned with."""
PROMPT_TOKENS: Final = 223
"""The longest prompt: half of what the decoder holds, less one, as Whisper was trained."""
_FRAMES_PER_SECOND = 100
_TOKENS = 448
"""What the decoder holds."""
_LEAST_TOKENS, _TOKENS_PER_SECOND = 16, 16
"""Speech has two to four tokens a second, of scripts that Whisper has no tokens for, ten. More is
no speech, and ends there."""
_CODES = {name: code for code, name in LANGUAGE_NAMES.items()}


class Model:
    """One model. Several threads may use it at once."""

    def __init__(self, options: WhisperOptions) -> None:
        """Load the model from its folder, and from nowhere else.

        Raises:
            EngineUnavailable: a file is missing or is not what it should be.
        """
        folder = Path(options.model)
        check_folder(folder)
        self._options = options
        try:
            # A folder that is there with its tokenizer is never looked for in a hub.
            self._whisper: Any = WhisperModel(
                str(folder),
                device="cpu",
                compute_type=PRECISIONS[options.precision],
                cpu_threads=options.threads,
                num_workers=options.readings or cores(),
                local_files_only=True,
            )
        except Exception as error:  # The package tokenizers raises nothing more particular.
            raise EngineUnavailable(
                f"{folder} cannot be loaded: {error}; pull the model again"
            ) from error
        self._many = bool(self._whisper.model.is_multilingual)
        self._check(folder)
        self._tokenizers = {name: self._tokenizer(code) for name, code in self._codes().items()}

    @property
    def languages(self) -> frozenset[str]:
        """The names of those that it knows."""
        return frozenset(self._tokenizers)

    def features(self, samples: Samples) -> Features:
        """What the model hears of an utterance, shape (bands, frames).

        Args:
            samples: shape (n,), int16, at 16 kHz, n at least 1600.
        """
        audio = samples.astype(np.float32) / 32768.0
        found: Features = self._whisper.feature_extractor(audio)
        # The last frame is of the silence that the extractor puts behind.
        return found[:, :-1]

    def encode(self, features: Features, padding_s: float) -> Any:
        """The encoder's output, for the methods below.

        Args:
            features: as `features` makes them.
            padding_s: silence behind them; in all it is 30 s at most.
        """
        frames = features.shape[1] + round(padding_s * _FRAMES_PER_SECOND)
        frames = min(frames + frames % 2, WINDOW_S * _FRAMES_PER_SECOND)
        behind = max(0, frames - features.shape[1])
        padded = np.pad(features[:, :frames], ((0, 0), (0, behind)))
        return self._whisper.encode(padded)

    def detect(self, encoded: Any, among: Sequence[str]) -> str:
        """The likeliest of some languages that the model knows.

        Args:
            encoded: as `encode` returns it.
            among: their names, at least one.
        """
        found = self._whisper.model.detect_language(encoded)[0]
        shares = {_name(token): share for token, share in found}
        return max(among, key=lambda name: shares.get(name, 0.0))

    def spell(self, text: str) -> list[int]:
        """The tokens of a text."""
        return list(next(iter(self._tokenizers.values())).encode(text))

    def decode(self, encoded: Any, language: str, prompt: Sequence[int], seconds: float) -> Decoded:
        """Read an utterance. The same comes of the same each time.

        Args:
            encoded: as `encode` returns it.
            language: the name of one that the model knows.
            prompt: tokens that stand before, at most `PROMPT_TOKENS`.
            seconds: length of the utterance, which bounds that of its text.
        """
        tokenizer = self._tokenizers[language]
        begin = self._whisper.get_prompt(tokenizer, list(prompt), without_timestamps=True)
        most = _LEAST_TOKENS + round(_TOKENS_PER_SECOND * seconds)
        found = self._whisper.model.generate(
            encoded,
            [begin],
            beam_size=self._options.beam,
            max_length=min(_TOKENS, len(begin) + most),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
        )[0]
        tokens = tuple(token for token in found.sequences_ids[0] if token < tokenizer.eot)
        # The score is a mean too, but leaves out the token that ends the text, which is counted in
        # the sum.
        mean = found.scores[0] * len(found.sequences_ids[0]) / (len(found.sequences_ids[0]) + 1)
        return Decoded(tokens, tokenizer.decode(tokens), mean, found.no_speech_prob)

    def place(
        self, encoded: Any, language: str, tokens: Sequence[int], features: Features
    ) -> list[Piece]:
        """When the tokens of a reading are said.

        Args:
            encoded: as `encode` returns it.
            language: as it was decoded.
            tokens: of the reading, at least one.
            features: of the utterance.
        """
        tokenizer = self._tokenizers[language]
        found = self._whisper.find_alignment(tokenizer, [list(tokens)], encoded, features.shape[1])
        return [
            Piece(one["word"], float(one["start"]), float(one["end"]), float(one["probability"]))
            for one in found[0]
        ]

    def _codes(self) -> dict[str, str]:
        if not self._many:
            return {"english": "en"}
        known = self._whisper.hf_tokenizer.token_to_id
        return {name: code for name, code in _CODES.items() if known(f"<|{code}|>") is not None}

    def _tokenizer(self, code: str) -> Any:
        return Tokenizer(self._whisper.hf_tokenizer, self._many, task="transcribe", language=code)

    def _check(self, folder: Path) -> None:
        """Whether the files belong together.

        Raises:
            EngineUnavailable: they are of two models.
        """
        vocabulary = read_vocabulary(folder)
        for token in ("<|startoftranscript|>", "<|notimestamps|>", "<|endoftext|>"):
            number = self._whisper.hf_tokenizer.token_to_id(token)
            if number is None or vocabulary[number : number + 1] != [token]:
                raise EngineUnavailable(
                    f"{folder / 'tokenizer.json'} and the vocabulary beside it are of two models "
                    f"({token} differs); pull the model again"
                )
        bands, wanted = len(self._whisper.feature_extractor.mel_filters), self._whisper.model.n_mels
        if bands != wanted:
            raise EngineUnavailable(
                f"{folder / 'model.bin'} hears {wanted} bands and preprocessor_config.json says "
                f"{bands} (80 where it is missing); put the file of the same model there"
            )


def simplifier() -> Callable[[str], str]:
    """Traditional to simplified Chinese, by the tables of OpenCC."""
    converter: Any = OpenCC("t2s")
    return lambda text: str(converter.convert(text))


def _name(token: str) -> str:
    """The language of a token such as <|zh|>."""
    return LANGUAGE_NAMES.get(token.strip("<|>"), "")
