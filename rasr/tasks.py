"""Tasks of the event loop, whose end somebody notices.

Python forgets a task that ends: what it was to do is never done, and nobody is told. So every task
here has an owner. One that is `awaited` gives its owner its result or its error. One that is
`watched` is left to itself; if it ends otherwise than it should, that is a fault, which goes where
the faults of callbacks and timers go, to the exception handler of the event loop. A server notices
them all there (`notice_faults`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import structlog

_log = structlog.get_logger("rasr.tasks")

ResultT = TypeVar("ResultT")


class EndedUnasked(Exception):
    """A task was cancelled by what it waited for, or returned although it should go on for ever."""


def awaited(work: Awaitable[ResultT], *, name: str) -> asyncio.Future[ResultT]:
    """Work that begins now, that its owner awaits later, and whose error is the owner's.

    Args:
        name: for the log.
    """
    future = asyncio.ensure_future(work)
    if isinstance(future, asyncio.Task):
        future.set_name(name)
    return future


def watched(
    coroutine: Coroutine[Any, Any, None],
    *,
    name: str,
    forever: bool = False,
    failed: Callable[[Exception], None] | None = None,
) -> asyncio.Task[None]:
    """A task that nobody awaits. If it ends unasked, that is reported.

    It ends unasked if it raises, or if it is cancelled by anything but a call of its `cancel`: by
    a future that it waits for and that somebody else has cancelled.

    Args:
        name: for the log.
        forever: it should go on until it is cancelled; returning is an unasked end, too.
        failed: called with the error, to settle what the task leaves behind.
    """
    task = asyncio.get_running_loop().create_task(coroutine, name=name)
    task.add_done_callback(partial(_ended, forever, failed))
    return task


async def given_up(*works: asyncio.Future[Any]) -> None:
    """Cancel work that nobody wants any more, and see it end, however it does."""
    for work in works:
        work.cancel()
    await asyncio.gather(*works, return_exceptions=True)


async def ended(work: asyncio.Future[Any], over: asyncio.Event, within_s: float) -> None:
    """Have work come to its end that looks at an event; it is given up where it takes too long.

    What is cancelled while it opens a connection may leave that open.
    """
    over.set()
    await asyncio.wait({work}, timeout=within_s)
    await given_up(work)


async def happens(event: asyncio.Event, within_s: float) -> bool:
    """Wait for an event. False: it did not happen in time."""
    try:
        async with asyncio.timeout(within_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


@contextmanager
def faults_noticed() -> Iterator[None]:
    """For one round of a task that has many: an error in it is reported as if it had ended the
    task, which goes on. What one round meets need not be there in the next."""
    error: Exception
    try:
        yield
        return
    except asyncio.CancelledError:
        if was_asked_to_end():
            raise
        error = EndedUnasked("cancelled by what it waited for")
    except Exception as raised:
        error = raised
    _report("a round of a task failed", error, asyncio.current_task())


def was_asked_to_end() -> bool:
    """True if the running task has been cancelled by a call of its `cancel`.

    Else a `CancelledError` in it comes from what it waits for, and is an error like others.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def notice_faults(loop: asyncio.AbstractEventLoop, count: Callable[[], None]) -> None:
    """Log whatever ends unasked on an event loop, and count it.

    That is: watched tasks, callbacks and timers that raise, and errors of tasks and futures that
    nobody has looked at.

    Args:
        count: called for each, on the loop.
    """

    def handle(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        count()
        task = context.get("task") or context.get("future")
        name = task.get_name() if isinstance(task, asyncio.Task) else "callback"
        # Not its message: that has the arguments of callbacks in it, and those have texts.
        _log.error("task_failed", task=name, exc_info=context.get("exception"))

    loop.set_exception_handler(handle)


def notice_faults_of_threads(count: Callable[[], None]) -> None:
    """Log whatever ends a thread of this process unasked, and count it.

    Args:
        count: called for each, in the thread.
    """

    def handle(arguments: threading.ExceptHookArgs) -> None:
        count()
        name = "unknown" if arguments.thread is None else arguments.thread.name
        _log.error("thread_failed", thread=name, exc_info=arguments.exc_value)

    threading.excepthook = handle


def _ended(
    forever: bool, failed: Callable[[Exception], None] | None, task: asyncio.Task[None]
) -> None:
    error = _error_of(task, forever)
    if error is None:
        return
    _report("a task ended unasked", error, task)
    if failed is not None:
        failed(error)


def _report(message: str, error: Exception, task: asyncio.Task[Any] | None) -> None:
    asyncio.get_running_loop().call_exception_handler(
        {"message": message, "exception": error, "task": task}
    )


def _error_of(task: asyncio.Task[None], forever: bool) -> Exception | None:
    if task.cancelled():
        return None if task.cancelling() else EndedUnasked("cancelled by what it waited for")
    error = task.exception()
    if isinstance(error, Exception):
        return error
    # Whatever else ends a task, such as a request to exit, ends the event loop as well.
    return EndedUnasked("it has returned") if forever and error is None else None
