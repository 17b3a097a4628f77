"""What tests of several rooms use, started once for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store.postgres import PostgresServer, serving, why_not


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server of PostgreSQL, started once."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with serving() as server:
        yield server
