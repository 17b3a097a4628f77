"""What tests of several rooms use, started once for all of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.plain_logs import log_plainly
from tools.postgres import PostgresServer, serving, why_not

# The same examples each time, however long a slow machine takes for one.
settings.register_profile(
    "tests", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")
log_plainly()
# Worker processes begin with the main module of whoever starts them: pytest's would cost each of
# some hundred of them a fifth of a second.
main = sys.modules["__main__"]
main.__spec__, main.__file__ = None, None


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server of PostgreSQL, started once."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with serving() as server:
        yield server
