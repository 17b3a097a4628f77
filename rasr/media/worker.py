"""The processes that decode files, from their own side.

One process is loaded and then forks another one for each file: that takes 1 to 3 ms, and nothing of
one file is left for the next. It must not have threads of its own, whose locks a fork would copy.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

from rasr.audio import AudioFileError
from rasr.audio.files import declared_info, read_declared
from rasr.media.frames import MOST_BYTES, FrameKind, Order, frame
from rasr.scheduling import obey_the_server

_NICE = 10
_NICE_AFTER_MS = 100
"""A short file is done by then; whatever takes longer gives way to live speech."""
_FILES = 16
"""That may be open: all there are, and hardly one more."""
_WAKES = 1 << 12
"""Ends of processes, at most, that are noticed at once."""


def fork_for_each(connection: Connection, requests: socket.socket) -> None:
    """The work of the process that begins the others, until the server is gone.

    Args:
        connection: tells the server that all is loaded.
        requests: brings, with a byte for each file, the socket for its frames, the open file and
            the socket that is told how the process of the file has ended.
    """
    obey_the_server()
    woken = _woken_by_ends()
    ends: dict[int, int] = {}
    try:
        connection.send(None)
    except BrokenPipeError:
        return  # The server was killed meanwhile.
    while True:
        ready, _, _ = select.select([requests, woken], [], [])
        if woken in ready:
            woken.recv(_WAKES)
            _tell_of_ends(ends)
        if requests not in ready:
            continue
        byte, descriptors, _, _ = socket.recv_fds(requests, 1, 3)
        if not byte:
            return
        answers_fd, file_fd, end_fd = descriptors
        process_id = os.fork()
        if process_id == 0:
            os.close(signal.set_wakeup_fd(-1))
            woken.close()
            requests.close()
            connection.close()
            for one in (end_fd, *ends.values()):
                os.close(one)
            _work(answers_fd, file_fd)
        ends[process_id] = end_fd
        os.close(answers_fd)
        os.close(file_fd)


def _woken_by_ends() -> socket.socket:
    """Can be read from when a process has ended that was forked from this one."""
    woken, wake = socket.socketpair()
    woken.setblocking(False)
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda number, stack: None)
    signal.set_wakeup_fd(wake.detach(), warn_on_full_buffer=False)
    return woken


def _tell_of_ends(ends: dict[int, int]) -> None:
    """Tell the server by which signal processes have ended; 0: by none.

    Args:
        ends: where it is told, by process.
    """
    while True:
        try:
            process_id, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if process_id == 0:
            return
        end_fd = ends.pop(process_id)
        try:
            os.write(end_fd, bytes([os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0]))
        except OSError:
            pass  # Nobody wants to know.
        os.close(end_fd)


def _work(answers_fd: int, file_fd: int) -> None:
    """Decode one file and end."""
    try:
        threading.Thread(target=_watch, args=(answers_fd,), daemon=True).start()
        with socket.socket(fileno=answers_fd) as answers, os.fdopen(file_fd, "rb") as file:
            answers.sendall(frame(FrameKind.BEGUN))
            order = Order.decode(answers.makefile("rb").readline())
            try:
                _bind(order)
                for one in _frames(file, order):
                    answers.sendall(one)
            except AudioFileError as error:
                answers.sendall(frame(FrameKind.FAULT, str(error).encode()[:MOST_BYTES]))
            except MemoryError:
                megabytes = order.memory_bytes >> 20
                sentence = f"the audio takes more than {megabytes} MB of memory to decode"
                answers.sendall(frame(FrameKind.FAULT, sentence.encode()))
            except OSError:
                raise
            except Exception:
                # Whatever it is, the file has brought it about: nothing else is done here.
                traceback.print_exc()
                answers.sendall(frame(FrameKind.FAULT, b"the audio cannot be decoded"))
            else:
                answers.sendall(frame(FrameKind.END))
    except OSError:
        pass  # The caller wants no more.
    finally:
        # Nothing of the process that it was forked from is to be done at its end.
        os._exit(0)


def _watch(answers_fd: int) -> None:
    """Make way where it takes long, and end at once when the other end is closed, also in the
    middle of decoding."""
    poll = select.poll()
    poll.register(answers_fd, 0)
    if not poll.poll(_NICE_AFTER_MS):
        # By its number: to Linux a thread is nice for itself alone.
        os.setpriority(os.PRIO_PROCESS, os.getpid(), _NICE)
        poll.poll()
    os._exit(0)


def _bind(order: Order) -> None:
    """Let the kernel end this process where it takes more than it may."""
    # The first bound ends it with a signal of its own, and the second one would with SIGKILL.
    resource.setrlimit(resource.RLIMIT_CPU, (order.processor_s, order.processor_s + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        most = pages * resource.getpagesize() + order.memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _frames(file: IO[bytes], order: Order) -> Iterator[bytes]:
    """What is told of the file, but for its end."""
    if order.only_info:
        info = asdict(declared_info(file, order.declared))
        yield frame(FrameKind.INFO, json.dumps(info).encode())
        return
    audio = read_declared(file, order.declared, order.sample_rate, order.channel)
    for piece in _pieces(samples.astype("<i2", copy=False).tobytes() for samples in audio):
        yield frame(FrameKind.PIECE, piece)


def _pieces(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of `MOST_BYTES`; each tells the server something, which costs it."""
    waiting = bytearray()
    for part in parts:
        waiting += part
        while len(waiting) >= MOST_BYTES:
            yield bytes(waiting[:MOST_BYTES])
            del waiting[:MOST_BYTES]
    if waiting:
        yield bytes(waiting)
