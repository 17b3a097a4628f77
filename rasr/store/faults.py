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

# What a driver says that is not here means that the database cannot be used now.
_SQLITE = {
    sqlite3.SQLITE_BUSY: StoreBusy,
    sqlite3.SQLITE_LOCKED: StoreBusy,
    sqlite3.SQLITE_FULL: StoreFull,
}
_POSTGRES = {
    "53100": StoreFull,  # disk_full
    "55P03": StoreBusy,  # lock_not_available
    "57014": StoreBusy,  # query_canceled: it took longer than the server allows
    "40P01": StoreBusy,  # deadlock_detected
    "40001": StoreBusy,  # serialization_failure
    "53300": StoreBusy,  # too_many_connections
}
_MISTAKES = ("22", "23")
"""Classes of SQLSTATE: values that no row can have, and rows that break a rule. Whoever tried it
again would meet them again."""
_UNIQUE = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, "23505")
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
        state = getattr(one, "sqlstate", None)
        if code in _UNIQUE or state in _UNIQUE:
            return AlreadyThere
        if code is not None:
            # The lowest byte is the kind, the rest says more of it.
            kind = code & 0xFF
            return None if kind == sqlite3.SQLITE_CONSTRAINT else _SQLITE.get(kind, StoreGone)
        if state is not None:
            is_ours = state.startswith(_MISTAKES)
            return None if is_ours else _POSTGRES.get(state, StoreGone)
    is_of_a_driver = any(isinstance(one, DBAPIError | OSError) for one in _causes(error))
    return StoreGone if is_of_a_driver else None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """What a driver said, within what was made of it."""
    while error is not None:
        yield error
        error = (error.orig if isinstance(error, DBAPIError) else None) or error.__cause__


def _reason(error: Exception) -> str:
    """In one line, without the statement and its values."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return str(said.__cause__ or said).partition("\n")[0] or type(said).__name__
