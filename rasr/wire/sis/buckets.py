"""Recordings that lie in buckets, as requests name them."""

from __future__ import annotations

from dataclasses import dataclass

from rasr.wire.sis.faults import invalid

_SCHEME = "obs://"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A recording in a bucket."""

    bucket: str
    key: str


def object_at(data_url: str) -> StoredObject | None:
    """The object that `obs://BUCKET/KEY` names, which is ours; None for any other URL.

    Raises:
        ProtocolError: INVALID: it names no object.
    """
    if not data_url.startswith(_SCHEME):
        return None
    bucket, _, key = data_url.removeprefix(_SCHEME).partition("/")
    if not (bucket and key and _is_text(data_url)):
        raise invalid("data_url", data_url, "obs://BUCKET/KEY")
    return StoredObject(bucket, key)


def _is_text(spelt: str) -> bool:
    """False where JSON has spelt half a surrogate pair, which nobody can keep or ask for."""
    try:
        spelt.encode()
    except UnicodeEncodeError:
        return False
    return True
