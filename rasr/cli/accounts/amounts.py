"""Services and amounts of them, as they are typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from rasr.usage.services import Service, Unit

Command = TypeVar("Command", bound=Callable[..., Any])

_AMOUNT = re.compile(r"(\d{1,15})([smh]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def service_and_amount(command: Command) -> Command:
    """The arguments SERVICE and AMOUNT, handed on as `service` and `amount`."""
    amount = click.argument("amount", metavar="AMOUNT", type=_Amount())
    return service_argument(amount(command))


def service_argument(command: Command) -> Command:
    """The argument SERVICE."""
    names = click.Choice([str(one) for one in Service])
    return click.argument("service", metavar="SERVICE", type=names)(command)


class _Amount(click.ParamType[int]):
    """Calls, or seconds of audio, of the service that was named before it."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = _AMOUNT.fullmatch(value)
        service = None if ctx is None else ctx.params.get("service")
        of_calls = service is not None and Service(service).unit is Unit.CALLS
        if found is None or (of_calls and found[2]):
            needed = (
                f"a number of calls for {service}, as 1000"
                if of_calls
                else "seconds of audio, as 36000, 600m or 10h"
            )
            self.fail(f"{value!r}; needed: {needed}", param, ctx)
        return int(found[1]) * _SECONDS[found[2]]
