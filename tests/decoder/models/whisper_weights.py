"""The Whisper model that tests read with: weights of people's speech, which are not in the tree."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from rasr.models.store import State, open_store

NAME = "whisper-base"
VARIABLE = "RASR_WHISPER_MODEL"


def whisper_lacks() -> str:
    """Why nothing can be read by Whisper here; empty if it can."""
    for package in ("faster_whisper", "opencc"):
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed: pip install 'rasr[whisper]'"
    if not _folder().is_dir():
        return f"there is no model: rasr models pull {NAME}, or {VARIABLE}=FOLDER"
    return ""


def whisper_folder() -> str:
    """The folder of the model, where `whisper_lacks` has nothing to say."""
    return str(_folder())


def _folder() -> Path:
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    store = open_store("", os.environ)
    model = store.catalogue.find(NAME)
    installed = model is not None and store.state(model) is State.INSTALLED
    return store.path(model) if model is not None and installed else Path(f"/no/{NAME}")
