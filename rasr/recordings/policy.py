"""Which URLs may be asked. Nothing is resolved and nobody is asked here.

A URL is read once, by one parser, and what was read is what is asked for: where two read the same
text differently, one of them checks the wrong host.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import httpx

from rasr.recordings.addresses import METADATA, Address, as_address, is_public, reached
from rasr.recordings.faults import failed, illegal
from rasr.settings import RecordingSettings
from rasr.settings.recordings import Network, host_entry

MOST_BYTES = 8192
"""Of a URL: those that are signed are long."""

_PORTS = {"http": 80, "https": 443}
# Programs differ in what they make of these within a URL.
_ODD = re.compile(r"[\x00-\x20\x7f-\x9f\\]|\s")
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_SHOWN_LETTERS = 80


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that was read."""

    scheme: str
    host: str
    """A name in ASCII, or an address without brackets."""
    port: int
    path: bytes
    """With what stands behind `?`, as it is sent."""
    url: httpx.URL

    @property
    def authority(self) -> bytes:
        """What the header Host has."""
        return self.url.netloc

    def __str__(self) -> str:
        """As it may be shown and logged: whoever signs a URL puts the signature behind `?`."""
        return _shortened(f"{self.scheme}://{self.url.netloc.decode()}{self.url.path}")

    def __repr__(self) -> str:
        return f"Target({self})"


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """What may be asked."""

    allow_http: bool
    public_hosts: bool
    ports: frozenset[int]
    names: frozenset[str]
    """Hosts that may be asked wherever they are; with a dot before them, all below."""
    networks: tuple[Network, ...]

    @classmethod
    def of(cls, settings: RecordingSettings) -> Self:
        """The policy of the settings."""
        entries = [host_entry(text) for text in settings.allowed_hosts]
        return cls(
            allow_http=settings.allow_http,
            public_hosts=settings.public_hosts,
            ports=frozenset(settings.ports),
            names=frozenset(one for one in entries if isinstance(one, str)),
            networks=tuple(one for one in entries if not isinstance(one, str)),
        )

    def naming(self, target: Target) -> FetchPolicy:
        """The same policy, with the host of a URL that whoever runs the server has named."""
        try:
            entry = host_entry(target.host)
        except ValueError:
            return self
        allow_http = self.allow_http or target.scheme == "http"
        if isinstance(entry, str):
            return replace(self, allow_http=allow_http, names=self.names | {entry})
        return replace(self, allow_http=allow_http, networks=(*self.networks, entry))

    def read(self, text: str, field: str, most_bytes: int = MOST_BYTES) -> Target:
        """The target that a URL names.

        Args:
            field: what the request calls it, for the sentence.

        Raises:
            RecordingFault: it may not be asked.
        """
        target = read_url(text, field, most_bytes)
        if target.scheme == "http" and not self.allow_http:
            raise illegal(f"{field} begins with http://; only https:// is allowed here")
        address = as_address(target.host)
        if address is not None:
            self.check(target, [address])
        elif not self.public_hosts and not self.networks and not self._has_name(target.host):
            raise illegal(f"{target.host}: only hosts of recordings.allowed_hosts may be asked")
        return target

    def follow(self, target: Target, location: str) -> Target:
        """Where a redirect leads.

        Raises:
            RecordingFault: it may not be asked.
        """
        field = f"the redirect of {target.host}"
        try:
            # What is odd in it is refused, not mended by joining.
            joined = location if _ODD.search(location) else str(target.url.join(location))
        except (httpx.InvalidURL, ValueError) as error:
            raise illegal(f"{field} leads to no URL") from error
        there = self.read(joined, field)
        if target.scheme == "https" and there.scheme == "http":
            raise illegal(f"{field} leads from https:// to http://, which encrypts nothing")
        return there

    def check(self, target: Target, addresses: Sequence[Address]) -> None:
        """See that each address of a host may be asked. They are not told: what a name means within
        a network is nobody's business outside of it.

        Raises:
            RecordingFault: one of them may not.
        """
        if not addresses:
            raise failed(f"{target.host}: there is no such host")
        is_named = self._has_name(target.host)
        for address in addresses:
            self._check(target, reached(address), is_named=is_named)

    def _check(self, target: Target, address: Address, *, is_named: bool) -> None:
        if address in METADATA:
            if not any(n.num_addresses == 1 and address in n for n in self.networks):
                raise illegal(
                    f"{target.host} leads to where clouds keep credentials of their machines"
                )
            return
        if is_named or any(address in network for network in self.networks):
            return
        if not is_public(address):
            raise illegal(
                f"{target.host} leads to an address of this machine or of a private network; "
                "recordings.allowed_hosts in the settings of the server may name it"
            )
        if not self.public_hosts:
            raise illegal(f"{target.host}: only hosts of recordings.allowed_hosts may be asked")
        if target.port not in self.ports:
            raise illegal(
                f"{target.host} is to be asked at port {target.port}; allowed: "
                f"{', '.join(map(str, sorted(self.ports)))}"
            )

    def _has_name(self, host: str) -> bool:
        return any(
            host == name or (name.startswith(".") and host.endswith(name)) for name in self.names
        )


def read_url(text: str, field: str, most_bytes: int = MOST_BYTES) -> Target:
    """The target that a URL names, whether or not it may be asked.

    Raises:
        RecordingFault: it is none of http or https, or could be read in more than one way.
    """
    if len(text.encode("utf-8", "replace")) > most_bytes:
        raise illegal(f"{field} is longer than {most_bytes} bytes")
    if not text:
        raise illegal(f"{field} is empty; needed: a URL such as https://host.example/file.wav")
    if _ODD.search(text):
        raise illegal(f"{field} has blanks, control characters or backslashes in it")
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise illegal(f"{field} is not a URL: {_reason(error)}") from error
    if url.scheme not in _PORTS:
        came = f"begins with {url.scheme[:20]}:" if url.scheme else "has no scheme"
        raise illegal(f"{field} {came}; allowed: http:// and https://")
    if url.userinfo:
        raise illegal(
            f"{field} has a user or password before its host, which is not sent anywhere; use a "
            "signed URL, or a bucket"
        )
    host = url.raw_host.decode("ascii")
    _check_host(host, field)
    port = _PORTS[url.scheme] if url.port is None else url.port
    if not 1 <= port <= 65535:
        raise illegal(f"{field} has the port {port}; allowed: 1 to 65535")
    return Target(url.scheme, host, port, url.raw_path, url)


def _check_host(host: str, field: str) -> None:
    try:
        is_known = as_address(host) is not None or _HOST.fullmatch(host) is not None
    except ValueError:
        raise illegal(
            f"{field} has the host {_shortened(host)!r}; addresses are written as 203.0.113.9 or "
            "[2001:db8::1], without a zone"
        ) from None
    if not is_known or len(host) > 253:
        raise illegal(
            f"{field} has the host {_shortened(host)!r}; needed: a name as files.example, "
            "without a dot at its end"
        )


def _reason(error: Exception) -> str:
    """What a parser says, without the text itself: it may have a secret in it."""
    return "its host is not a name" if "IDNA" in str(error) else "its parts cannot be told apart"


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}…"
