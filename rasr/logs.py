"""Logs: one line an event, on standard error.

Owns the form of the lines: for people the time, the level, the event as words and what belongs to
it as `key=value`; for programs JSON. Events of structlog and of other packages get the same form;
of the other packages only warnings and worse are written. Code that logs keeps audio, transcripts,
hot words and secrets out of it. Tracebacks are written without the values of variables, which would
bring all of them back in. What strangers send and a line tells, such as a path, is written without
the signs that a terminal or an editor would obey.

Whoever logs does not wait: a thread of its own writes the lines. Standard error may be a pipe that
nobody reads, and then lines are lost and counted, and the server goes on.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import queue
import re
import threading
import time
from collections.abc import Callable
from io import StringIO
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from rasr.settings import LogFormat, LogLevel

_OURS = "rasr"
"""Loggers of this project are below this name; of all others only warnings are written."""

_EVENT_NAME = re.compile("[a-z0-9]+(_[a-z0-9]+)*")

_KEPT_LINES = 10_000
"""Waiting to be written; about 2 MiB."""
_LAST_S = 2.0
"""For the last lines to be written when the process ends."""
_LOOK_S = 0.002
"""Between two looks whether they have been."""


def set_up(level: LogLevel, stream: TextIO, form: LogFormat = "people") -> None:
    """Send every event of this process to `stream` from now on."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = _Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(_json() if form == "json" else _for_people(colours=stream.isatty())),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    atexit.register(handler.flush)
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(level.upper())


def lost() -> int:
    """Log lines that could not be written because nobody took them."""
    return sum(one.lost for one in _handlers())


def flush() -> None:
    """Wait until all lines are written, but not long."""
    for one in _handlers():
        one.flush()


def _handlers() -> list[_Handler]:
    return [one for one in logging.getLogger().handlers if isinstance(one, _Handler)]


class _Handler(logging.Handler):
    """Forms lines where they are logged, and lets a thread write them."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.lost = 0
        self._untold = 0
        """Of the lost ones: those that no line has told of."""
        self._put = _writer(stream)
        # No lock that a handler of signals, which logs as well, could find taken.
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._formed = self._done = 0
        """Lines that were given to the thread, and of those how many it has done with."""
        # A daemon: a write that never ends must not keep the process alive.
        threading.Thread(target=self._write, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Form the line; drop it where too many wait."""
        if self._formed - self._done >= _KEPT_LINES:
            self.lost += 1
            self._untold += 1
            return
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
            return
        self._formed += 1
        self._lines.put(line)

    def flush(self) -> None:
        """Wait until all lines are written, but not long."""
        until = time.monotonic() + _LAST_S
        while self._done < self._formed and time.monotonic() < until:
            time.sleep(_LOOK_S)

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            try:
                self._put(f"{line}\n")
            except (OSError, ValueError):
                # The reader is gone, and there is nobody to be told.
                self.lost += 1
            self._done += 1
            if self._untold and self._formed - self._done < _KEPT_LINES:
                untold, self._untold = self._untold, 0
                structlog.get_logger("rasr.logs").warning("log_lines_lost", lines=untold)


def _writer(stream: TextIO) -> Callable[[str], None]:
    """What writes text to a stream: to its descriptor, if it has one.

    A thread that hangs in a write of Python's own stream would have its lock when the process ends,
    and Python takes that for a fatal error.
    """
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):

        def write(text: str) -> None:
            stream.write(text)
            stream.flush()

        return write

    def write_bytes(text: str) -> None:
        rest = memoryview(text.encode("utf-8", "backslashreplace"))
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    return write_bytes


def _json() -> list[Processor]:
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(_json_line),
    ]


def _for_people(*, colours: bool) -> list[Processor]:
    return [
        structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
        _in_words,
        _printable,
        structlog.dev.ConsoleRenderer(
            colors=colours and "NO_COLOR" not in os.environ,
            pad_event_to=0,
            exception_formatter=_traceback,
        ),
    ]


def _in_words(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """The name of an event as words: "session_opened" as "Session opened"."""
    name = str(event["event"])
    if _EVENT_NAME.fullmatch(name):
        event["event"] = name.replace("_", " ").capitalize()
    if str(event.get("logger", "")).startswith(_OURS):
        del event["logger"]
    return event


class _Quoted(str):
    """A text as Python writes it, which structlog does not quote once more."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _printable(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Texts without signs that are not printed: terminals obey some of them."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[name] = _lines(value) if name == "event" else _Quoted(repr(value))
    return event


def _traceback(stream: TextIO, error: ExcInfo) -> None:
    written = StringIO()
    structlog.dev.plain_traceback(written, error)
    stream.write(_lines(written.getvalue()))


def _lines(text: str) -> str:
    """A text of several lines, all of whose other signs are printed."""
    return "".join(
        one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode("ascii")
        for one in text
    )


def _json_line(event: EventDict, **options: Any) -> str:
    line = json.dumps(event, ensure_ascii=False, **options)
    if line.isprintable():
        return line
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in line)
