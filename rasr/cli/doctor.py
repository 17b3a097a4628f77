"""`rasr doctor`: what is wrong on this machine, and what to do about it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click

import rasr
from rasr.cli import machine_checks, service_checks
from rasr.cli.config_options import config_option
from rasr.cli.findings import Finding, Status
from rasr.models.store import open_store

_INDENT = " " * 7
_CHECK_WIDTH = 13


@click.command()
@config_option
@click.option(
    "--network", is_flag=True, help="Also look whether the places answer where models come from."
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON, for scripts.")
def doctor(config: Path | None, network: bool, as_json: bool) -> None:
    """Say what is wrong on this machine, each finding with its cure.

    Looks at the settings, the models and their files, the port or the server that runs there,
    memory, cores, file descriptors, disks, the microphone, and what browsers will say. It changes
    nothing. Ends with 0 if nothing is wrong, with 1 else; a note is nothing wrong.
    """
    findings = list(examine(config, network=network))
    wrong = sum(one.status is Status.WRONG for one in findings)
    if as_json:
        body = {
            "version": rasr.__version__,
            "ok": not wrong,
            "findings": list(map(asdict, findings)),
        }
        click.echo(json.dumps(body, ensure_ascii=False, indent=2))
    else:
        for line in told(findings):
            click.echo(line)
        things = "1 thing is" if wrong == 1 else f"{wrong} things are"
        click.echo(f"\n{things} wrong." if wrong else "\nNothing is wrong.")
    if wrong:
        raise click.exceptions.Exit(1)


def examine(config: Path | None, *, network: bool) -> Iterator[Finding]:
    """Everything that there is to be found."""
    yield from machine_checks.python_version()
    configured, of_settings = service_checks.settings_file(config, os.environ)
    yield of_settings
    settings = (
        service_checks.settings_that_can_be_read(config)
        if configured is None
        else configured.settings
    )
    store = open_store(settings.models.folder, os.environ)
    yield from service_checks.models(configured, store)
    running, of_port = service_checks.port(settings.server)
    yield of_port
    yield from machine_checks.room_in_memory(
        service_checks.memory_needed(settings, store), running=running
    )
    yield from machine_checks.enough_cores()
    yield from machine_checks.descriptors(settings)
    yield from machine_checks.folders(store, os.environ)
    yield from machine_checks.microphone()
    yield from service_checks.browser(settings, os.environ)
    if network:
        yield from service_checks.network(store)


def told(findings: Sequence[Finding]) -> Iterator[str]:
    """The findings as lines for a person, each cure below its finding."""
    for one in findings:
        word = "WRONG" if one.status is Status.WRONG else str(one.status)
        first, *rest = one.message.splitlines()
        yield f"{word:<{len(_INDENT)}}{one.check:<{_CHECK_WIDTH}}{first}"
        yield from (f"{_INDENT}{line}" for line in rest)
        if one.cure:
            yield f"{_INDENT}→ {one.cure}"
