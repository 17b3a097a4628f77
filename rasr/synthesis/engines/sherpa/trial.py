"""The trial of voices in a child process: examined, loaded and made to speak.

sherpa-onnx ends its process on some bad files, and a process that speaks has others' texts in hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from decoder.errors import EngineUnavailable
from decoder.sherpa.child import enter, in_child
from decoder.sherpa.options import ModelOptions
from rasr.synthesis.engines.sherpa.families import FrontEnd
from rasr.synthesis.engines.sherpa.library import FOREIGN_ERRORS, LoadedVoices
from rasr.synthesis.engines.sherpa.model import read_voice_model
from rasr.synthesis.engines.sherpa.voice_model import VoiceModel
from rasr.synthesis.engines.sherpa.words import Told
from rasr.synthesis.errors import VoiceUnavailable

_TRIAL_S = 50.0
"""A worker that speaks is given up on after `synthesis.step_timeout_s`, a minute where nobody says
otherwise."""
_TRIED = 20
"""Tokens that are said: enough for any convolution."""
_TEXT = "Hello there, all of you."
"""Said by models that do not tell their tokens."""


def try_voices(folder: Path, languages: Sequence[str] = ()) -> VoiceModel:
    """What a folder holds, tried in a child process with a time limit.

    Args:
        languages: what its voices speak, for models that do not say it.

    Raises:
        VoiceUnavailable: it holds no voices that can be served; the text says why.
    """
    options = ModelOptions(str(folder), languages=",".join(languages), preflight_s=_TRIAL_S)
    try:
        return in_child(_examine, options)
    except EngineUnavailable as error:
        raise VoiceUnavailable(str(error)) from error


def _examine(options: ModelOptions) -> VoiceModel:
    enter("examined")
    try:
        languages = [one for one in options.languages.split(",") if one]
        model = read_voice_model(Path(options.model), languages)
        enter("loaded")
        voices = LoadedVoices(model)
        enter("tried to speak with")
        for speaker in {0, len(model.speakers) - 1}:
            _try_speaking(voices, model, speaker)
        return model
    except VoiceUnavailable as error:
        # The parent hears of nothing else.
        raise EngineUnavailable(str(error)) from error


def _try_speaking(voices: LoadedVoices, model: VoiceModel, speaker: int) -> None:
    try:
        samples = [
            voices.say(told, speaker, 1.0, prompted=told.tokens if model.prompt else ())
            for told in _examples(model)
        ]
    except FOREIGN_ERRORS as error:
        raise VoiceUnavailable(
            f"the voice in {model.folder} cannot be loaded: it fails on a few words ({error})"
        ) from error
    if not any(one.size for one in samples):
        raise VoiceUnavailable(
            f"the voice in {model.folder} cannot be loaded: it says nothing when told a few words"
        )


def _examples(model: VoiceModel) -> Iterator[Told]:
    """Something that any model of its kind can say."""
    known = [one for one in model.symbols if one.strip() and one not in "_^$"]
    match model.front_end:
        case FrontEnd.PHONES:
            yield Told(phones=tuple(one for one in known if len(one) == 1)[:_TRIED])
        case FrontEnd.LEXICON:
            yield Told(tokens=tuple(known[: min(_TRIED, model.most_tokens or _TRIED)]))
        case FrontEnd.LIBRARY if model.lexicons:
            with model.lexicons[0].open(encoding="utf-8") as lines:
                for line, _ in zip(lines, range(3), strict=False):
                    yield Told(text=line.split(maxsplit=1)[0] if line.strip() else "")
        case FrontEnd.LIBRARY:
            yield Told(text="".join(one for one in known if len(one) == 1)[:_TRIED] or _TEXT)
