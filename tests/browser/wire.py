"""The network between a browser and a server: a wire that can be cut, and mended."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.browser.server import Server, ThreadServer


class Wire:
    """Takes connections on a port of its own and carries their bytes to a server's."""

    def __init__(self, port: int, listener: socket.socket) -> None:
        self._port = port
        self._listener = listener
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._cut = False
        self.sent = bytearray()
        """All that browsers have sent, in pieces as they came."""
        self._start(self._take)

    @property
    def url(self) -> str:
        return f"http://localhost:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        """What is connected is no more, and nothing else will be."""
        with self._lock:
            self._cut = True
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        with self._lock:
            self._cut = False

    def close(self) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=10)
        self._listener.close()

    def _start(self, work: object, *arguments: object) -> None:
        assert callable(work)
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _take(self) -> None:
        while True:
            try:
                browser, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._cut:
                    browser.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._port))
                self._open |= {browser, server}
            self._start(self._carry, browser, server, self.sent)
            self._start(self._carry, server, browser, bytearray())

    def _carry(self, source: socket.socket, target: socket.socket, copy: bytearray) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                copy += data
                target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open.discard(source)
        source.close()


@contextmanager
def wire_to(server: Server | ThreadServer) -> Iterator[Wire]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wire = Wire(server.port, listener)
        try:
            yield wire
        finally:
            wire.close()
