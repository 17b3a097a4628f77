"""Objects in buckets: of S3, OBS and their like, in a folder, or in any store that obstore has.

A request to S3 is signed by obstore and sent by the same fetcher as any URL, so that it is bound by
the same limits and goes to addresses that were checked. The signature is behind the `?` of a URL
that lasts for minutes, is made anew for each try and is kept and shown nowhere. obstore is an extra
(`rasr[buckets]`): it is imported when the first bucket needs it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from rasr.recordings.addresses import as_address
from rasr.recordings.faults import RecordingFault, said_by
from rasr.recordings.fetching import Fetched, Fetcher
from rasr.recordings.folder import copy_of
from rasr.recordings.policy import FetchPolicy, Target, read_url
from rasr.recordings.retries import MAY_PASS
from rasr.recordings.spool import RecordingFile
from rasr.wire.sis.errors import ErrorCode

if TYPE_CHECKING:
    from obstore.store import ObjectStore, S3Credential

_SIGNED_FOR = timedelta(minutes=15)
_MOST_KEY_BYTES = 1024
_SHOWN_LETTERS = 80
_ODD = re.compile(r"[\x00-\x1f\x7f]")
_STREAMED_AT_ONCE = 256 << 10


@dataclass(frozen=True, slots=True)
class Credentials:
    """What requests to a bucket are signed with."""

    access_id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    """Of a role that was taken."""


WayIn = Callable[[], Awaitable[Credentials | None]]
"""Gives the credentials of now; None where everybody may read."""


class Bucket(Protocol):
    """Somewhere with objects."""

    @property
    def name(self) -> str:
        """As requests call it."""
        ...

    async def fetch(self, key: str, into: RecordingFile) -> Fetched:
        """Fetch an object whole.

        Raises:
            RecordingFault: it is not to be had, or too large.
        """
        ...


@dataclass(frozen=True, slots=True)
class S3Place:
    """Where a bucket of S3 or OBS is."""

    name: str
    endpoint: Target
    region: str
    bucket: str
    """As the service calls it."""
    path_style: bool

    @classmethod
    def read(
        cls, name: str, endpoint: str, region: str, bucket: str, *, path_style: bool
    ) -> S3Place:
        """The place that these texts name.

        Raises:
            RecordingFault: the endpoint is none.
        """
        target = read_url(endpoint, "endpoint")
        if target.path != b"/":
            raise RecordingFault(
                ErrorCode.INVALID, "endpoint has a path; needed: the address alone"
            )
        if not path_style and as_address(target.host) is not None:
            raise RecordingFault(
                ErrorCode.INVALID,
                "endpoint is an address, before which no bucket can stand: it needs path_style",
            )
        return cls(name, target, region, bucket or name, path_style)

    @property
    def _base(self) -> str:
        at = self.endpoint.authority.decode()
        return f"{self.endpoint.scheme}://{at if self.path_style else f'{self.bucket}.{at}'}"

    def open_url(self, key: str) -> str:
        """The URL of an object that everybody may read."""
        within = f"/{self.bucket}" if self.path_style else ""
        return f"{self._base}{within}/{quote(key, safe='/~')}"

    def signed_url(self, key: str, credentials: Credentials) -> str:
        """The URL of an object with a signature that lasts for some minutes.

        Raises:
            RecordingFault: what signs is not installed.
        """
        try:
            import obstore
            from obstore.store import S3Store
        except ImportError as error:
            raise RecordingFault(
                ErrorCode.BUCKET_FAILED,
                "requests to buckets are signed with the package obstore, which is not installed "
                "on this server: pip install 'rasr[buckets]'",
            ) from error
        store = S3Store(
            self.bucket,
            endpoint=self._base,
            region=self.region,
            virtual_hosted_style_request=not self.path_style,
            # Where nothing is said here, the environment of the server says it: AWS_SESSION_TOKEN.
            credential_provider=lambda: _as_theirs(credentials),
            s3_express=False,
            request_payer=False,
            client_options={"allow_http": True},
        )
        return obstore.sign(store, "GET", key, _SIGNED_FOR)


class S3Bucket:
    """A bucket of S3, OBS or their like."""

    def __init__(
        self, place: S3Place, way_in: WayIn, fetcher: Fetcher, policy: FetchPolicy
    ) -> None:
        """
        Args:
            policy: whoever adds a bucket runs the server: its endpoint may be asked besides.
        """
        self._place = place
        self._way_in = way_in
        self._fetcher = fetcher
        host = place.open_url("x")
        self._policy = policy.naming(read_url(host, "endpoint"))

    @property
    def name(self) -> str:
        """See Bucket."""
        return self._place.name

    async def fetch(self, key: str, into: RecordingFile) -> Fetched:
        """See Bucket."""
        source = _S3Object(self._place, self._way_in, "/".join(parts_of(key)), self._policy)
        return await self._fetcher.fetch(source, into)


@dataclass(frozen=True, slots=True)
class _S3Object:
    """An object as a source of the fetcher."""

    place: S3Place
    way_in: WayIn
    key: str
    policy: FetchPolicy

    async def target(self) -> Target:
        credentials = await self.way_in()
        if credentials is None:
            url = self.place.open_url(self.key)
        else:
            # It looks for certificates first, though nothing is asked with it.
            url = await asyncio.to_thread(self.place.signed_url, self.key, credentials)
        return self.policy.read(url, "the object")

    def refusal(self, status: int, body: bytes) -> RecordingFault | None:
        said = said_by(status, body)
        bucket = f"the bucket {self.place.name!r}"
        if status in (401, 403):
            return RecordingFault(
                ErrorCode.NO_DELEGATION,
                f"{bucket} does not let this server read the object ({said})",
            )
        if status == 404:
            return _no_object(self.place.name, said)
        return RecordingFault(
            ErrorCode.BUCKET_FAILED, f"{bucket} answers {said}", may_pass=status in MAY_PASS
        )


class FolderBucket:
    """A folder of this machine, whose files are the objects."""

    def __init__(self, name: str, root: Path) -> None:
        self._name = name
        self._root = root

    @property
    def name(self) -> str:
        """See Bucket."""
        return self._name

    async def fetch(self, key: str, into: RecordingFile) -> Fetched:
        """See Bucket. Links are not followed."""
        parts = parts_of(key)
        await into.begin_anew()
        try:
            await copy_of(self._root, parts, into)
        except PermissionError as error:
            raise RecordingFault(
                ErrorCode.NO_DELEGATION,
                f"the bucket {self._name!r} does not let this server read the object",
            ) from error
        except OSError as error:
            raise _no_object(self._name, "it is not there") from error
        return _whole(self._name, into)


class StoreBucket:
    """Whatever obstore can read, such as its store in memory."""

    def __init__(self, name: str, store: ObjectStore) -> None:
        self._name = name
        self._store = store

    @property
    def name(self) -> str:
        """See Bucket."""
        return self._name

    async def fetch(self, key: str, into: RecordingFile) -> Fetched:
        """See Bucket."""
        # Whoever made the store has it.
        import obstore
        from obstore.exceptions import BaseError

        path = "/".join(parts_of(key))
        await into.begin_anew()
        try:
            found = await obstore.get_async(self._store, path)
            into.expect(found.meta["size"])
            async for chunk in found.stream(min_chunk_size=_STREAMED_AT_ONCE):
                await into.write(bytes(chunk))
        except FileNotFoundError as error:
            raise _no_object(self._name, "it is not there") from error
        except BaseError as error:
            # Its text may have a whole request in it.
            raise RecordingFault(
                ErrorCode.BUCKET_FAILED,
                f"the bucket {self._name!r} cannot be read: {type(error).__name__}",
            ) from error
        await into.flush()
        return _whole(self._name, into)


def _as_theirs(credentials: Credentials) -> S3Credential:
    return {
        "access_key_id": credentials.access_id,
        "secret_access_key": credentials.secret,
        "token": credentials.token,
        "expires_at": None,
    }


def parts_of(key: str) -> tuple[str, ...]:
    """The parts of an object's key, between its slashes.

    Raises:
        RecordingFault: it names no object, or one that not every kind of bucket can name.
    """
    if not 1 <= len(key.encode("utf-8", "replace")) <= _MOST_KEY_BYTES:
        raise _bad_key(key, f"1 to {_MOST_KEY_BYTES} bytes")
    parts = tuple(key.split("/"))
    if any(part in ("", ".", "..") for part in parts):
        raise _bad_key(key, "no slash at its ends, and no //, . or .. in it")
    if _ODD.search(key) or not _is_utf8(key):
        raise _bad_key(key, "no control characters")
    return parts


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bad_key(key: str, needed: str) -> RecordingFault:
    shown = key if len(key) <= _SHOWN_LETTERS else f"{key[:_SHOWN_LETTERS]}…"
    return RecordingFault(
        ErrorCode.INVALID, f"the key of the object is {shown!r}; needed: {needed}"
    )


def _no_object(bucket: str, why: str) -> RecordingFault:
    return RecordingFault(
        ErrorCode.BUCKET_FAILED, f"the bucket {bucket!r} does not have the object ({why})"
    )


def _whole(bucket: str, into: RecordingFile) -> Fetched:
    if not into.size:
        raise RecordingFault(
            ErrorCode.BUCKET_FAILED, f"the object in the bucket {bucket!r} is empty"
        )
    return Fetched(into.size, "", 0)
