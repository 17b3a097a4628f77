"""Connections to hosts, whose addresses are checked first: to those that were checked, no others.

A name is resolved once for each connection. Whoever asked twice, to check and then to connect,
could be told two things (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

import rasr
from rasr.recordings.addresses import Address, as_address
from rasr.recordings.faults import failed
from rasr.recordings.policy import FetchPolicy, Target

Resolve = Callable[[str], Awaitable[Sequence[Address]]]
"""A name → its addresses."""

_RESOLVED_AT_ONCE = 64
"""A name whose servers do not answer keeps its thread for half a minute, three times as long as
anybody waits for it: more than one project can leave behind, so that another one's finds a thread.
Of each project some eight callbacks and a few recordings are under way."""
_TRIED = 4
"""Addresses of a host, one after the other."""
_CONNECT_S = 10.0
_READ_AT_ONCE = 4096
"""Bytes before the answer begins. What is read at once is taken apart at once, while nobody else
has the event loop: a server may send thousands of answers that say that it is still at work."""
_MOST_BEFORE = 256 << 10
"""Bytes of all that."""


class SystemResolver:
    """Names as the machine resolves them, in threads of its own: a name server that does not answer
    keeps nobody else waiting."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_RESOLVED_AT_ONCE, "resolve")

    async def __call__(self, host: str) -> Sequence[Address]:
        """The addresses of a name.

        Raises:
            RecordingFault: there is no such name, or nobody can say so now.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, _look_up, host)
        except socket.gaierror as error:
            if error.errno in (socket.EAI_AGAIN, socket.EAI_FAIL):
                raise failed(f"{host}: the name cannot be resolved now", may_pass=True) from error
            raise failed(f"{host}: there is no such host") from error
        except UnicodeError as error:
            raise failed(f"{host}: there is no such host") from error
        return found

    def close(self) -> None:
        """Resolve nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str) -> list[Address]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    # In the order of the machine, each once.
    texts = dict.fromkeys(str(address[0]) for *_, address in found)
    return [ipaddress.ip_address(text) for text in texts]


class Connector:
    """Sends requests to targets that a policy allows."""

    def __init__(self, resolve: Resolve, context: ssl.SSLContext | None = None) -> None:
        """
        Args:
            context: whose certificates are believed; None: those that everybody believes.
        """
        self._resolve = resolve
        self._context = context
        self._reading = asyncio.Lock()

    @asynccontextmanager
    async def ask(
        self,
        method: str,
        target: Target,
        policy: FetchPolicy,
        silence_s: float,
        headers: Iterable[tuple[str, str]] = (),
        content: bytes | None = None,
    ) -> AsyncIterator[httpcore.Response]:
        """One request on a connection of its own, without cookies, proxies and redirects.

        Raises:
            RecordingFault: the host may not be asked, or does not answer as it should.
        """
        context = await self._trusted()
        backend = _CheckedBackend(target, policy, self._resolve)
        sent = [
            (b"Host", target.authority),
            (b"User-Agent", f"rasr/{rasr.__version__}".encode()),
            (b"Connection", b"close"),
            *((name.encode("ascii"), value.encode("latin-1")) for name, value in headers),
        ]
        url = httpcore.URL(
            scheme=target.scheme, host=target.host, port=target.port, target=target.path
        )
        times = {
            "connect": min(_CONNECT_S, silence_s),
            "read": silence_s,
            "write": silence_s,
            "pool": silence_s,
        }
        with _faults_as_ours(target):
            async with httpcore.AsyncConnectionPool(
                ssl_context=context, max_keepalive_connections=0, network_backend=backend
            ) as pool:
                async with pool.stream(
                    method, url, headers=sent, content=content, extensions={"timeout": times}
                ) as response:
                    backend.answer_began()
                    yield response

    async def _trusted(self) -> ssl.SSLContext:
        async with self._reading:
            if self._context is None:
                # Reads hundreds of certificates.
                self._context = await asyncio.to_thread(httpx.create_ssl_context)
        return self._context


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to one target, at an address that was checked."""

    def __init__(self, target: Target, policy: FetchPolicy, resolve: Resolve) -> None:
        self._target = target
        self._policy = policy
        self._resolve = resolve
        self._sockets = httpcore.AnyIOBackend()
        self._pace = _Pace()

    def answer_began(self) -> None:
        """From here on who asks reads as fast as he likes."""
        self._pace.left = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the name is httpcore's)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        address = as_address(self._target.host)
        if address is not None:
            addresses: Sequence[Address] = [address]
        else:
            try:
                async with asyncio.timeout(timeout):
                    addresses = await self._resolve(self._target.host)
            except TimeoutError as error:
                raise httpcore.ConnectTimeout("its name is not resolved in time") from error
        self._policy.check(self._target, addresses)
        fault: Exception = httpcore.ConnectError("no address")
        for one in addresses[:_TRIED]:
            try:
                stream = await self._sockets.connect_tcp(
                    str(one), self._target.port, timeout, local_address, socket_options
                )
                return _PacedStream(stream, self._pace)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
        raise fault

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 (the name is httpcore's)
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("sockets of this machine are asked nothing")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(slots=True)
class _Pace:
    left: int | None = _MOST_BEFORE
    """Bytes that may still come before the answer begins; None once it has."""


class _PacedStream(httpcore.AsyncNetworkStream):
    """A connection that gives little at once until the answer begins."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, pace: _Pace) -> None:
        self._stream = stream
        self._pace = pace

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the name is httpcore's)
    ) -> bytes:
        if self._pace.left is None:
            return await self._stream.read(max_bytes, timeout)
        if self._pace.left <= 0:
            raise httpcore.ReadError("no answer, but much before it")
        content = await self._stream.read(min(max_bytes, _READ_AT_ONCE), timeout)
        self._pace.left -= len(content)
        return content

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 (the name is httpcore's)
    ) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (the name is httpcore's)
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _PacedStream(stream, self._pace)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@contextmanager
def _faults_as_ours(target: Target) -> Iterator[None]:
    try:
        yield
    except httpcore.ConnectTimeout as error:
        raise failed(f"{target.host} does not answer", may_pass=True) from error
    except httpcore.TimeoutException as error:
        raise failed(f"{target.host} sends nothing for too long", may_pass=True) from error
    except httpcore.NetworkError as error:
        verdict = _certificate_verdict(error)
        if verdict is not None:
            raise failed(f"the certificate of {target.host} is not good: {verdict}") from error
        how = "cannot be reached" if isinstance(error, httpcore.ConnectError) else "breaks off"
        raise failed(f"{target.host} {how}", may_pass=True) from error
    except httpcore.RemoteProtocolError as error:
        raise failed(
            f"{target.host} breaks off before its answer is whole, or speaks no HTTP", may_pass=True
        ) from error
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise failed(f"{target.host} cannot be asked") from error


def _certificate_verdict(error: BaseException | None) -> str | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return None
