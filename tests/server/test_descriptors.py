"""How many connections the open files of the process leave room for."""

from __future__ import annotations

import resource

import pytest

from rasr.server.descriptors import connections_that_fit
from rasr.server.errors import StartError
from rasr.server.service import Service
from tests.server.conftest import fake_settings


class Limits:
    """Stands in for the operating system's."""

    def __init__(self, soft: int, hard: int, *, may_raise: bool = True) -> None:
        self.now = soft, hard
        self._may_raise = may_raise

    def get(self, kind: int) -> tuple[int, int]:
        assert kind == resource.RLIMIT_NOFILE
        return self.now

    def set(self, kind: int, wanted: tuple[int, int]) -> None:
        assert kind == resource.RLIMIT_NOFILE
        if not self._may_raise:
            raise ValueError("not allowed to raise maximum limit")
        self.now = wanted


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> type[Limits]:
    monkeypatch.setattr("os.listdir", lambda folder: ["0", "1", "2"])

    class System(Limits):
        def __init__(self, soft: int, hard: int, *, may_raise: bool = True) -> None:
            super().__init__(soft, hard, may_raise=may_raise)
            monkeypatch.setattr(resource, "getrlimit", self.get)
            monkeypatch.setattr(resource, "setrlimit", self.set)

    return System


UNBOUNDED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "fit", "soft_after"),
    [
        # 3 files are open, and 64 more are kept for other things.
        (1024, 1024, 500, 1024),
        (256, 4096, 500, 567),
        (256, UNBOUNDED, 500, 567),
        (256, 300, 233, 300),
        (UNBOUNDED, UNBOUNDED, 500, UNBOUNDED),
    ],
)
def test_the_soft_limit_is_raised_as_far_as_is_needed_and_allowed(
    system: type[Limits], soft: int, hard: int, fit: int, soft_after: int
) -> None:
    limits = system(soft, hard)
    assert connections_that_fit(500) == fit
    assert limits.now == (soft_after, hard)


def test_where_it_cannot_be_raised_what_is_in_force_counts(system: type[Limits]) -> None:
    system(256, 4096, may_raise=False)
    assert connections_that_fit(500) == 256 - 67


def test_a_process_that_may_open_hardly_anything_is_told_so(system: type[Limits]) -> None:
    system(20, 20)
    with pytest.raises(StartError, match=r"20 files open.*ulimit -n 567"):
        connections_that_fit(500)


async def test_a_server_takes_as_many_connections_as_it_may_have_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rasr.server.service.connections_that_fit", lambda wanted: 130)
    async with Service(fake_settings()) as service:
        # 128 are for requests over HTTP.
        assert service.state.settings.server.max_connections == 2
