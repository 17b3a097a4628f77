"""What can go wrong with the store. The text of each names the place and the cure, and no secret.

StoreError
├── StoreUnavailable      the database cannot be asked now
│   ├── StoreGone         it is not there, does not answer, or does not let us in
│   ├── StoreBusy         others hold it for longer than we wait
│   │   └── StoreCrowded  those others are our own, and it answers them
│   ├── StoreFull         there is no room left on its disk
│   └── SecretsUnreadable the keys that secrets were encrypted with are not here
├── StoreRefused          a place, a file or a setting that cannot be used
├── SchemaMismatch        the tables are of an older or newer version of this program
├── Unknown               nobody and nothing has this name or id
├── AlreadyThere          the name is taken
├── TooMany               there are as many as there may be
├── Invalid               a value that is not allowed
└── LastAdministrator     the change would leave nobody who may do everything
"""

from __future__ import annotations

from rasr.identity.directory import DirectoryCrowded, DirectoryUnavailable


class StoreError(Exception):
    """Something is wrong with the store, or with what is asked of it; the text is for a person."""


class StoreUnavailable(StoreError, DirectoryUnavailable):
    """The database cannot be asked now. The same call may succeed later."""


class StoreGone(StoreUnavailable):
    """The database is not there, does not answer, or does not let us in."""


class StoreBusy(StoreUnavailable):
    """Others hold the database for longer than we wait."""


class StoreCrowded(StoreBusy, DirectoryCrowded):
    """Too many of this process ask at once: the database answers them, and not all in time."""


class StoreFull(StoreUnavailable):
    """There is no room left where the database is."""


class SecretsUnreadable(StoreUnavailable):
    """The keys that secrets were encrypted with are not here."""


class StoreRefused(StoreError):
    """A place, a file or a setting that cannot be used."""


class SchemaMismatch(StoreError):
    """The tables are of another version of this program."""


class Unknown(StoreError):
    """Nobody and nothing has this name or id."""


class AlreadyThere(StoreError):
    """The name is taken."""


class TooMany(StoreError):
    """There are as many as there may be."""


class Invalid(StoreError):
    """A value that is not allowed."""


class LastAdministrator(StoreError):
    """The change would leave nobody who may do everything in all projects."""
