"""Fetch one archive over HTTP: resumed after a break, from the first address that gives it.

What was fetched so far lies in `ARCHIVE.part`, beside it in `ARCHIVE.part.json` the address it came
from and the version that the server named (RFC 9110, 8.8). A part is continued at its own address
only, with a Range request (14.2), and only where something vouches for the rest: the same version
(If-Range, 13.1.5), or a digest that is known beforehand. So bytes of two addresses are never mixed.
Redirects, proxies (of the environment) and TLS are left to httpx. Nothing is unpacked here, and the
digest is verified by the caller.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

import rasr
from rasr.models.errors import FetchFailed

Progress = Callable[[int, int | None], None]
"""Called with the bytes done and the bytes in all; None where that is not known."""

_CONNECT_S = 15.0
_SILENCE_S = 60.0
"""A server that sends nothing for so long is given up."""
_MOST_BYTES = 8 << 30
"""Most bytes of an archive whose size is not known."""
_MOST_BREAKS = 20
"""So often the connection to one address may break; if nothing came before a break, once."""

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An archive and what is known of it."""

    archive: str
    addresses: tuple[str, ...]
    bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """An archive that was fetched whole."""

    file: Path
    source: str
    resumed: bool
    """True if an earlier process fetched a part of it."""


class _Unusable(Exception):
    """This address does not give what is wanted; the text says why."""


class _Broken(Exception):
    """The connection broke; what came is kept."""


def fetch(wanted: Wanted, folder: Path, progress: Progress) -> Fetched:
    """Fetch an archive into `folder`, which exists.

    Raises:
        FetchFailed: with a line for each address.
        OSError: `folder` cannot be written.
    """
    part = _Part(folder, wanted.archive)
    faults = []
    limits = httpx.Timeout(_SILENCE_S, connect=_CONNECT_S)
    # The archive's own bytes are wanted: they are what sizes and digests are about.
    headers = {"Accept-Encoding": "identity", "User-Agent": f"rasr/{rasr.__version__}"}
    with httpx.Client(follow_redirects=True, timeout=limits, headers=headers) as client:
        for address in wanted.addresses:
            began_with = part.size_from(address)
            try:
                _fetch_from(client, address, wanted, part, progress)
            except _Unusable as fault:
                faults.append(f"  {address}: {fault}")
            else:
                return Fetched(part.finish(), address, resumed=began_with > 0)
    raise FetchFailed("\n".join(faults))


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where the bytes of a part come from."""

    address: str
    version: str | None


class _Part:
    """The file that holds what was fetched so far."""

    def __init__(self, folder: Path, archive: str) -> None:
        self._whole = folder / archive
        self._origin = folder / f"{archive}.part.json"
        self.file = folder / f"{archive}.part"

    @property
    def size(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0

    @property
    def origin(self) -> _Origin | None:
        try:
            return _Origin(**json.loads(self._origin.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def size_from(self, address: str) -> int:
        """Bytes that came from this address."""
        origin = self.origin
        return self.size if origin is not None and origin.address == address else 0

    def begin(self, origin: _Origin) -> None:
        """Forget what is here: the next bytes are the first ones."""
        self.file.unlink(missing_ok=True)
        self._origin.write_text(json.dumps(asdict(origin)), "utf-8")

    def finish(self) -> Path:
        self._origin.unlink(missing_ok=True)
        return self.file.replace(self._whole)


def _fetch_from(
    client: httpx.Client, address: str, wanted: Wanted, part: _Part, progress: Progress
) -> None:
    for _ in range(_MOST_BREAKS):
        before = part.size_from(address)
        try:
            if _transfer(client, address, wanted, part, progress):
                return
        except (httpx.TransportError, _Broken) as error:
            if part.size_from(address) <= before:
                raise _Unusable(_reason(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _Unusable(_reason(error)) from error
    raise _Unusable(f"the connection broke {_MOST_BREAKS} times")


def _transfer(
    client: httpx.Client, address: str, wanted: Wanted, part: _Part, progress: Progress
) -> bool:
    """One request. False if it has to be made again, from the start."""
    origin = part.origin
    have = part.size_from(address)
    if origin is None or not (origin.version or wanted.sha256):
        have = 0
    if wanted.bytes is not None and have >= wanted.bytes:
        if have == wanted.bytes:
            return True
        have = 0
    headers = {}
    if have:
        headers["Range"] = f"bytes={have}-"
        if origin is not None and origin.version is not None:
            headers["If-Range"] = origin.version
    with client.stream("GET", address, headers=headers) as response:
        if httpx.URL(address).scheme == "https" and response.url.scheme != "https":
            raise _Unusable(f"it leads to {response.url}, which is not encrypted")
        fresh = _Origin(address, _version(response))
        match response.status_code:
            case 200:
                have = 0
            case 206 if have and _range_start(response) == have:
                pass
            case 206 | 416 if have:
                part.begin(_Origin(address, None))
                return False
            case code:
                raise _Unusable(f"HTTP {code} {response.reason_phrase}".rstrip())
        total = _total(response, have)
        if wanted.bytes is not None and total not in (None, wanted.bytes):
            raise _Unusable(f"it has {total} bytes there, the catalogue says {wanted.bytes}")
        if not have:
            part.begin(fresh)
        _receive(response, part, have, wanted.bytes or total, progress)
    end = wanted.bytes or total
    if end is not None and part.size != end:
        raise _Broken(f"it ended after {part.size} of {end} bytes")
    return True


def _receive(
    response: httpx.Response, part: _Part, done: int, total: int | None, progress: Progress
) -> None:
    progress(done, total)
    with part.file.open("ab") as file:
        # As it comes: chunks of a size of our own would be lost in part when the connection breaks.
        for chunk in response.iter_raw():
            done += len(chunk)
            if done > (total or _MOST_BYTES):
                raise _Unusable(f"it sends more than {total or _MOST_BYTES} bytes")
            file.write(chunk)
            progress(done, total)


def _range_start(response: httpx.Response) -> int | None:
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _total(response: httpx.Response, have: int) -> int | None:
    """Bytes of the whole archive, as the response has it."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if found and found[2] != "*":
        return int(found[2])
    length = response.headers.get("Content-Length", "")
    return have + int(length) if length.isdecimal() else None


def _version(response: httpx.Response) -> str | None:
    """A validator that If-Range takes: a strong entity tag, or a date."""
    tag = response.headers.get("ETag", "")
    if tag.startswith('"'):
        return str(tag)
    modified: str | None = response.headers.get("Last-Modified")
    return modified


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
