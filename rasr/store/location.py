"""Where a store is: a file of SQLite, or a database of PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rasr.configuration.folders import data_folder
from rasr.store.errors import StoreRefused

_FORMS = "sqlite:////absolute/path/of/the.file or postgresql://user@host/database"


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A file of SQLite."""

    path: Path

    @property
    def key_file(self) -> Path:
        """Where the encryption keys of this file are, unless the settings have them."""
        return self.path.with_name(f"{self.path.name}.keys")

    def usage_folder(self, environ: Mapping[str, str]) -> Path:
        """Where usage waits until it is in the store."""
        return self.path.with_name(f"{self.path.name}.usage")

    @property
    def workflows_file(self) -> Path:
        """Where it is known which steps of which jobs are over."""
        return self.jobs_folder({}) / "workflows.db"

    def jobs_folder(self, environ: Mapping[str, str]) -> Path:
        """Where the workflows of jobs and the ids of this machine's servers are."""
        return self.path.with_name(f"{self.path.name}.jobs")

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Postgres:
    """A database of PostgreSQL."""

    url: str
    """As libpq reads it. It may have a password in it: it is never shown."""

    def usage_folder(self, environ: Mapping[str, str]) -> Path:
        """Where usage waits until it is in the store: on this machine, for this database alone."""
        return self._folder(environ, "usage")

    def jobs_folder(self, environ: Mapping[str, str]) -> Path:
        """Where the ids of this machine's servers are; workflows are in the database."""
        return self._folder(environ, "jobs")

    def _folder(self, environ: Mapping[str, str], what: str) -> Path:
        name = sha256(str(self).encode()).hexdigest()[:16]
        return data_folder(environ) / "store" / f"{name}.{what}"

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        credentials, at, host = parts.netloc.rpartition("@")
        # What comes behind `?` may have a password too.
        return f"postgresql://{credentials.partition(':')[0]}{at}{host}{parts.path}"


Location = SqliteFile | Postgres


def may_be_there(location: Location) -> bool:
    """False where it is known without asking that there is no store: its file is not there."""
    return not isinstance(location, SqliteFile) or location.path.exists()


def locate(url: str, environ: Mapping[str, str]) -> Location:
    """Where the setting `store.url` says.

    Args:
        url: "" for the usual file.

    Raises:
        StoreRefused: it is no place for a store.
    """
    if not url:
        return SqliteFile(data_folder(environ) / "store" / "store.db")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        # What came may have a password in it.
        raise StoreRefused(f"store.url is not a URL; allowed: {_FORMS}") from error
    if parts.scheme in ("postgresql", "postgres"):
        return Postgres(url)
    if parts.scheme != "sqlite":
        came = f"begins with {parts.scheme!r}" if parts.scheme else "has no scheme"
        raise StoreRefused(f"store.url {came}; allowed: {_FORMS}")
    path = Path(unquote(parts.path.removeprefix("/")))
    if parts.netloc or parts.query or parts.fragment or path == Path() or not path.is_absolute():
        raise StoreRefused(f"store.url is {url!r}; allowed: {_FORMS}")
    return SqliteFile(path)
