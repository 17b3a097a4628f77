"""A balancer for tests of replicas."""

from __future__ import annotations

import pytest

from tools.haproxy import Program, program


@pytest.fixture(scope="session")
def haproxy(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Skips the test where there is none."""
    found = program(tmp_path_factory.mktemp("haproxy"))
    if found is None:
        pytest.skip("needs HAProxy: apt-get install haproxy")
    return found
