"""Published weights that tests read with, where they are: they are not in the tree."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from rasr.models.store import State, open_store


@dataclass(frozen=True, slots=True)
class Weights:
    """A model of the catalogue that may be installed here."""

    name: str
    variable: str
    """The environment variable that may name a folder of it instead."""
    packages: tuple[str, ...]
    """What imports of its engine need."""
    install: str
    """The command that brings the packages."""

    def lacks(self) -> str:
        """Why nothing can be read with it here; empty if it can."""
        for package in self.packages:
            if importlib.util.find_spec(package) is None:
                return f"{package} is not installed: {self.install}"
        if self._folder() is None:
            return f"there is no model: rasr models pull {self.name}, or {self.variable}=FOLDER"
        return ""

    def folder(self) -> str:
        """The folder of the model, where `lacks` has nothing to say."""
        folder = self._folder()
        assert folder is not None, self.lacks()
        return str(folder)

    @property
    def needed(self) -> list[pytest.MarkDecorator]:
        """The marks of a test that reads with it."""
        lack = self.lacks()
        return [pytest.mark.engine, pytest.mark.skipif(bool(lack), reason=lack or "it is there")]

    def _folder(self) -> Path | None:
        named = os.environ.get(self.variable)
        if named:
            return Path(named)
        store = open_store("", os.environ)
        model = store.catalogue.get(self.name)
        return store.path(model) if store.state(model) is State.INSTALLED else None


WHISPER = Weights(
    "whisper-base",
    "RASR_WHISPER_MODEL",
    ("faster_whisper", "opencc"),
    "make models-for-tests",
)
MOONSHINE = Weights(
    "moonshine-tiny-en", "RASR_MOONSHINE_MODEL", ("onnxruntime",), "pip install onnxruntime"
)
PIPER = Weights("piper-en-joe", "RASR_PIPER_VOICE", ("sherpa_onnx",), "pip install sherpa-onnx")
KOKORO = Weights("kokoro-zh-en", "RASR_KOKORO_VOICES", ("onnxruntime",), "pip install onnxruntime")
