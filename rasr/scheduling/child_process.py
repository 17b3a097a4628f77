"""A process that answers questions one by one, from both its sides.

A thread of the server hands questions over and waits for the answers; another one waits for the end
of the process. Neither waits for ever, because a process is always ended by killing it: it has
nothing to clean up, and one that is stopped or that hangs would do nothing else.
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from decoder import DecoderError

_OOM_SCORE_ADJ = 500
"""As if it held half of the machine's memory more than it does (proc(5), oom_score_adj)."""


_PR_SET_PDEATHSIG = 1
"""Of prctl(2): the signal that this process gets when its parent ends."""


class WorkerDied(Exception):
    """The process of a worker has ended. All its streams are lost."""


class ChildProcess:
    """A process that loads something and then answers. `start` may be called again, after any end.

    What travels is anything that pickles.
    """

    def __init__(self, name: str) -> None:
        """
        Args:
            name: of the process and of the threads that wait for it.
        """
        self._name = name
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._thread: Executor | None = None
        self._end: weakref.finalize[..., ChildProcess] | None = None
        """Kills the process; of itself when Python ends, which would else wait for it for ever."""

    @property
    def pid(self) -> int | None:
        """The id of the process; None before `start` and after `stop`."""
        return None if self._process is None else self._process.pid

    async def start(
        self, work: Callable[..., None], *arguments: Any, died: Callable[[], None]
    ) -> Any:
        """Start the process; returns what it says once it has loaded.

        Args:
            work: what the process does: called there with its end of the connection and the
                arguments, it calls `answer_questions`.
            died: called on the event loop if the process ends of itself.

        Raises:
            DecoderError: what is to be loaded cannot be had; the text says why.
            WorkerDied: the process has ended.
        """
        self.stop()
        loop = asyncio.get_running_loop()
        # spawn: the server has threads, and a fork would copy their locks as they stand.
        context = multiprocessing.get_context("spawn")
        near_end, far_end = context.Pipe()
        process = context.Process(
            target=work, args=(far_end, *arguments), name=self._name, daemon=True
        )
        # A Ctrl-C goes to the whole group. The child begins with it blocked, and so does not fall
        # over it before it comes to the line that leaves it to its parent.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._end = weakref.finalize(self, process.kill)
        # Else the connection would not end with the process.
        far_end.close()
        self._process, self._connection = process, near_end
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=self._name)
        answer = await loop.run_in_executor(self._thread, _receive, near_end)
        if isinstance(answer, DecoderError):
            raise answer

        def tell() -> None:
            if self._process is process:
                died()

        threading.Thread(
            target=_wait_for_the_end,
            args=(process, loop, tell),
            name=f"{self._name}-end",
            daemon=True,
        ).start()
        return answer

    def ask(self, question: Any) -> asyncio.Future[Any]:
        """The answer to a question. Those asked meanwhile wait.

        Raises:
            WorkerDied: the process has ended.
        """
        if self._connection is None:
            raise WorkerDied("the worker has been stopped")
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._thread, _exchange, self._connection, question)

    def kill(self) -> None:
        """Kill the process, if there is one. Whoever waits for an answer gets `WorkerDied`."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """Kill the process, and let the threads end that waited for it. Does not wait."""
        if self._end is not None:
            self._end()
        if self._thread is not None and self._connection is not None:
            # In the thread that may be using it: it is free once the process is gone.
            self._thread.submit(self._connection.close)
            self._thread.shutdown(wait=False)
        self._process = self._connection = self._thread = self._end = None


def answer_questions(
    connection: Connection, load: Callable[[], tuple[Any, Callable[[Any], Any]]]
) -> None:
    """The work of such a process, on its own side.

    First comes what was loaded, or the `DecoderError` that says why it cannot be had; then the
    process ends. Any other error ends it with a traceback on standard error.

    Args:
        connection: its end of the connection.
        load: gives what `ChildProcess.start` returns, and what answers a question.
    """
    obey_the_server()
    # Where Linux does not tell, and where the server ended before it was asked to.
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    try:
        loaded, answer = load()
    except DecoderError as error:
        connection.send(error)
        return
    connection.send(loaded)
    while True:
        try:
            question = connection.recv()
        except EOFError:
            return  # The server is gone.
        connection.send(answer(question))


def obey_the_server() -> None:
    """Let this process, a child of the server's, end when the server says so and not before, with
    it, and before it where the machine has no memory left."""
    # Ctrl-C reaches the whole group of processes, and so does the SIGTERM of service managers; the
    # server alone decides when work ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        # Also in the middle of work, and also while stopped.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _go_first_without_memory()


def _receive(connection: Connection) -> Any:
    try:
        return connection.recv()
    except (EOFError, OSError) as error:
        raise WorkerDied from error


def _exchange(connection: Connection, question: Any) -> Any:
    try:
        connection.send(question)
        return connection.recv()
    except (EOFError, OSError) as error:
        raise WorkerDied from error


def _wait_for_the_end(
    process: BaseProcess, loop: asyncio.AbstractEventLoop, tell: Callable[[], None]
) -> None:
    process.join()
    try:
        loop.call_soon_threadsafe(tell)
    except RuntimeError:
        pass  # The loop is closed, and nobody is left to be told.


def _go_first_without_memory() -> None:
    """Where the machine has no memory left, Linux is to end this process and not the server."""
    try:
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE_ADJ), encoding="ascii")
    except OSError:
        pass  # Not Linux, or not allowed here.


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
