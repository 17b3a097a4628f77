"""Logs: one line an event, on standard error.

Owns the form of the lines: `key=value` for a person at a terminal, JSON for everything else. Events
of structlog and of other packages get the same form; of the other packages only warnings and worse
are written. Code that logs keeps audio, transcripts, hot words and secrets out of it. Tracebacks
are written without the values of variables, which would bring all of them back in.
"""

from __future__ import annotations

import logging
import os
from typing import TextIO

import structlog
from structlog.typing import Processor

from rasr.settings import LogLevel

_OURS = "rasr"
"""Loggers of this project are below this name; of all others only warnings are written."""


def set_up(level: LogLevel, stream: TextIO, *, as_json: bool | None = None) -> None:
    """Send every event of this process to `stream` from now on.

    Args:
        as_json: None for JSON unless `stream` is a terminal.
    """
    at_terminal = stream.isatty()
    if as_json is None:
        as_json = not at_terminal
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
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
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(_json() if as_json else _for_a_person(colours=at_terminal)),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(level.upper())


def _json() -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


def _for_a_person(*, colours: bool) -> list[Processor]:
    return [
        structlog.dev.ConsoleRenderer(
            colors=colours and "NO_COLOR" not in os.environ,
            pad_event_to=0,
            exception_formatter=structlog.dev.plain_traceback,
        )
    ]
