"""Where a user's files belong (XDG Base Directory Specification)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def data_folder(environ: Mapping[str, str]) -> Path:
    """Our folder among the user's data."""
    return _folder(environ, "XDG_DATA_HOME", ".local/share")


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Our folder among what can be made again."""
    return _folder(environ, "XDG_CACHE_HOME", ".cache")


def config_folder(environ: Mapping[str, str]) -> Path:
    """Our folder among the user's settings."""
    return _folder(environ, "XDG_CONFIG_HOME", ".config")


def _folder(environ: Mapping[str, str], name: str, fallback: str) -> Path:
    folder = Path(environ.get(name, ""))
    # "All paths set in these environment variables must be absolute": others are to be ignored.
    if not folder.is_absolute():
        folder = Path(environ.get("HOME") or os.path.expanduser("~")) / fallback
    return folder / "rasr"
