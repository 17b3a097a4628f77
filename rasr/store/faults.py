"""What drivers of databases say → what went wrong, as `rasr.store.errors` has it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from rasr.store.errors import (
    AlreadyThere,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreGone,
)
from rasr.store.location import Location

_SQLITE = {
    sqlite3.SQLITE_BUSY: StoreBusy,
    sqlite3.SQLITE_LOCKED: StoreBusy,
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_CANTOPEN: StoreGone,
    sqlite3.SQLITE_IOERR: StoreGone,
    sqlite3.SQLITE_READONLY: StoreGone,
    sqlite3.SQLITE_PERM: StoreGone,
    sqlite3.SQLITE_NOTADB: StoreGone,
    sqlite3.SQLITE_CORRUPT: StoreGone,
}
_POSTGRES = {
    "53100": StoreFull,  # disk_full
    "55P03": StoreBusy,  # lock_not_available
    "57014": StoreBusy,  # query_canceled: it took longer than statement_timeout
    "40P01": StoreBusy,  # deadlock_detected
    "40001": StoreBusy,  # serialization_failure
    "53300": StoreBusy,  # too_many_connections
}
_POSTGRES_CLASSES = {
    "08": StoreGone,  # connection exceptions
    "57": StoreGone,  # it shuts down, or starts
    "28": StoreGone,  # it does not let us in
    "3D": StoreGone,  # it has no such database
    "53": StoreGone,  # other resources are exhausted
    "58": StoreGone,  # errors of its system
    "25": StoreGone,  # it takes no changes: a standby
}
_SENTENCES: dict[type[StoreError], str] = {
    StoreBusy: "is held by others for longer than store.timeout_s",
    StoreFull: "has no room left: free some on its disk",
    StoreGone: "cannot be used now",
}


@contextmanager
def faults_as_ours(location: Location) -> Iterator[None]:
    """Raise our own errors in place of those of the drivers. Mistakes of ours stay what they are.

    Raises:
        StoreUnavailable: the database cannot be asked now.
        AlreadyThere: somebody else was faster.
    """
    try:
        yield
    except StoreError:
        raise
    except PoolTimeout as error:
        raise StoreBusy(f"the store {location} is asked too much at once") from error
    except TimeoutError as error:
        raise StoreGone(f"the store {location} does not answer within store.timeout_s") from error
    except Exception as error:
        kind = fault_of(error)
        if kind is AlreadyThere:
            raise AlreadyThere("somebody else has just taken this name; try again") from error
        if kind is None:
            raise
        raise kind(f"the store {location} {_SENTENCES[kind]}: {_reason(error)}") from error


def fault_of(error: Exception) -> type[StoreError] | None:
    """What a driver's error means; None for a mistake of ours."""
    for one in _causes(error):
        code = getattr(one, "sqlite_errorcode", None)
        if code is not None:
            if code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
                return AlreadyThere
            # The lowest byte is the kind, the rest says more of it.
            return _SQLITE.get(code & 0xFF)
        state = getattr(one, "sqlstate", None)
        if state is not None:
            if state == "23505":
                return AlreadyThere
            return _POSTGRES.get(state) or _POSTGRES_CLASSES.get(state[:2])
    if any(isinstance(one, OSError) for one in _causes(error)):
        return StoreGone
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return StoreGone
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """What a driver said, within what was made of it."""
    while error is not None:
        yield error
        error = (error.orig if isinstance(error, DBAPIError) else None) or error.__cause__


def _reason(error: Exception) -> str:
    """In one line, without the statement and its values."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return str(said.__cause__ or said).partition("\n")[0] or type(said).__name__
