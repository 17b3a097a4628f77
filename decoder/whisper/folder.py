"""The files of a model, looked at before CTranslate2 loads them: what is wrong is told by name."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from decoder.errors import EngineUnavailable
from decoder.model_folder import require_folder

_FILES = ("config.json", "model.bin", "tokenizer.json")
_VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
_NEWEST_FORMAT = 6
"""Of model.bin, that CTranslate2 4 reads; its first four bytes."""
_SPECIFICATION = "WhisperSpec"
_AGAIN = "pull the model again"


def check_folder(folder: Path) -> None:
    """Refuse a folder that is no Whisper model in the format of CTranslate2.

    model.bin begins with its format (uint32), the length of a name (uint16, the closing zero byte
    counted) and the name of what the weights are for, all little-endian, as CTranslate2 writes it.

    Raises:
        EngineUnavailable: the folder or one of its files is not there, or is not what it should be.
    """
    require_folder(folder)
    for name in _FILES:
        if not (folder / name).is_file():
            raise EngineUnavailable(f"{folder} lacks {name}; {_AGAIN}")
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        raise EngineUnavailable(f"{folder} lacks {' or '.join(_VOCABULARIES)}; {_AGAIN}")
    for path in sorted(folder.glob("*.json")):
        _read_json(path)
    _check_weights(folder / "model.bin")


def read_vocabulary(folder: Path) -> list[str]:
    """The tokens of a folder that was checked, in the order of their numbers.

    Raises:
        EngineUnavailable: the file is no list of tokens.
    """
    path = next(folder / name for name in _VOCABULARIES if (folder / name).is_file())
    if path.suffix == ".txt":
        # One a line, and some are characters that end lines for `splitlines`.
        return path.read_text("utf-8").rstrip("\n").split("\n")
    tokens = _read_json(path)
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise EngineUnavailable(f"{path} is no list of tokens; {_AGAIN}")
    return tokens


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise EngineUnavailable(f"{path} is no JSON: {error}; {_AGAIN}") from error


def _check_weights(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(6)
        if len(head) < 6:
            raise EngineUnavailable(f"{path} has {len(head)} bytes; {_AGAIN}")
        version, length = struct.unpack("<IH", head)
        name = file.read(min(length, 64)).rstrip(b"\0").decode("ascii", "replace")
    if not 2 <= version <= _NEWEST_FORMAT:
        raise EngineUnavailable(
            f"{path} is of format {version}, or no model of CTranslate2 at all; formats 2 to "
            f"{_NEWEST_FORMAT} can be read; pull the model again, or convert it with the release "
            "of CTranslate2 that is installed"
        )
    if name != _SPECIFICATION:
        raise EngineUnavailable(
            f"{path} is a {name!r}, not a {_SPECIFICATION!r}; set the option model to the folder "
            "of a Whisper model"
        )
