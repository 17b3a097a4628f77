"""Logs of tests: as structlog has them, but for tracebacks."""

from __future__ import annotations

import structlog


def log_plainly() -> None:
    """Write events as by default, and tracebacks without the values of variables: with them each
    takes up to seconds."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    )
