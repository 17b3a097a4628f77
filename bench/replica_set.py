"""Replicas on this machine behind HAProxy, each of which can be killed, stopped and started."""

from __future__ import annotations

import csv
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import psutil

from bench.servers import MeasuredServer, running_server
from tools.haproxy import Program, program, running
from tools.ports import free_port

_SETTINGS = """\
{store}
[replicas]
finish_s = 15.0
address = "ws://127.0.0.1:{port}"
"""
_NOTICED_S = 30.0
_STATISTICS = """\
global
    stats socket {path}
"""


class Balancer:
    """HAProxy, as it is seen from outside."""

    def __init__(self, url: str, pid: int, statistics: Path) -> None:
        self.url = url
        self._process = psutil.Process(pid)  # type: ignore[no-untyped-call]
        self._statistics = statistics

    def cpu_s(self) -> float:
        """What it has used so far."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def memory_bytes(self) -> int:
        """What it has now."""
        return int(self._process.memory_info().rss)

    def carried(self) -> tuple[int, int]:
        """Bytes from clients and to them, of connections that are closed."""
        (row,) = (one for one in self._rows() if one["svname"] == "FRONTEND")
        return int(row["bin"]), int(row["bout"])

    def wait_until(self, port: int, *, is_ready: bool) -> None:
        """Wait until it takes the replica at this port for ready, or no longer.

        Raises:
            RuntimeError: it does not come to that.
        """
        until_s = time.monotonic() + _NOTICED_S
        while (self._status(port) == "UP") is not is_ready:
            if time.monotonic() > until_s:
                raise RuntimeError(f"HAProxy does not notice what the replica at {port} says")
            time.sleep(0.05)

    def _status(self, port: int) -> str:
        (status,) = (
            one["status"]
            for one in self._rows()
            if (one["pxname"], one["svname"]) == ("replicas", f"s{port}")
        )
        return status

    def _rows(self) -> list[dict[str, str]]:
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(self._statistics))
            asked.sendall(b"show stat\n")
            told = b"".join(iter(partial(asked.recv, 65536), b"")).decode()
        return list(csv.DictReader(told.removeprefix("# ").splitlines()))


class ReplicaSet:
    """As many as there are ports. Its methods block."""

    def __init__(self, balancer: Balancer, ports: Sequence[int], settings: str, store: str) -> None:
        """
        Args:
            settings: of all of them, but for store and address.
            store: settings of the store that they share.
        """
        self.balancer = balancer
        self.ports = ports
        self._settings = settings
        self._store = store
        self._held: list[ExitStack | None] = [None] * len(ports)
        self._servers: list[MeasuredServer | None] = [None] * len(ports)

    @property
    def size(self) -> int:
        """How many there are when all run."""
        return len(self.ports)

    @property
    def servers(self) -> list[MeasuredServer]:
        """Those that run."""
        return [one for one in self._servers if one is not None]

    def start(self, at: int) -> None:
        """Start one that does not run, and wait until the balancer knows of it."""
        port = self.ports[at]
        settings = self._settings + _SETTINGS.format(store=self._store, port=port)
        with ExitStack() as stack:
            # Each would believe that it had the machine for itself.
            self._servers[at] = stack.enter_context(
                running_server(settings, "--port", str(port), admission=False)
            )
            self._held[at] = stack.pop_all()
        self.balancer.wait_until(port, is_ready=True)

    def stop(self, at: int) -> None:
        """Stop one in order, and wait until it has ended.

        Raises:
            subprocess.TimeoutExpired: it does not end.
        """
        held, self._held[at], self._servers[at] = self._held[at], None, None
        if held is not None:
            held.close()

    def kill(self, at: int) -> None:
        """One is gone from one moment to the next."""
        server = self._servers[at]
        if server is not None:
            server.kill()
        self.stop(at)

    @contextmanager
    def frozen(self, at: int) -> Iterator[None]:
        """One does nothing, and neither ends nor breaks a connection."""
        server = self._servers[at]
        assert server is not None, "it runs"
        with server.frozen():
            yield

    def end(self) -> None:
        """None runs any more."""
        for at in range(self.size):
            self.kill(at)


@contextmanager
def replica_set(
    count: int, settings: str, store: str | None = None, haproxy: Program | None = None
) -> Iterator[ReplicaSet]:
    """So many replicas, all ready, behind HAProxy.

    Args:
        settings: of all of them, but for store and address.
        store: settings of the store that they share; None: a file that goes with them.
        haproxy: None: as it is installed here, or can be fetched.

    Raises:
        RuntimeError: there is no HAProxy here, or a replica did not start.
    """
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name).absolute()
        haproxy = haproxy or program(folder)
        if haproxy is None:
            raise RuntimeError("needs HAProxy: apt-get install haproxy")
        port, *ports = [free_port() for _ in range(count + 1)]
        statistics = folder / "statistics"
        process = stack.enter_context(
            running(haproxy, folder, port, ports, _STATISTICS.format(path=statistics))
        )
        replicas = ReplicaSet(
            Balancer(f"ws://127.0.0.1:{port}", process.pid, statistics),
            ports,
            settings,
            store or f'[store]\nurl = "sqlite:///{folder}/store/store.db"\n',
        )
        stack.callback(replicas.end)
        for at in range(count):
            replicas.start(at)
        yield replicas
