"""Options that several of these commands share."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from rasr.identity.directory import DEFAULT_DOMAIN

Command = TypeVar("Command", bound=Callable[..., Any])

_SPAN = re.compile(r"(\d{1,5})([mhd])")
_FIRST, _END = datetime(2000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
"""Every database and every clock knows these moments, and a year after them."""
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}


def domain_option(command: Command) -> Command:
    """`--domain`."""
    return click.option(
        "--domain",
        default=DEFAULT_DOMAIN,
        metavar="NAME",
        help=f"The domain (account) that names are looked up in. Default: {DEFAULT_DOMAIN}.",
    )(command)


def description_option(command: Command) -> Command:
    """`--description`."""
    return click.option(
        "--description", default="", metavar="TEXT", help="A line for whoever reads lists."
    )(command)


def project_option(command: Command) -> Command:
    """`--project`, which is needed."""
    return click.option(
        "--project", required=True, metavar="NAME", help="Whose it is, by name or id."
    )(command)


def json_option(command: Command) -> Command:
    """`--json`, handed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def force_option(command: Command) -> Command:
    """`--force`, for what may take the last administrator's rights."""
    return click.option(
        "--force", is_flag=True, help="Also where nobody is left who may do everything."
    )(command)


def expires_option(command: Command) -> Command:
    """`--expires`, handed on as a moment."""
    return click.option(
        "--expires",
        type=Moment(),
        metavar="WHEN",
        help="When it counts no more: 90d, 12h, 30m from now, or a date as 2027-01-31 (UTC).",
    )(command)


class Moment(click.ParamType[float]):
    """A moment in the future, in seconds since 1970."""

    name = "moment"

    def __init__(self, *, past: bool = False) -> None:
        """
        Args:
            past: one that is over will do, too.
        """
        self._past = past

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The moment that was typed."""
        now = time.time()
        span = _SPAN.fullmatch(value)
        if span is not None:
            moment = now + int(span[1]) * _SECONDS[span[2]]
        else:
            try:
                at = datetime.fromisoformat(value)
            except ValueError:
                self.fail(f"{value!r}; needed: 90d, 12h, 30m, or a date as 2027-01-31", param, ctx)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            if not _FIRST <= at < _END:
                self.fail(f"{value!r}; needed: a date from 2000-01-01 to 2999-12-31", param, ctx)
            moment = at.timestamp()
        if moment <= now and not self._past:
            self.fail(f"{value!r} is over; needed: a moment in the future", param, ctx)
        return moment
