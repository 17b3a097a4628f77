"""Writes entries into a settings file, and leaves the rest of it as it is, comments too."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AbstractTable

from rasr.configuration.locking import alone_in


class FileRefused(Exception):
    """The file cannot be changed; the text says why."""


def with_properties(document: str, served: Mapping[str, str]) -> str:
    """The text of a settings file, with these entries under `properties` and all else as it was.

    Raises:
        FileRefused: it is no TOML, or has something else where the table belongs.
    """
    try:
        parsed = tomlkit.parse(document)
    except TOMLKitError as error:
        raise FileRefused(f"is not TOML: {error}") from error
    if "properties" not in parsed:
        parsed["properties"] = tomlkit.table()
    table = parsed["properties"]
    if not isinstance(table, AbstractTable):
        raise FileRefused("has no table named properties, but something else of this name")
    for key, name in served.items():
        table[key] = name
    return tomlkit.dumps(parsed)


def _replace(place: Path, text: str) -> None:
    """Write the file, whole or not at all: a server may be reading it."""
    descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=".rasr-")
    try:
        with open(descriptor, "wb") as fresh:
            fresh.write(text.encode("utf-8"))
        os.chmod(name, place.stat().st_mode & 0o777 if place.exists() else 0o644)
        os.replace(name, place)
    except OSError:
        os.unlink(name)
        raise


def serve_by(file: Path, served: Mapping[str, str]) -> None:
    """Write entries of `properties` into a settings file, which is made if it is not there.

    Raises:
        FileRefused: the file cannot be read or written, or is no TOML.
    """
    # A link of the user's own stays one.
    place = file.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # Others who change a file of the folder wait: what one of them wrote must not get lost.
        with alone_in(place.parent):
            # As bytes, so that the ends of lines stay as they are.
            before = place.read_bytes().decode("utf-8") if place.exists() else ""
            _replace(place, with_properties(before, served))
    except FileRefused as error:
        raise FileRefused(f"{file} {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise FileRefused(f"{file} cannot be changed: {why}") from error
