"""The folder of a model: what every engine says where it is not there."""

from __future__ import annotations

from pathlib import Path

from decoder.errors import EngineUnavailable


def require_folder(folder: Path) -> None:
    """Refuse a folder that is not there.

    Raises:
        EngineUnavailable: it is not there.
    """
    if not folder.is_dir():
        raise EngineUnavailable(
            f"there is no model folder {folder}; pull a model, or set the option model"
        )
