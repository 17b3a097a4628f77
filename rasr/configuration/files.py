"""Which TOML file the settings are read from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rasr.configuration.folders import config_folder

CONFIG_VARIABLE = "RASR_CONFIG"
"""Names the file where no flag does. It is no setting."""
USER_FILE = "rasr.toml"
"""The file in the folder of the user's settings, which is read where nothing names another."""


def settings_file(file: Path | None, environ: Mapping[str, str]) -> Path:
    """The file that is read, or would be if it were there.

    Args:
        file: what a flag names, or None.
    """
    if file is not None:
        return file
    named = environ.get(CONFIG_VARIABLE)
    return Path(named) if named else config_folder(environ) / USER_FILE


def file_in_force(file: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file that is read: one that somebody names, there or not, or the user's if it is there.

    Args:
        file: what a flag names, or None.
    """
    usual = settings_file(file, environ)
    if file is not None or environ.get(CONFIG_VARIABLE) or os.path.isfile(usual):
        return usual
    return None
