"""What can go wrong with models. The text of each names the model or file, and the cure.

ModelError
├── UnknownModel     the catalogue has no such name
├── NotInstalled     known, and not on this machine
├── FetchFailed      no address or index gave what was wanted: off line, gone, or refused
├── ArchiveRefused   what came is not what was wanted, or not safe to unpack
├── PullRunning      another process is pulling or removing the model
└── FolderFailed     the models folder cannot be read or written
"""

from __future__ import annotations


class ModelError(Exception):
    """Something is wrong with a model; the text is for a person."""


class UnknownModel(ModelError):
    """There is no model of this name."""


class NotInstalled(ModelError):
    """The model is known, and its files are not here."""


class FetchFailed(ModelError):
    """What the model is made of could not be fetched. `reason` is why, in one line."""

    def __init__(self, text: str, reason: str = "") -> None:
        super().__init__(text)
        self.reason = reason or text.partition("\n")[0].strip()


class ArchiveRefused(ModelError):
    """An archive that is damaged, another one, or malicious. Nothing of it was installed."""


class PullRunning(ModelError):
    """The model is being pulled by another process."""


class FolderFailed(ModelError):
    """The operating system refused something: no room, no permission."""
