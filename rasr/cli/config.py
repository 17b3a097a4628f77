"""`rasr config`: what is in force, as a file that can be given back with `--config`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import click

from rasr.cli.config_options import config_option, configuration, model_option
from rasr.configuration import Configuration
from rasr.configuration.schema import dotted, leaves, written


@click.command()
@config_option
@model_option
def config(config: Path | None, model: tuple[str, ...]) -> None:
    """Print the settings in force, each with where it comes from.

    The output is a TOML file: keep it, change it, give it back with --config.

    \b
    A setting comes from, weakest first:
      its default;
      the models that are installed;
      the file of --config, or else of RASR_CONFIG, or else ~/.config/rasr/rasr.toml;
      the environment: RASR_SERVER__PORT=9000 is port in [server];
      a flag of the command.
    """
    click.echo(to_toml(configuration(config, models=model)), nl=False)


def to_toml(configuration: Configuration) -> str:
    """The configuration as a commented TOML document; it loads as the same settings."""
    return "\n".join(_lines(configuration)) + "\n"


def _lines(configuration: Configuration) -> Iterator[str]:
    yield "# The settings in force; behind each of them, where it comes from."
    for table, group in groupby(leaves(configuration.settings), key=lambda entry: entry[0][:-1]):
        entries = list(group)
        assignments = [
            # Who keeps the output as a file adds it again, or leaves it where it comes from.
            f"# {dotted(path[-1:])} is set, and not shown"
            if leaf.is_secret and value
            else f"{dotted(path[-1:])} = {written(value)}"
            for path, leaf, value in entries
        ]
        width = max(map(len, assignments))
        yield ""
        yield f"[{dotted(table)}]"
        told = ""
        for (path, leaf, _), assignment in zip(entries, assignments, strict=True):
            explanation = f"# {leaf.meaning} ({leaf.allowed})"
            # Where the names are a person's own, all entries mean the same: once is enough.
            if explanation != told:
                yield explanation
                told = explanation
            origin = " ".join(str(configuration.origins[dotted(path)]).split())
            yield f"{assignment:<{width}}  # {origin}"
    if not configuration.settings.properties:
        # Without its heading the default entry would come back.
        yield from ("", "[properties]")
