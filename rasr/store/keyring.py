"""Secrets at rest: encrypted with the first key, decrypted with whichever fits.

Passwords and tokens are not among them: of these only hashes and digests are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from rasr.store.errors import SecretsUnreadable, StoreRefused
from rasr.store.location import Location, SqliteFile
from rasr.store.private_files import check_private, write_private

_FORM = "44 letters as `rasr store new-key` makes them"


def new_key() -> str:
    """A key that nobody can guess."""
    return Fernet.generate_key().decode()


class Keyring:
    """The keys of a store."""

    def __init__(self, source: str, read: Callable[[], Sequence[str]]) -> None:
        """
        Args:
            source: where the keys come from, for a person.
            read: the keys, the newest first; called again when none fits, as another process may
                have made a new one meanwhile.
        """
        self._source = source
        self._read = read
        self._keys: tuple[str, ...] = ()
        self._ciphers: MultiFernet
        self.reload()

    def reload(self) -> bool:
        """Read the keys again. True if they are others.

        Raises:
            StoreRefused: one of them is no key, or there is none.
            SecretsUnreadable: they are not there.
        """
        before = self._keys
        self._keys = tuple(self._read())
        if not self._keys:
            raise StoreRefused(f"{self._source} has no key; needed: one or more, each {_FORM}")
        self._ciphers = MultiFernet(
            [self._cipher(number, key) for number, key in enumerate(self._keys, 1)]
        )
        return self._keys != before

    def encrypt(self, secret: str) -> str:
        """A secret as it may be kept.

        Raises:
            StoreError: the keys are not there any more.
        """
        # Another process may have made a new key, and the older ones may be taken away.
        self.reload()
        return self._ciphers.encrypt(secret.encode()).decode()

    def decrypt(self, kept: str) -> str:
        """The secret again.

        Raises:
            SecretsUnreadable: no key fits.
        """
        try:
            return self._ciphers.decrypt(kept).decode()
        except InvalidToken:
            pass
        try:
            if self.reload():
                return self._ciphers.decrypt(kept).decode()
        except InvalidToken:
            pass
        raise SecretsUnreadable(
            f"a secret in the store was encrypted with a key that {self._source} does not have; "
            "add the older keys behind the first one"
        )

    def _cipher(self, number: int, key: str) -> Fernet:
        try:
            return Fernet(key)
        except ValueError as error:
            # What came is a secret, or nearly one.
            raise StoreRefused(
                f"{self._source}: key {number} is no key; needed: {_FORM}"
            ) from error


def open_keyring(location: Location, keys: Sequence[str]) -> Keyring:
    """The keys of a store that is there.

    Args:
        keys: the setting `store.encryption_keys`; empty for those in the file beside the store.

    Raises:
        StoreError: there are none, or none that can be used.
    """
    if keys:
        return Keyring("store.encryption_keys", lambda: keys)
    if not isinstance(location, SqliteFile):
        raise StoreRefused(
            "store.encryption_keys is empty, and beside PostgreSQL there is no file with keys; "
            "make a key with `rasr store new-key` and give it to every server of this store"
        )
    file = location.key_file
    return Keyring(str(file), lambda: _read_file(file))


def make_key_file(location: SqliteFile) -> None:
    """Make the file with the first key, unless it is there.

    Raises:
        StoreRefused: it cannot be written.
    """
    _write_file(location.key_file, [new_key()], replace=False)


def add_key(location: SqliteFile) -> None:
    """Put a new key before those in the file, which stay there for older backups.

    Raises:
        StoreError: the file cannot be read or written.
    """
    _write_file(location.key_file, [new_key(), *_read_file(location.key_file)], replace=True)


def _write_file(file: Path, keys: Sequence[str], *, replace: bool) -> None:
    try:
        write_private(file, "".join(f"{key}\n" for key in keys).encode(), replace=replace)
    except OSError as error:
        raise StoreRefused(f"{file} cannot be written: {error.strerror}") from error


def _read_file(file: Path) -> list[str]:
    try:
        check_private(file)
        return file.read_text("ascii").split()
    except FileNotFoundError as error:
        raise SecretsUnreadable(
            f"{file} is not there, with the keys that the secrets in the store are encrypted "
            "with; bring it back from where you keep a copy of it"
        ) from error
    except UnicodeDecodeError as error:
        raise StoreRefused(f"{file} has no keys in it") from error
    except OSError as error:
        raise SecretsUnreadable(f"{file} cannot be read: {error.strerror}") from error
