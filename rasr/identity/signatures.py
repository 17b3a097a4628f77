"""`SDK-HMAC-SHA256`: what clients of SIS sign, and whether a signature fits.

Works on the bytes that came, so that nothing is read in two ways. What a signature covers is the
method, the decoded path, the decoded and sorted query, the headers that it names and the body; what
the application is then given has to be that and nothing else (`canonical_query`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = "SDK-HMAC-SHA256"
SKEW_S = 900.0
"""So far may a client's clock be from this one."""
LARGEST_BODY = 12 << 20
"""Bytes; the gateway takes no longer body with a signature."""
UNSIGNED_PAYLOAD = b"UNSIGNED-PAYLOAD"
EMPTY_HASH = hashlib.sha256(b"").hexdigest()

Headers = Sequence[tuple[bytes, bytes]]
"""Names in small letters, and values."""

_DATE = "x-sdk-date"
_CONTENT = "x-sdk-content-sha256"
_FIELDS = re.compile(
    rf"{ALGORITHM} +Access=(?P<access>[!-+\--~]{{1,128}}), *"
    r"SignedHeaders=(?P<headers>[!-+\--~]{1,4096}), *Signature=(?P<signature>[0-9a-f]{64})"
)
_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_DATE_FORM = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_DATE_FORMAT = "%Y%m%dT%H%M%SZ"
_HASH = re.compile(rb"[0-9a-f]{64}")


class SignatureFault(Exception):
    """A signature does not hold. The text says why, for the operator's log alone."""


class SignatureExpired(SignatureFault):
    """Its date is too far from now. It says nothing of keys, so the caller may be told."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked, as it came."""

    method: str
    path: bytes
    """Before any decoding, without the query."""
    query: bytes
    headers: Headers

    def values(self, name: str) -> list[bytes]:
        """The values of a header, trimmed."""
        wanted = name.encode("latin-1")
        return [value.strip() for known, value in self.headers if known == wanted]


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that is well formed and of this time. Whether it fits is asked with a secret."""

    access_id: str
    signed_headers: tuple[str, ...]
    signed_at: float
    declared_hash: bytes | None = None
    """What the client says of the body in a header that it signed."""
    text: str = field(default="", repr=False)
    """64 hexadecimal digits."""
    _date: bytes = b""

    @property
    def usable_until(self) -> float:
        """From then on the date refuses it."""
        return self.signed_at + SKEW_S

    def body_fits(self, body_hash: str) -> bool:
        """True if a body of this hash is what the client says that it sent."""
        if self.declared_hash in (None, UNSIGNED_PAYLOAD):
            return True
        return self.declared_hash == body_hash.encode()

    def fits(
        self, request: Request, secret: str, body_hash: str, names: Sequence[bytes] = ()
    ) -> bool:
        """True if it was made with this secret for this request.

        Args:
            body_hash: SHA-256 of the body, in hexadecimal digits. Where the client signed what it
                says of the body, only an empty body's counts, as some sign that in its place.
            names: names by which clients reach this server beside what `Host` says.
        """
        declared = self.declared_hash
        payloads = [body_hash.encode() if declared is None else declared]
        if declared is not None and body_hash == EMPTY_HASH:
            payloads.append(EMPTY_HASH.encode())
        hosts: Sequence[bytes | None] = [None]
        if "host" in self.signed_headers:
            hosts = list(hosts_of(request, names))
        key, line = secret.encode("utf-8"), request_line(request)
        # Every one is looked at: the time tells nobody which one fits, or nearly.
        found = False
        for host in hosts:
            for payload in payloads:
                whole = canonical_request(line, request, self.signed_headers, host, payload)
                wanted = _signature(key, self._date, whole)
                found |= hmac.compare_digest(wanted, self.text)
        return found


def sign(
    request: Request, access_id: str, secret: str, now: float, body: bytes = b""
) -> dict[str, str]:
    """The headers with which a client signs a request that has `host`."""
    date = datetime.fromtimestamp(now, UTC).strftime(_DATE_FORMAT)
    dated = replace(request, headers=[*request.headers, (_DATE.encode(), date.encode())])
    line, payload = request_line(dated), hashlib.sha256(body).hexdigest().encode()
    whole = canonical_request(line, dated, ("host", _DATE), None, payload)
    signature = _signature(secret.encode(), date.encode(), whole)
    return {
        "X-Sdk-Date": date,
        "Authorization": f"{ALGORITHM} Access={access_id}, SignedHeaders=host;{_DATE}, "
        f"Signature={signature}",
    }


def is_signed(authorization: str) -> bool:
    """True if an `Authorization` header is meant to be a signature of this kind."""
    return authorization.startswith(f"{ALGORITHM} ") or authorization == ALGORITHM


def read_signature(request: Request, now: float) -> Signature:
    """The signature of a request.

    Raises:
        SignatureExpired: its date is too far from `now`.
        SignatureFault: it is not well formed.
    """
    authorization = _only(request, "authorization").decode("latin-1")
    fields = _FIELDS.fullmatch(authorization)
    if fields is None:
        raise SignatureFault("the Authorization header is not well formed")
    names = tuple(fields["headers"].split(";"))
    if list(names) != sorted(set(names)) or not all(map(_NAME.fullmatch, names)):
        raise SignatureFault("SignedHeaders are not sorted, single names in small letters")
    if _DATE not in names:
        raise SignatureFault("X-Sdk-Date is not among the SignedHeaders")
    for name in names:
        _only(request, name)
    declared = None
    if _CONTENT in names:
        declared = _only(request, _CONTENT)
        if declared != UNSIGNED_PAYLOAD and not _HASH.fullmatch(declared):
            raise SignatureFault("X-Sdk-Content-Sha256 is no hash and not UNSIGNED-PAYLOAD")
    date = _only(request, _DATE)
    signed_at = _seconds(date)
    if abs(now - signed_at) > SKEW_S:
        raise SignatureExpired(f"X-Sdk-Date is {signed_at - now:+.0f} s from now")
    return Signature(fields["access"], names, signed_at, declared, fields["signature"], date)


def hosts_of(request: Request, names: Sequence[bytes]) -> Iterator[bytes]:
    """What a client may have signed for `Host`: as it came, without its port, with the ports that
    libraries leave out, and the other names of the server."""
    host = _only(request, "host")
    yield host
    bare = re.sub(rb":[0-9]+$", b"", host)
    if bare != host:
        yield bare
    for other in (bare + b":443", bare + b":80", *names):
        if other != host:
            yield other


def canonical_path(path: bytes) -> bytes:
    """A path as it is signed: decoded, encoded anew, with a slash at its end."""
    text = "/".join(quote(part, safe="") for part in unquote_to_bytes(path).split(b"/"))
    return (text if text.endswith("/") else f"{text}/").encode("ascii")


def canonical_query(query: bytes) -> bytes:
    """A query as it is signed: decoded, sorted, encoded anew; pairs without a name are left out.

    A plus is a plus. The application has to be given this and not what came: it might read a space
    where the client signed a plus.
    """
    pairs = []
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if name:
            pairs.append((unquote_to_bytes(name), unquote_to_bytes(value)))
    encoded = (f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(pairs))
    return "&".join(encoded).encode("ascii")


def request_line(request: Request) -> bytes:
    """What is signed of a request's first line."""
    method = request.method.upper().encode("ascii")
    return b"%s\n%s\n%s\n" % (
        method,
        canonical_path(request.path),
        canonical_query(request.query),
    )


def canonical_request(
    line: bytes,
    request: Request,
    signed_headers: Sequence[str],
    host: bytes | None,
    payload: bytes,
) -> bytes:
    """What is signed, as one text.

    Args:
        line: its `request_line`, which is the same whatever the host and the payload are.
        host: in place of the header that came; None: as it came.
        payload: what stands for the body: its hash, or what the client says of it.
    """
    headers = b"".join(
        name.encode("ascii")
        + b":"
        + (host if name == "host" and host is not None else _only(request, name))
        + b"\n"
        for name in signed_headers
    )
    names = ";".join(signed_headers).encode("ascii")
    return b"%s%s\n%s\n%s" % (line, headers, names, payload)


def _signature(key: bytes, date: bytes, whole: bytes) -> str:
    digest = hashlib.sha256(whole).hexdigest().encode()
    to_sign = b"\n".join((ALGORITHM.encode(), date, digest))
    return hmac.new(key, to_sign, hashlib.sha256).hexdigest()


def _only(request: Request, name: str) -> bytes:
    values = request.values(name)
    if len(values) != 1:
        # Of two the application might take the other one.
        raise SignatureFault(f"there are {len(values)} headers {name}, and it needs one")
    return values[0]


def _seconds(date: bytes) -> float:
    text = date.decode("latin-1")
    try:
        if not _DATE_FORM.fullmatch(text):
            raise ValueError
        return datetime.strptime(text, _DATE_FORMAT).replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise SignatureFault("X-Sdk-Date is no time of the form YYYYMMDDTHHMMSSZ") from error
