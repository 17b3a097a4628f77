"""Requests as the official client signs them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from urllib.parse import quote

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from rasr.identity.signatures import Request

AK = "AKEXAMPLE0000000000"
SK = "SKexample0000000000000000000000000000000"
PROJECT = "0123456789abcdef0123456789abcdef"
DATE = "20260102T030405Z"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def sdk_date(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")


def signed_headers(
    method: str,
    host: str,
    path: str,
    query: list[tuple[str, str]] | None = None,
    headers: dict[str, str] | None = None,
    body: bytes | str = "",
    *,
    now: float = NOW,
    access: str = AK,
    secret: str = SK,
) -> dict[str, str]:
    """The headers with which the official signer sends such a request, `Host` among them."""
    request = SdkRequest(
        method=method,
        schema="http",
        host=host,
        resource_path=path,
        query_params=query or [],
        header_params={"X-Sdk-Date": sdk_date(now), **(headers or {})},
        body=body,
        stream=False,
    )
    credentials = BasicCredentials(access, secret, PROJECT)
    return dict(Signer(credentials).sign(request).header_params)


def signed(
    method: str,
    host: str,
    path: str,
    query: list[tuple[str, str]] | None = None,
    headers: dict[str, str] | None = None,
    body: bytes | str = "",
) -> Request:
    """Such a request as it comes in."""
    sent = signed_headers(method, host, path, query, headers, body)
    return Request(
        method,
        quote(path).encode(),
        "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in query or []).encode(),
        [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.items()],
    )
